"""Cards of the sine engine, which only waits, for tests and measurements of how models are placed."""

from dataclasses import replace

from ttsai_server.domain import ModelCard, Preset, SpeechRequest
from ttsai_server.engines.catalog import Catalog
from ttsai_server.settings import Settings

REQUEST = SpeechRequest("la la la", (Preset("tone_a"),), "en")


def waiting(id: str, *, steps: int = 1, seconds: float = 0.0, **changes: object) -> ModelCard:
    """A model that speaks REQUEST in so many steps, of so many seconds each."""
    tone = Catalog.read(Settings().models.cards, demo=True).models["tone"]
    setup = {"steps": steps, "step_seconds": seconds}
    return replace(tone, id=id, **{"setup": setup, **changes})  # pyright: ignore[reportArgumentType]
