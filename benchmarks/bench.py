"""What every benchmark is given, and what several of them do."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

VOICES = {"kokoro": "af_heart", "tone": "tone_a"}


@dataclass(frozen=True, slots=True)
class Bench:
    model: str
    """The model that speaks."""
    rounds: int
    """How often each thing is measured, in turn with what it is compared with; the median counts."""
    minutes: float = 15
    """How long the soak takes."""

    @property
    def voice(self) -> str:
        return VOICES[self.model]

    @property
    def has_peer(self) -> bool:
        """Whether fastkokoro speaks the same weights."""
        return self.model == "kokoro"

    def order(self, text: str, **more: object) -> dict[str, object]:
        """A body for POST /v1/tts/."""
        return {"model": self.model, "voice": self.voice, "text": text, "language": "en", **more}


def middle(values: Sequence[float]) -> float:
    """The median: one round that something else disturbed does not count."""
    return median(values)
