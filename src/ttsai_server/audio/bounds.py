"""Limits of files that are decoded."""

from dataclasses import dataclass
from math import inf

from ttsai_server.errors import FileTooLarge


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits of a source file."""

    seconds: float
    channels: int = 8
    """At most 8, PyAV's limit."""
    rate: int = 384_000
    """Hertz."""
    samples: float = inf
    """Of all channels together, which is the work and the disk that they take."""

    def check_length(self, seconds: float, samples: float) -> None:
        """Raises FileTooLarge."""
        if seconds > self.seconds + 1e-6:
            raise FileTooLarge(f"The file is longer than {self.seconds:.0f} s.", param="file")
        if samples > self.samples:
            raise FileTooLarge(
                f"The file has over {self.samples / 1e6:,.0f} million samples in all its channels, the most that are "
                "taken: lower its sample rate or its number of channels, or split it.",
                param="file",
            )
