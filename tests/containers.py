"""Sound in every container that people upload, made on the spot with FFmpeg's encoders."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import cast

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Kind:
    """A container and a codec in it."""

    container: str
    codec: str
    frame: int = 0
    """Samples that the length may be off by: one frame of the codec; 0: it is exact."""
    unsaid: int = 0
    """Samples that the encoder leaves out at the end at most."""
    likeness: float = 0.99
    """Least correlation of what comes out with what went in."""
    channels: int = 1
    rate: int = 0
    """The one rate that the codec knows, Hertz."""
    video: str = ""
    """Codec of a video track beside it."""
    options: Mapping[str, str] | None = None


KINDS: Mapping[str, Kind] = {
    "mp3": Kind("mp3", "libmp3lame"),
    **{
        f"wav-{codec}": Kind("wav", f"pcm_{codec}", likeness=0.98)
        for codec in ("u8", "s16le", "s24le", "s32le", "f32le", "f64le", "alaw", "mulaw")
    },
    "wav-adpcm": Kind("wav", "adpcm_ms", 2048, likeness=0.98),
    "flac": Kind("flac", "flac"),
    "ogg-vorbis": Kind("ogg", "vorbis", 1024, likeness=0.95, channels=2, options={"strict": "-2"}),
    "ogg-opus": Kind("ogg", "libopus"),
    "ogg-flac": Kind("ogg", "flac"),
    "m4a": Kind("ipod", "aac", 1024),
    "m4a-alac": Kind("ipod", "alac"),
    "mp4": Kind("mp4", "aac", 1024),
    "mp4-video": Kind("mp4", "aac", 1024, video="mpeg4"),
    "mov": Kind("mov", "pcm_s16le"),
    "mov-video": Kind("mov", "pcm_s16be", video="mpeg4"),
    "webm": Kind("webm", "libopus", 1024),
    "webm-video": Kind("webm", "libopus", 1024, video="libvpx"),
    "mka-mp3": Kind("matroska", "libmp3lame", 1152),
    "aac": Kind("adts", "aac", 2048),
    "aiff": Kind("aiff", "pcm_s16be"),
    "aiff-24": Kind("aiff", "pcm_s24be"),
    "caf": Kind("caf", "pcm_s16le"),
    "amr": Kind("amr", "libopencore_amrnb", 160, likeness=0.75, rate=8000),
    "wma": Kind("asf", "wmav2", 4096, 2048, 0.95, rate=44_100, options={"b": "128000"}),
    "wmv-video": Kind("asf", "wmav1", 4096, 2048, 0.95, rate=44_100, video="mpeg4", options={"b": "128000"}),
    "avi-mp3": Kind("avi", "libmp3lame", 1152 * 2),
    "avi-pcm": Kind("avi", "pcm_s16le", video="mpeg4"),
    "flv-mp3": Kind("flv", "libmp3lame", 1152 * 2, rate=44_100),
    "flv-aac": Kind("flv", "aac", 2048, video="flv"),
    "mpegts-aac": Kind("mpegts", "aac", 2048),
    "mpegts-mp2": Kind("mpegts", "mp2", 1152 * 2, video="mpeg2video"),
    "mpegts-ac3": Kind("mpegts", "ac3", 1536 * 2, rate=48_000),
    "3gp": Kind("3gp", "libopencore_amrnb", 320, likeness=0.75, rate=8000),
}


def melody(seconds: float, rate: int = 48_000, channels: int = 1) -> Samples:
    """float32 (n, channels): a tone that glides from 300 to 700 Hz and back, so that only one shift fits."""
    t = np.arange(round(seconds * rate)) / rate
    mono = 0.4 * np.sin(2 * np.pi * (500 * t - 100 / np.pi * np.sin(2 * np.pi * t)))
    return np.stack([mono * (1 - 0.1 * c) for c in range(channels)], axis=1).astype(np.float32)


def contained(
    kind: Kind, samples: Samples, rate: int, layout: str = "", container_options: str = "", subtitles: int = 0
) -> bytes:
    """The sound, float32 (n, channels) at `rate` Hertz, as the bytes of a file; with no channels, only the video.

    layout: FFmpeg's, as 5.1; empty: mono or stereo. container_options: as moov_size=40000. subtitles: how many
    tracks of them, all empty, stand before the sound.
    """
    file = io.BytesIO()
    # the film is written before its sound: they are interleaved however far apart they are
    options = {"max_interleave_delta": "0", **dict(option.split("=", 1) for option in container_options.split())}
    with av.open(file, "w", format=kind.container, options=options) as container:
        for _ in range(subtitles):
            container.add_stream("ass").codec_context.subtitle_header = b"[Script Info]\n"
        layout = layout or ("mono" if samples.shape[1] == 1 else "stereo")
        options = dict(kind.options or {})
        stream = container.add_stream(kind.codec, rate, options, layout=layout) if samples.shape[1] else None
        video = _video(container, kind.video) if kind.video else None
        if video:
            _film(container, video, len(samples) / rate)
        if stream:
            _sound(container, cast(AudioStream, stream), samples, rate, layout)
    return file.getvalue()


def _sound(container: OutputContainer, stream: AudioStream, samples: Samples, rate: int, layout: str) -> None:
    resampler = AudioResampler(stream.format, layout, rate, frame_size=stream.codec_context.frame_size or 1024)
    for begin in range(0, len(samples), 48_000):
        part = np.ascontiguousarray(samples[begin : begin + 48_000].reshape(1, -1))
        frame = AudioFrame.from_ndarray(part, "flt", layout)
        frame.sample_rate, frame.pts = rate, begin
        for ready in resampler.resample(frame):
            container.mux(stream.encode(ready))
    for ready in resampler.resample(None):
        container.mux(stream.encode(ready))
    container.mux(stream.encode(None))


def _video(container: OutputContainer, codec: str) -> VideoStream:
    stream = cast(VideoStream, container.add_stream(codec, 10))
    stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
    return stream


def _film(container: OutputContainer, stream: VideoStream, seconds: float) -> None:
    for number in range(round(seconds * 10)):
        frame = VideoFrame.from_ndarray(np.full((48, 64, 3), number % 255, np.uint8), "rgb24")
        frame.pts, frame.time_base = number, Fraction(1, 10)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))
