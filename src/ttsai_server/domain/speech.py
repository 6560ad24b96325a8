"""Text to speech, as an engine is asked for it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ttsai_server.domain.models import Preset


@dataclass(frozen=True, slots=True)
class SpeechRequest:
    """One piece of text for an engine to say: already validated, and short enough to be one step of work."""

    text: str
    voices: tuple[Preset, ...]
    """One voice, or a blend where the card says that the model blends."""
    language: str
    """BCP 47, as `en-us`."""
    speed: float = 1.0
    """1 is the voice's own pace; 2 is twice as fast."""
    soon: bool = False
    """Whether someone waits for its first sound: the engine may say it in several steps, a short one first."""
    options: Mapping[str, object] = field(default_factory=dict[str, object])
    """Engine knobs that the client sent, already checked against the engine's Options."""
