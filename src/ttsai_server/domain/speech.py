"""Requests for speech, as engines receive them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ttsai_server.domain.models import Preset, Reference


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """A word of a written text, and when it is said."""

    text: str
    """As it is written, with adjacent punctuation: `$5,`."""
    start_char: int
    """Where it begins in the text, characters."""
    end_char: int
    """Where it ends in the text: [start_char, end_char)."""
    start_seconds: float
    """From the start of the sound."""
    end_seconds: float
    """Not before `start_seconds`."""


@dataclass(frozen=True, slots=True)
class SpeechRequest:
    """One piece of text for an engine to speak; already validated, and short enough for one step of work."""

    text: str
    voices: tuple[Preset | Reference, ...]
    """One voice; a Reference only for a Cloner; several are a blend, only for models whose card allows it."""
    language: str
    """BCP 47, such as `en-us`."""
    speed: float = 1.0
    """1 is the voice's own pace; 2 is twice as fast."""
    soon: bool = False
    """Whether a listener waits for the first audio: the engine may then use several steps, a short one first."""
    options: Mapping[str, object] = field(default_factory=dict[str, object])
    """Engine-specific options from the client, already validated by the engine's Options."""
    timestamps: bool = False
    """Whether to report when each word is said; only for models whose card has `timestamps`."""

    @property
    def presets(self) -> tuple[Preset, ...]:
        """The voices, for an engine that has no others than its card's."""
        return tuple(voice for voice in self.voices if isinstance(voice, Preset))
