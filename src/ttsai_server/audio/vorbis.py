"""Ogg Vorbis by libsndfile (imported at the first use), for the sample rates that Opus lacks."""

from collections.abc import Mapping
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

_TAGS = frozenset(["title", "copyright", "artist", "comment", "date", "album", "license", "tracknumber", "genre"])
"""Tags that libsndfile can write."""
_NAMES = {"track": "tracknumber"}
"""FFmpeg's names → libsndfile's, where they differ."""
_NOMINAL = (64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 500)
"""Kilobits per second of stereo at 44.1 kHz that libvorbis aims at with quality 0 to 10."""
_BLOCK = 1 << 15
"""Frames passed to libsndfile at once: its Vorbis writer keeps a block on the stack."""


class VorbisEncoder:
    """Encodes a stream of samples into a file; same interface as `encode.Encoder`. Blocking, not thread-safe.

    Args:
        rate: Hertz, of the samples pushed and of the file.
        channels: 1 or 2.
        bitrate: target of the variable bit rate, bits per second; clipped to what Vorbis supports.
        tags: FFmpeg's names → values; those that libsndfile can't write are left out.
        file: open for writing.
    """

    def __init__(self, rate: int, *, channels: int, bitrate: int, tags: Mapping[str, str], file: BinaryIO) -> None:
        import soundfile

        level = 1 - _quality(bitrate / 1000, rate, channels) / 10
        self._file = soundfile.SoundFile(
            file, "w", rate, channels, format="OGG", subtype="VORBIS", compression_level=level
        )
        for name, value in tags.items():
            if (known := _NAMES.get(name, name)) in _TAGS:
                setattr(self._file, known, value)

    def push(self, samples: NDArray[np.float32]) -> None:
        """Encode float32 (n, channels) in [-1, 1]."""
        for start in range(0, len(samples), _BLOCK):
            self._file.write(np.clip(samples[start : start + _BLOCK], -1, 1))

    def finish(self) -> None:
        """Write the rest; nothing may be pushed after it."""
        self._file.close()


def _quality(kilobits: float, rate: int, channels: int) -> float:
    """libvorbis's quality, 0 to 10. Nominal rates scale with the bandwidth; mono needs a little over half of stereo."""
    scale = (1.0 if rate > 32_000 else 0.65) * (1.0 if channels == 2 else 0.6)
    return float(np.interp(kilobits / scale, _NOMINAL, range(len(_NOMINAL))))
