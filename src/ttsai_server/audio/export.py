"""Writes a finished recording to a file in the requested format."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO

from ttsai_server.audio.encode import Encoder
from ttsai_server.audio.mixing import mix, mix_matrix
from ttsai_server.audio.recording import Recording, Stopped
from ttsai_server.audio.resampling import resample
from ttsai_server.audio.vorbis import VorbisEncoder

BITRATE = 192_000
"""Default of lossy formats, bits per second."""
_SPEAKERS = {1: ("FC",), 2: ("FL", "FR")}


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """Format and encoding parameters of a file."""

    format: str
    """A key of `encode.CONTENT_TYPES`."""
    bitrate: int | None = None
    """Bits per second of a lossy format; None: BITRATE."""
    rate: int | None = None
    """Hertz; None: the recording's rate, or the next higher one that the format supports."""
    channels: int | None = None
    """1 or 2; None: as many as the recording has."""
    depth: int = 16
    """Bits per sample of a lossless format: 16 or 24."""
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    """FFmpeg's names (title, artist, …) → values."""


def export(
    recording: Recording, target: ExportFormat, file: BinaryIO, *, stop: Callable[[], bool] = lambda: False
) -> None:
    """Encode a recording of 1 or 2 channels into `file`, which must be seekable. Blocking.

    Loudness is kept: stereo is averaged to mono, and mono becomes both channels of stereo. Raises Stopped if `stop()`,
    called before each block, returns true.
    """
    if target.rate not in (None, recording.rate):
        with resample(recording, target.rate, stop=stop) as resampled:
            return _write(resampled, target, file, stop)
    return _write(recording, target, file, stop)


def _write(recording: Recording, target: ExportFormat, file: BinaryIO, stop: Callable[[], bool]) -> None:
    channels = target.channels or recording.channels
    encoder = _encoder(recording.rate, channels, target, file)
    matrix = None if channels == recording.channels else mix_matrix(_SPEAKERS[recording.channels], channels)
    for block in recording.blocks():
        if stop():
            raise Stopped
        encoder.push(block if matrix is None else mix(block, matrix))
    encoder.finish()


def _encoder(rate: int, channels: int, target: ExportFormat, file: BinaryIO) -> Encoder | VorbisEncoder:
    bitrate = target.bitrate or BITRATE
    if target.format == "ogg" and target.rate not in (None, 48_000):  # Opus has no 44.1 kHz
        return VorbisEncoder(rate, channels=channels, bitrate=bitrate, tags=target.tags, file=file)
    return Encoder(
        target.format, rate, channels=channels, bitrate=bitrate, depth=target.depth, tags=target.tags, file=file
    )
