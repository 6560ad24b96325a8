"""How a client wants a recording treated: the types are right, the meaning not yet checked."""

from dataclasses import dataclass
from typing import ClassVar

from ttsai_server.services.flow import Order
from ttsai_server.services.tools.analysis import AnalysisRun
from ttsai_server.services.tools.enhancement import EnhancementRun
from ttsai_server.services.tools.separation import SeparationRun


@dataclass(frozen=True, slots=True)
class Transcode(Order[EnhancementRun]):
    kind: ClassVar[str] = "convert"
    takes_upload: ClassVar[bool] = True

    format: str
    """A key of `encode.CONTENT_TYPES`."""
    bitrate: int | None = None
    """Bits per second, of a lossy format; None: `export.BITRATE`."""
    sample_rate: int | None = None
    """Hertz; None: as it is."""
    channels: int | None = None
    """1 or 2; None: as it is, two of more than two."""


@dataclass(frozen=True, slots=True)
class Enhance(Order[EnhancementRun]):
    kind: ClassVar[str] = "enhance"
    takes_upload: ClassVar[bool] = True

    denoise: bool = True
    enhance_clarity: bool = True
    super_resolution: bool = False
    strength: int = 2
    """1 to 3, of the denoising."""
    format: str = "wav"


@dataclass(frozen=True, slots=True)
class Dereverb(Order[EnhancementRun]):
    kind: ClassVar[str] = "dereverb"
    takes_upload: ClassVar[bool] = True

    echo: bool = True
    """Take away distinct echoes."""
    reverb: bool = True
    """Take away late reverberation."""
    intensity: int = 3
    """1 to 5."""
    format: str = "wav"


@dataclass(frozen=True, slots=True)
class Separate(Order[SeparationRun]):
    kind: ClassVar[str] = "separate"
    takes_upload: ClassVar[bool] = True

    model: str | None = None
    """A model's id, or the family's; None: the first of `tools.separators` that is ready."""
    stems: int = 2
    format: str = "wav"
    zip: bool = False
    """All stems in one file, not one of each."""


@dataclass(frozen=True, slots=True)
class Analyze(Order[AnalysisRun]):
    kind: ClassVar[str] = "analyze"
    takes_upload: ClassVar[bool] = True
