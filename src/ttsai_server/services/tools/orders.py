"""How a client wants a recording treated: the types are right, the meaning not yet checked."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Transcode:
    format: str
    """A key of `encode.CONTENT_TYPES`."""
    bitrate: int | None = None
    """Bits per second, of a lossy format; None: `export.BITRATE`."""
    sample_rate: int | None = None
    """Hertz; None: as it is."""
    channels: int | None = None
    """1 or 2; None: as it is, two of more than two."""


@dataclass(frozen=True, slots=True)
class Enhance:
    denoise: bool = True
    enhance_clarity: bool = True
    super_resolution: bool = False
    strength: int = 2
    """1 to 3, of the denoising."""
    format: str = "wav"


@dataclass(frozen=True, slots=True)
class Dereverb:
    echo: bool = True
    """Take away distinct echoes."""
    reverb: bool = True
    """Take away late reverberation."""
    intensity: int = 3
    """1 to 5."""
    format: str = "wav"


@dataclass(frozen=True, slots=True)
class Separate:
    model: str = "demucs"
    """A model's id, or the family's."""
    stems: int = 2
    format: str = "wav"
    zip: bool = False
    """All stems in one file, not one of each."""


@dataclass(frozen=True, slots=True)
class Analyze:
    pass


Order = Transcode | Enhance | Dereverb | Separate | Analyze

ORDERS: Mapping[str, type[Order]] = {
    "convert": Transcode,
    "enhance": Enhance,
    "dereverb": Dereverb,
    "separate": Separate,
    "analyze": Analyze,
}
"""Kind of a task → the order that it carries out."""
