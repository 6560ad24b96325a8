"""Key, tempo and metre of music."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ttsai_server.domain.steps import RecordingStep


@dataclass(frozen=True, slots=True)
class Tempo:
    bpm: float
    """Beats a minute."""
    confidence: float
    """Share of tempos given with this confidence that were right when it was calibrated, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Music:
    """What a piece of music is in; None where it can't be told, and `reasons` says why."""

    tonic: int | None = None
    """Pitch class of the key: 0 is C, 11 is B."""
    minor: bool = False
    """Else major."""
    bpm: float | None = None
    """Beats a minute: quarter notes, in 6/8 dotted ones."""
    tempi: tuple[Tempo, ...] = ()
    """`bpm`, and what it may be instead, as its double or half; likeliest first."""
    metre: str | None = None
    """2/4, 3/4, 4/4 or 6/8."""
    tuning: float | None = None
    """Cents above A4 = 440 Hz, -50 to 50."""
    confidence: Mapping[str, float] = field(default_factory=dict[str, float])
    """key, bpm, time_signature → share of such answers that were right in calibration, 0 to 1; 0: no answer."""
    reasons: Mapping[str, str] = field(default_factory=dict[str, str])
    """key, bpm, time_signature → why there is none, a sentence."""


@dataclass(frozen=True, slots=True)
class Analysis(RecordingStep):
    """What one step of analysis has found."""

    music: Music | None = None
    """In the last step."""
