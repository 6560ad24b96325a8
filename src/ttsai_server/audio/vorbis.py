"""Ogg Vorbis, for the sample rates that Opus does not have; libsndfile's encoder (imported at the first use)."""

from collections.abc import Mapping
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

_TAGS = frozenset(["title", "copyright", "artist", "comment", "date", "album", "license", "tracknumber", "genre"])
"""Those that libsndfile writes."""
_NAMES = {"track": "tracknumber"}
"""FFmpeg's names → libsndfile's, where they differ."""
_NOMINAL = (64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 500)
"""Kilobits per second of stereo at 44.1 kHz that libvorbis aims at with quality 0 to 10."""
_BLOCK = 1 << 15
"""Frames given to libsndfile at once: its Vorbis writer keeps a block on the stack."""


class VorbisEncoder:
    """Encodes one stretch of sound into a file; blocking, for one thread at a time. Used as `encode.Encoder`.

    Args:
        rate: of the samples pushed, and of the result, Hertz.
        channels: 1 or 2.
        bitrate: bits per second that the variable bit rate aims at; what Vorbis can't do becomes the nearest.
        tags: names as FFmpeg has them; those that libsndfile has no place for are left out.
        file: where to write.
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
    """0 to 10. The nominal rates go with the bandwidth, and mono needs a little over half of stereo."""
    scale = (1.0 if rate > 32_000 else 0.65) * (1.0 if channels == 2 else 0.6)
    return float(np.interp(kilobits / scale, _NOMINAL, range(len(_NOMINAL))))
