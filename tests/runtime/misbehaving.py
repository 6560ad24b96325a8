"""An engine that does to its process what native code may do: each text that it says is a way to end badly."""

import ctypes
import os
import signal
import time
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Self

import numpy as np

from ttsai_server.domain import Audio, ModelCard, SpeechRequest
from ttsai_server.engines.base import Cancellation, Cancelled, LoadContext, Synthesizer
from ttsai_server.engines.catalog import Catalog
from ttsai_server.errors import EngineFailed
from ttsai_server.settings import Settings

CRASHES = ("kill", "segfault", "exit")
"""Texts that end the process."""
GIGABYTE = 1 << 30


class Misbehaving(Synthesizer):
    """Each text is said in two steps; it is in the second that it goes wrong."""

    def __init__(self) -> None:
        self._kept: list[np.ndarray] = []

    @classmethod
    def load(cls, card: ModelCard, place: LoadContext) -> Self:
        if "hang_on_load" in card.setup:
            time.sleep(3600)
        if Path(str(card.setup.get("fail_if_there"))).exists():
            raise EngineFailed("It can't be loaded.")
        if "count_loads" in card.setup:
            with Path(str(card.setup["count_loads"])).open("a") as file:
                file.write("1")
        if "crash_on_load" in card.setup:
            crash_while_any_left(Path(str(card.setup["crash_on_load"])))
        return cls()

    def warm_up(self, card: ModelCard) -> None:
        """Nothing to wait for."""

    def synthesize(self, request: SpeechRequest, cancellation: Cancellation) -> Generator[Audio]:
        sound = np.full((2400, 1), 0.1, np.float32)
        yield Audio(sound, 24_000)
        self._do(request.text.strip("."), cancellation)
        yield Audio(sound, 24_000, last=True)

    def close(self) -> None:
        """Nothing to free."""

    def _do(self, what: str, cancellation: Cancellation) -> None:
        match what:
            case "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            case "segfault":
                ctypes.string_at(0)
            case "exit":
                os._exit(3)
            case "hang":
                while True:
                    time.sleep(0.1)
            case "obey":
                while not cancellation.cancelled:
                    time.sleep(0.01)
                raise Cancelled
            case "finish":  # nothing interrupts it
                time.sleep(0.5)
            case "grow":
                self._kept.append(np.ones(GIGABYTE // 8))
            case "raise":
                raise ZeroDivisionError("by nothing")
            case _:
                """An ordinary text."""


def crash_while_any_left(file: Path) -> None:
    """Take a character from the file and crash; go on if it has none."""
    if left := file.read_text():
        file.write_text(left[1:])
        os.kill(os.getpid(), signal.SIGKILL)


def card(id: str = "misbehaving", **changes: object) -> ModelCard:
    """Of this engine: a copy of the sine's, so that its voices have names of their own."""
    tone = Catalog.read(Settings().models.cards, demo=True).models["tone"]
    engine = f"{Misbehaving.__module__}:{Misbehaving.__name__}"
    return replace(tone, **{"id": id, "engine": engine, **changes})  # pyright: ignore[reportArgumentType]
