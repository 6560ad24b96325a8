"""A finished recording → a file as a client wants it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO

from ttsai_server.audio.encode import Encoder
from ttsai_server.audio.mixing import mixed, mixing
from ttsai_server.audio.recording import Recording, Stopped
from ttsai_server.audio.resampling import at_rate
from ttsai_server.audio.vorbis import VorbisEncoder

BITRATE = 192_000
"""Bits per second, where nobody says otherwise."""
_SPEAKERS = {1: ("FC",), 2: ("FL", "FR")}


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """What a file is to be."""

    format: str
    """A key of `encode.CONTENT_TYPES`."""
    bitrate: int | None = None
    """Bits per second of a lossy format; None: BITRATE."""
    rate: int | None = None
    """Hertz; None: the recording's own, or the next above that the format has."""
    channels: int | None = None
    """1 or 2; None: the recording's own."""
    depth: int = 16
    """16 or 24 bits a sample, of a lossless format."""
    tags: Mapping[str, str] = field(default_factory=dict[str, str])


def export(
    recording: Recording, target: ExportFormat, file: BinaryIO, *, stop: Callable[[], bool] = lambda: False
) -> None:
    """Write all of a recording of 1 or 2 channels to `file`, which must seek. Blocking.

    Loudness is kept: channels are averaged to mono, and mono is both sides of stereo. Raises Stopped: `stop()`, asked
    between blocks, was true.
    """
    if target.rate not in (None, recording.rate):
        with at_rate(recording, target.rate, stop=stop) as resampled:
            return _write(resampled, target, file, stop)
    return _write(recording, target, file, stop)


def _write(recording: Recording, target: ExportFormat, file: BinaryIO, stop: Callable[[], bool]) -> None:
    channels = target.channels or recording.channels
    encoder = _encoder(recording.rate, channels, target, file)
    mix = None if channels == recording.channels else mixing(_SPEAKERS[recording.channels], channels)
    for block in recording.blocks():
        if stop():
            raise Stopped
        encoder.push(block if mix is None else mixed(block, mix))
    encoder.finish()


def _encoder(rate: int, channels: int, target: ExportFormat, file: BinaryIO) -> Encoder | VorbisEncoder:
    bitrate = target.bitrate or BITRATE
    if target.format == "ogg" and target.rate not in (None, 48_000):  # Opus knows no 44.1 kHz
        return VorbisEncoder(rate, channels=channels, bitrate=bitrate, tags=target.tags, file=file)
    return Encoder(
        target.format, rate, channels=channels, bitrate=bitrate, depth=target.depth, tags=target.tags, file=file
    )
