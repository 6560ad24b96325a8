"""What live transcription reports. Positions are samples at `RATE` from the first one that was pushed."""

from collections.abc import Sequence
from dataclasses import dataclass

from ttsai_server.domain import Word
from ttsai_server.errors import ApiError


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """Somebody begins to speak: a new utterance. Told only where speech is detected."""

    utterance: int
    """Its number: 1, 2, …"""
    position: int
    """Of the first speech; the sound that is transcribed begins up to `SpeechDetection.padding_seconds` before it."""


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    """Nobody has spoken for `SpeechDetection.silence_seconds`: the utterance is over, its text is on its way."""

    utterance: int
    position: int
    """Where the last speech ends."""


@dataclass(frozen=True, slots=True)
class PartialText:
    """What has been heard so far of a segment that goes on."""

    utterance: int
    added: str
    """What has become stable since the event before, with the space before it; may be empty. Appended to each other,
    those of all partial and final texts of an utterance are its text."""
    stable: str
    """What is stable of the segment: two hearings agree on it, and the final text begins with it."""
    tentative: str
    """What the latest hearing makes of the rest; the next one may hear something else."""


@dataclass(frozen=True, slots=True)
class FinalText:
    """What is said in a segment; never changed afterwards."""

    utterance: int
    added: str
    """See `PartialText.added`."""
    text: str
    """Of the whole segment; empty if nothing is said in it."""
    words: Sequence[Word]
    """With their times, seconds from the first sample that was pushed."""
    language: str
    """ISO 639-1: as requested, or detected."""
    start: float
    """Where the segment's sound begins, seconds."""
    end: float
    last: bool
    """Whether the utterance ends with it. False: it was long, and is cut here, in a pause if there was one."""


@dataclass(frozen=True, slots=True)
class HearingFailed:
    """A segment could not be transcribed, and nothing is charged for it; later ones may be."""

    utterance: int
    error: ApiError
    last: bool
    """See `FinalText.last`."""


LiveEvent = SpeechStarted | SpeechStopped | PartialText | FinalText | HearingFailed
