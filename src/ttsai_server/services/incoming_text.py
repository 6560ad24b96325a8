"""A text that is still being written, by a chat model or a client, as passages to be spoken."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from enum import Enum
from itertools import groupby
from typing import cast

from anyio import to_thread

from ttsai_server.services.narration import Passage
from ttsai_server.services.speech_run import SpeechPlan
from ttsai_server.text.clean import speakable
from ttsai_server.text.growing import GrowingText
from ttsai_server.text.split import Cut


class Mark(Enum):
    """What can be between two parts."""

    FLUSH = "flush"
    END = "end"


class IncomingText:
    """Takes the text in parts, and gives all its sentences that are complete when the voice is free for more."""

    def __init__(self, language: str, speak: Callable[[str], SpeechPlan]) -> None:
        """language: ISO 639-1. speak: part of the text → how it is spoken; blocking."""
        self.spoken = False
        """Whether there has been anything in it that can be spoken."""
        self._growing = GrowingText(language)
        self._speak = speak
        self._parts: asyncio.Queue[str | Mark] = asyncio.Queue()

    def add(self, part: str) -> None:
        self._parts.put_nowait(part)

    def flush(self) -> None:
        """Speak what there is, also of a sentence that has not ended."""
        self._parts.put_nowait(Mark.FLUSH)

    def end(self) -> None:
        """There is no more; nothing may be added after it."""
        self._parts.put_nowait(Mark.END)

    async def passages(self) -> AsyncGenerator[Passage]:
        """Raises what `speak` raises."""
        waiting, parts = "", list[str | Mark]()
        while Mark.END not in parts:
            parts = [await self._parts.get()]
            while not self._parts.empty():
                parts.append(self._parts.get_nowait())
            # in a thread, and for all of them at once: it looks at the whole text
            waiting += await to_thread.run_sync(self._completed, parts)
            if speakable(waiting):
                self.spoken = True
                ends = Cut.PARAGRAPH if waiting.endswith("\n") else Cut.SENTENCE
                yield Passage(await to_thread.run_sync(self._speak, waiting), waiting, ends)
                waiting = ""

    def _completed(self, parts: Sequence[str | Mark]) -> str:
        """The sentences that these parts complete."""
        return "".join(
            self._growing.add("".join(cast("list[str]", list(group)))) if kind is str else self._growing.end()
            for kind, group in groupby(parts, type)
        )
