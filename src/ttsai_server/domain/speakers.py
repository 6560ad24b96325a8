"""Speaker diarization (who speaks when): request and results."""

from dataclasses import dataclass

from ttsai_server.domain.steps import RecordingStep


@dataclass(frozen=True, slots=True)
class DiarizationRequest:
    """The expected number of speakers; already validated: each >= 1, and `least` <= `most`."""

    speakers: int | None = None
    """The exact number; None: the engine estimates it."""
    least: int = 1
    most: int = 20


@dataclass(frozen=True, slots=True)
class Turn:
    """A period in which one person speaks."""

    start: float
    """Seconds from the start of the recording."""
    end: float
    speaker: int
    """Number of the speaker, from 0, in order of first speech."""


@dataclass(frozen=True, slots=True)
class Diarization(RecordingStep):
    """The result of one step of diarization."""

    turns: tuple[Turn, ...] = ()
    """All turns, sorted by start; empty in all steps but the last."""
