"""Key, tempo and metre of music."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ttsai_server.domain.steps import RecordingStep


@dataclass(frozen=True, slots=True)
class Tempo:
    bpm: float
    """Beats per minute."""
    confidence: float
    """Share of tempos of this confidence that were right in calibration, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Music:
    """Key, tempo and metre of a piece of music. What can't be determined is None, and `reasons` says why."""

    tonic: int | None = None
    """Pitch class of the key: 0 is C, 11 is B."""
    minor: bool = False
    """Whether the key is minor; else it is major."""
    bpm: float | None = None
    """Beats per minute: quarter notes, or dotted quarter notes in 6/8."""
    tempi: tuple[Tempo, ...] = ()
    """`bpm` and alternatives to it, such as its double or half; likeliest first."""
    metre: str | None = None
    """2/4, 3/4, 4/4 or 6/8."""
    tuning: float | None = None
    """Deviation from A4 = 440 Hz, -50 to 50 cents."""
    confidence: Mapping[str, float] = field(default_factory=dict[str, float])
    """key, bpm, time_signature → share of such answers that were right in calibration, 0 to 1; 0 if there is none."""
    reasons: Mapping[str, str] = field(default_factory=dict[str, str])
    """key, bpm, time_signature → why it could not be determined, a sentence."""


@dataclass(frozen=True, slots=True)
class Analysis(RecordingStep):
    """The result of one step of analysis."""

    music: Music | None = None
    """The result; None in all steps but the last."""
