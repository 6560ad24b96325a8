"""Who speaks when: what an engine is asked, and what it finds."""

from dataclasses import dataclass

from ttsai_server.domain.steps import RecordingStep


@dataclass(frozen=True, slots=True)
class DiarizationRequest:
    """How many people are expected to speak: already validated, each >= 1 and `least` <= `most`."""

    speakers: int | None = None
    """Exactly so many; None: the engine finds out."""
    least: int = 1
    most: int = 20


@dataclass(frozen=True, slots=True)
class Turn:
    """One person speaking."""

    start: float
    """Seconds from the start of the recording."""
    end: float
    speaker: int
    """0 is who speaks first, 1 the next new one, and so on."""


@dataclass(frozen=True, slots=True)
class Diarization(RecordingStep):
    """What one step of diarization has found."""

    turns: tuple[Turn, ...] = ()
    """By start; empty until the last step, which has all of them."""
