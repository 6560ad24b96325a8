"""Encodes sound to a file format as it is generated, with one encoder per response.

Concatenating finished files would give wrong lengths and clicks; here one encoder and one muxer (FFmpeg's, through
PyAV) run from the first sample to the last. PyAV is imported at the first use: it is 18 MB.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import numpy as np
import soxr
from numpy.typing import NDArray

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream


@dataclass(frozen=True, slots=True)
class _Format:
    content_type: str
    container: str
    codec: str
    sample: str
    """PyAV's name of the codec's sample format."""
    bitrate: int | None = None
    """Bits per second and channel; None: lossless."""
    options: Mapping[str, str] = field(default_factory=dict[str, str])
    """Options of the codec."""
    muxer: Mapping[str, str] = field(default_factory=dict[str, str])
    """Options of the container."""
    stream: Mapping[str, str] = field(default_factory=dict[str, str])
    """Further options of the container when it is streamed, so that its header can't be completed at the end."""


_FRAME = 1 << 16
"""Frames passed to FFmpeg at once: its allocations are capped, see `decode`."""
_BARE = {"fflags": "+bitexact"}
"""No encoder name and no random values in the header: a WAV header of 44 bytes, always the same Ogg serial."""
_FRAGMENTS = {"movflags": "empty_moov+default_base_moof", "frag_duration": "100000"}
"""Options of a fragmented MP4, whose header is written before its sound."""
_OPUS = _Format("audio/ogg", "ogg", "libopus", "flt", 48_000, muxer=_BARE, stream={"page_duration": "100000"})

_FORMATS: Mapping[str, _Format] = {
    # constant bitrate, so that players show the right length of a stream, which has no Xing header; 64 kbit/s is
    # 2.7 bits a sample at 24 kHz, and LAME's quality 7 costs .004 CPU-seconds per second there, its default .006
    "mp3": _Format(
        "audio/mpeg",
        "mp3",
        "libmp3lame",
        "fltp",
        64_000,
        {"compression_level": "7"},
        {"id3v2_version": "0"},
        {"write_xing": "0"},
    ),
    # in a stream the sizes are 0xFFFFFFFF, "until the end"; in a file they are exact
    "wav": _Format("audio/wav", "wav", "pcm_s16le", "s16", muxer=_BARE),
    "flac": _Format("audio/flac", "flac", "flac", "s16"),
    # Opus, not Vorbis: FFmpeg's own Vorbis encoder is experimental, and every player of today that knows Ogg plays Opus
    "ogg": _OPUS,
    "opus": _OPUS,
    "m4a": _Format("audio/mp4", "ipod", "aac", "fltp", 64_000, muxer=_BARE, stream=_FRAGMENTS),
    "aac": _Format("audio/aac", "adts", "aac", "fltp", 64_000, {"aac_coder": "fast"}),
    "pcm": _Format("audio/pcm", "s16le", "pcm_s16le", "s16"),
    # ITU-T G.711, for telephones
    "ulaw": _Format("audio/basic", "mulaw", "pcm_mulaw", "s16"),
    "alaw": _Format("audio/x-alaw-basic", "alaw", "pcm_alaw", "s16"),
}

CONTENT_TYPES: Mapping[str, str] = {name: known.content_type for name, known in _FORMATS.items()}
"""Format → its media type."""


class _Buffer:
    """A file for PyAV that can't seek and is emptied after every push."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken


_DEEPER = {"wav": ("pcm_s24le", "s32"), "flac": ("flac", "s32")}
"""Format → codec and sample format for 24 bits per sample, where it supports them."""


def to_int16(samples: NDArray[np.float32]) -> NDArray[np.int16]:
    """Convert [-1, 1] to 16 bits: rounded and clipped, without dither.

    A vocoder's output is noisier than the 16-bit step, and dither would put noise into the pauses.
    """
    return np.rint(np.clip(samples * np.float32(32768), -32768, 32767)).astype(np.int16)


def to_int24(samples: NDArray[np.float32]) -> NDArray[np.int32]:
    """Convert [-1, 1] to the upper 24 of 32 bits: rounded and clipped as `to_int16`."""
    scaled = np.rint(np.clip(samples.astype(np.float64) * 2**23, -(2**23), 2**23 - 1))
    return scaled.astype(np.int32) << 8


class Encoder:
    """Encodes a stream of samples, pushed in pieces of any length. Blocking, not thread-safe.

    The result depends only on the samples, not on how they were cut into pushes.

    Args:
        format: a key of CONTENT_TYPES.
        rate: Hertz, of the samples pushed.
        target_rate: Hertz, of the result; where the codec does not support it, the next higher one. None: `rate`.
        channels: 1 or 2.
        bitrate: bits per second, at most what the codec supports at this rate; None: the format's default. Ignored by
            lossless formats.
        depth: bits per sample of lossless formats: 16 or 24.
        tags: metadata, FFmpeg's names → values; ignored by formats without metadata.
        file: where to write, seekable, because the header gets the exact lengths at the end. None: `push` and `finish`
            return the bytes as they are encoded.
    """

    def __init__(
        self,
        format: str,
        rate: int,
        *,
        target_rate: int | None = None,
        channels: int = 1,
        bitrate: int | None = None,
        depth: int = 16,
        tags: Mapping[str, str] | None = None,
        file: BinaryIO | None = None,
    ) -> None:
        import av
        from av.audio.format import AudioFormat

        known = _FORMATS[format]
        codec, self._sample = _DEEPER.get(format, ("", "")) if depth > 16 else ("", "")
        codec, self._sample = codec or known.codec, self._sample or known.sample
        self.rate = _rate(codec, target_rate or rate)
        """Sample rate of the result, Hertz."""
        self._buffer = _Buffer() if file is None else None
        self._layout = "mono" if channels == 1 else "stereo"
        self._resample = soxr.ResampleStream(rate, self.rate, channels) if rate != self.rate else None
        muxer = {**known.muxer, **({**known.stream, "flush_packets": "1"} if self._buffer else {})}
        if tags and "id3v2_version" in muxer:
            muxer["id3v2_version"] = "4"
        # PyAV's annotation says path, but it accepts anything with `write`
        sink = cast(Any, self._buffer or file)
        self._container = av.open(sink, "w", format=known.container, options=muxer)
        self._container.metadata.update(tags or {})
        # a client that sets a bit rate gets the codec's own quality settings
        options = {} if bitrate else dict(known.options)
        stream = self._container.add_stream(codec, self.rate, options, layout=self._layout)
        self._stream = cast("AudioStream", stream)
        self._stream.codec_context.format = AudioFormat(self._sample)
        if known.bitrate:
            self._stream.bit_rate = min(bitrate or known.bitrate * channels, _most(codec, self.rate, channels))
        self._gain = _gain(self._stream.bit_rate) if codec == "libmp3lame" else 1
        self._done = 0

    def push(self, samples: NDArray[np.float32]) -> bytes:
        """Encode float32 (n, channels) in [-1, 1]; returns the bytes that are ready, b"" when writing to a file."""
        if self._resample:
            samples = self._resample.resample_chunk(samples)
        self._encode(samples)
        return self._taken()

    def finish(self) -> bytes:
        """Encode the rest and close the container; returns the last bytes. Nothing may be pushed after it."""
        if self._resample:
            self._encode(self._resample.resample_chunk(np.zeros((0, self._channels), np.float32), last=True))
        self._container.start_encoding()
        self._container.mux(self._stream.encode(None))
        self._container.close()
        return self._taken()

    @property
    def _channels(self) -> int:
        return 1 if self._layout == "mono" else 2

    def _encode(self, samples: NDArray[np.float32]) -> None:
        for start in range(0, len(samples), _FRAME):
            frame = samples[start : start + _FRAME]
            self._container.mux(self._stream.encode(self._frame(frame)))
            self._done += len(frame)

    def _frame(self, samples: NDArray[np.float32]) -> "AudioFrame":
        from av.audio.frame import AudioFrame

        data: NDArray[Any] = _NUMBERS.get(self._sample, _in_range)(samples) * self._gain
        planes = data.T if self._sample.endswith("p") else data.reshape(1, -1)
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(planes), self._sample, self._layout)
        frame.sample_rate, frame.pts = self.rate, self._done
        return frame

    def _taken(self) -> bytes:
        return self._buffer.take() if self._buffer else b""


_SCALES = ((160_000, 0.95), (192_000, 0.97), (224_000, 0.98))
"""(highest bit rate, factor by which LAME scales sound down at up to this bit rate)."""


def _in_range(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.clip(samples, -1, 1)


_NUMBERS: Mapping[str, Callable[[NDArray[np.float32]], NDArray[Any]]] = {"s16": to_int16, "s32": to_int24}
"""PyAV's integer sample format → conversion to it; all others are floats."""


def _gain(bitrate: int) -> np.float32:
    """Gain that undoes LAME's: it makes sound softer at low bit rates, so that decoders don't clip."""
    scale = next((scale for most, scale in _SCALES if bitrate <= most), 1.0)
    return np.float32(1 / scale)


def _most(codec: str, rate: int, channels: int) -> int:
    """Highest bit rate that the codec supports, bits per second."""
    if codec == "libopus":
        return min(256_000 * channels, 510_000)
    if codec == "libmp3lame":  # MPEG-1, 2 and 2.5, layer III
        return 320_000 if rate >= 32_000 else 160_000 if rate >= 16_000 else 64_000
    return 6144 * rate // 1024 * channels  # AAC: 6,144 bits a frame and channel


def _rate(codec: str, rate: int) -> int:
    """The lowest sample rate of the codec that is not below `rate`; else its highest."""
    from av.codec import Codec

    known = Codec(codec, "w").audio_rates
    return rate if not known else min((r for r in known if r >= rate), default=max(known))
