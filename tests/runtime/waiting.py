"""Cards of the sine engine, which only waits, for tests and measurements of how models are placed."""

from dataclasses import replace

import numpy as np

from ttsai_server.domain import ModelCard, Reference, SpeechRequest
from ttsai_server.engines.catalog import Catalog
from ttsai_server.engines.tone import HERTZ
from ttsai_server.settings import Settings

VOICE = Reference("any", {HERTZ: np.array(220.0)})
REQUEST = SpeechRequest("la la la", (VOICE,), "en")


def waiting(id: str, *, steps: int = 1, seconds: float = 0.0, **changes: object) -> ModelCard:
    """A model that speaks REQUEST in so many steps, of so many seconds each; without voices, it is not warmed up."""
    tone = Catalog.read(Settings().models.cards, demo=True).models["tone"]
    setup = {"steps": steps, "step_seconds": seconds}
    return replace(tone, id=id, voices=(), **{"setup": setup, **changes})  # pyright: ignore[reportArgumentType]
