"""Parameters of all benchmarks, and functions that several of them use."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

VOICES = {"kokoro": "af_heart", "piper": "en_US-joe-medium", "tone": "tone_a"}
OPTIONS: Mapping[str, Mapping[str, object]] = {"piper": {"noise_scale": 0, "noise_w": 0}}
"""Options of each request, by model: with them, equal texts give equal sound."""


@dataclass(frozen=True, slots=True)
class Bench:
    model: str
    """The text-to-speech model."""
    rounds: int
    """How often each figure is measured, alternating with its baseline; the median counts."""
    minutes: float = 15
    """How long the soak takes."""

    @property
    def voice(self) -> str:
        return VOICES[self.model]

    @property
    def options(self) -> Mapping[str, object]:
        return OPTIONS.get(self.model, {})

    @property
    def has_peer(self) -> bool:
        """Whether fastkokoro can run the same weights."""
        return self.model == "kokoro"

    def order(self, text: str, **more: object) -> dict[str, object]:
        """A body for POST /v1/tts/."""
        return {"model": self.model, "voice": self.voice, "text": text, "language": "en", **self.options, **more}


def middle(values: Sequence[float]) -> float:
    """The median, which a single disturbed round does not change."""
    return median(values)
