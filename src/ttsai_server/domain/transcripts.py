"""Speech to text: what an engine is asked, and what it hears."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain, pairwise

from ttsai_server.domain.steps import RecordingStep


@dataclass(frozen=True, slots=True)
class TranscriptionRequest:
    """How a recording is to be heard: already validated."""

    language: str | None = None
    """ISO 639-1 code of what is spoken; None: the engine finds out."""
    translate: bool = False
    """Write English, whatever is spoken."""
    words: bool = False
    """Give each word its times."""
    prompt: str = ""
    """Text that might come before it: names and spellings to expect."""
    temperature: float = 0.0
    """Of the sampling, 0 to 1; 0 searches for the likeliest text."""
    options: Mapping[str, object] = field(default_factory=dict[str, object])
    """Engine knobs that the client sent, already checked against the engine's Options."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word as it is written, with the punctuation that clings to it and no space around it."""

    text: str
    start: float
    """Seconds from the start of the recording."""
    end: float
    """Seconds; not before `start`."""
    probability: float
    """How sure the engine is, 0 to 1."""
    speaker: str = ""
    """SPEAKER_00, …; empty where nobody asked."""
    joined: bool = False
    """Written without a space before it, as in Chinese, or after a hyphen."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A sentence or so."""

    text: str
    """No space around it."""
    start: float
    """Seconds from the start of the recording."""
    end: float
    """Seconds; not before `start`, nor after the recording's end."""
    words: tuple[Word, ...] = ()
    """In order, inside [start, end], if they were asked for."""
    speaker: str = ""
    """SPEAKER_00, …; empty where nobody asked."""
    tokens: tuple[int, ...] = ()
    """The model's own, for OpenAI's verbose_json."""
    temperature: float = 0.0
    average_log_probability: float = 0.0
    """Of its tokens."""
    compression_ratio: float = 1.0
    """Length of the text to its length after gzip; over 2.4 it repeats itself."""
    no_speech_probability: float = 0.0
    language: str = ""
    """ISO 639-1 code of what is spoken in it: the one asked for, or found."""


@dataclass(frozen=True, slots=True)
class PartialTranscript(RecordingStep):
    """What one step of transcription has heard."""

    segments: tuple[Segment, ...]
    """In order of time, after those of the partial transcript before; none where nobody speaks."""
    language: str
    """ISO 639-1 code of what has been spoken most until then: the one asked for, or found."""


UNSPACED = frozenset({"ja", "yue", "zh"})
"""Languages that part no sentences by spaces, ISO 639."""


def gap(before: str, after: str, language: str) -> str:
    """What is written between two sentences: a space, but for languages without, and there too around Latin letters."""
    if not before or not after or (language in UNSPACED and not (before[-1].isascii() and after[0].isascii())):
        return ""
    return " "


@dataclass(frozen=True, slots=True)
class Transcript:
    """A recording, written down."""

    segments: tuple[Segment, ...]
    """In order of time; none where nobody speaks."""
    language: str
    """ISO 639-1 code of what is spoken, or spoken most; each segment has its own."""
    seconds: float
    """Length of the recording."""
    translated: bool = False
    """Written in English, whatever is spoken."""

    @property
    def written(self) -> str:
        """ISO 639-1 code of what is written."""
        return "en" if self.translated else self.language

    @property
    def text(self) -> str:
        """All of it, without line breaks."""
        said = [segment for segment in self.segments if segment.text]
        gaps = [gap(before.text, after.text, self.written_in(after)) for before, after in pairwise(said)]
        return "".join(chain.from_iterable(zip(["", *gaps], (segment.text for segment in said), strict=False)))

    def written_in(self, segment: Segment) -> str:
        """ISO 639-1 code of what is written in one of its segments."""
        return "en" if self.translated else segment.language or self.language
