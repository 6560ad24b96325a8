"""Transcription: requests and transcripts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain, pairwise

from ttsai_server.domain.steps import RecordingStep


@dataclass(frozen=True, slots=True)
class TranscriptionRequest:
    """How to transcribe a recording; already validated."""

    language: str | None = None
    """ISO 639-1 code of the language spoken; None: the engine detects it."""
    translate: bool = False
    """Whether to translate to English."""
    words: bool = False
    """Whether to return the times of each word."""
    prompt: str = ""
    """Text that could precede the recording: it shows the names and spellings to expect."""
    temperature: float = 0.0
    """Sampling temperature, 0 to 1; 0 searches for the likeliest text."""
    options: Mapping[str, object] = field(default_factory=dict[str, object])
    """Engine-specific options from the client, already validated by the engine's Options."""


@dataclass(frozen=True, slots=True)
class Word:
    """A written word, with adjacent punctuation and without surrounding spaces."""

    text: str
    start: float
    """Seconds from the start of the recording."""
    end: float
    """Seconds; not before `start`."""
    probability: float
    """The engine's confidence, 0 to 1."""
    speaker: str = ""
    """SPEAKER_00, …; empty without diarization."""
    joined: bool = False
    """Whether no space precedes it, as in Chinese or after a hyphen."""
    characters: tuple[int, int] | None = None
    """[start, end) in the text that was spoken; None: it was heard."""


def text_of(words: Iterable[Word]) -> str:
    """The text that words make up."""
    return "".join(word.text if word.joined else f" {word.text}" for word in words).strip()


@dataclass(frozen=True, slots=True)
class Segment:
    """A section of a transcript, about a sentence."""

    text: str
    """Without surrounding spaces."""
    start: float
    """Seconds from the start of the recording."""
    end: float
    """Seconds; not before `start`, nor after the recording's end."""
    words: tuple[Word, ...] = ()
    """In order, within [start, end]; empty unless requested."""
    speaker: str = ""
    """SPEAKER_00, …; empty without diarization."""
    tokens: tuple[int, ...] = ()
    """Ids of the model's tokens, for OpenAI's verbose_json."""
    temperature: float = 0.0
    """Sampling temperature that was used."""
    average_log_probability: float = 0.0
    """Mean over its tokens."""
    compression_ratio: float = 1.0
    """Length of the text divided by its length after gzip; over 2.4 it repeats itself."""
    no_speech_probability: float = 0.0
    language: str = ""
    """ISO 639-1 code of the language spoken: as requested, or detected."""


@dataclass(frozen=True, slots=True)
class PartialTranscript(RecordingStep):
    """The result of one step of transcription."""

    segments: tuple[Segment, ...]
    """In order of time, all later than those of the previous step; empty without speech."""
    language: str
    """ISO 639-1 code of the language spoken most so far: as requested, or detected."""


UNSPACED = frozenset({"ja", "yue", "zh"})
"""Languages written without spaces between sentences, ISO 639 codes."""


def gap(before: str, after: str, language: str) -> str:
    """The separator of two sentences: a space; in `UNSPACED` languages empty, unless both sides are ASCII."""
    if not before or not after or (language in UNSPACED and not (before[-1].isascii() and after[0].isascii())):
        return ""
    return " "


@dataclass(frozen=True, slots=True)
class Transcript:
    """The transcript of a whole recording."""

    segments: tuple[Segment, ...]
    """In order of time; empty without speech."""
    language: str
    """ISO 639-1 code of the language spoken most; each segment has its own."""
    seconds: float
    """Length of the recording."""
    translated: bool = False
    """Whether it was translated to English."""

    @property
    def written(self) -> str:
        """ISO 639-1 code of the transcript's language: English if it was translated."""
        return "en" if self.translated else self.language

    @property
    def text(self) -> str:
        """The whole text, without line breaks."""
        said = [segment for segment in self.segments if segment.text]
        gaps = [gap(before.text, after.text, self.written_in(after)) for before, after in pairwise(said)]
        return "".join(chain.from_iterable(zip(["", *gaps], (segment.text for segment in said), strict=False)))

    def written_in(self, segment: Segment) -> str:
        """ISO 639-1 code of the language in which a segment is written."""
        return "en" if self.translated else segment.language or self.language
