"""Decodes an uploaded file to a Recording: format detected by content, limits checked before memory is spent.

FFmpeg's demuxers and decoders (through PyAV, imported at the first use: it is 18 MB) read the file block by block;
each block is mixed, resampled (soxr) and written to disk, so that memory is the same for a minute and for ten hours.

Only the demuxers and decoders named here may run: none of them opens another file or address, and pictures and video
tracks are never decoded. FFmpeg allocates what some headers ask for (an M4A of 589 bytes made it allocate 3.5 GB), so
its largest allocation is capped, for the whole process.
"""

import ctypes
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from math import inf
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from ttsai_server.audio.bounds import Bounds
from ttsai_server.audio.frame_assembler import FrameAssembler, TimeStamps
from ttsai_server.audio.iso_index import index_entries
from ttsai_server.audio.recording import Recording, Stopped
from ttsai_server.audio.temp_disk import TempDisk
from ttsai_server.audio.truncation import is_iso, missing_bytes
from ttsai_server.audio.unsupported import unsupported_format
from ttsai_server.errors import BadRequest

if TYPE_CHECKING:
    from av.audio.codeccontext import AudioCodecContext
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.packet import Packet

_DEMUXERS = "wav,aiff,caf,flac,mp3,aac,ogg,amr,mov,matroska,asf,avi,flv,mpegts"
_DECODERS = (
    "pcm_u8,pcm_s8,pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,pcm_s32le,pcm_s32be,pcm_f32le,pcm_f32be,pcm_f64le,pcm_f64be,"
    "pcm_alaw,pcm_mulaw,adpcm_ms,adpcm_ima_wav,adpcm_ima_qt,gsm_ms,mp3float,mp3,mp2float,mp2,aac,flac,alac,vorbis,opus,"
    "libopus,speex,amrnb,amrwb,ac3,eac3,dca,aac_latm,wmav1,wmav2,wmapro,wmalossless,wmavoice,nellymoser,adpcm_swf"
)
_ACCEPTED = "WAV, AIFF, CAF, FLAC, MP3, AAC, Ogg, AMR, MP4, MOV, Matroska, WebM, WMA, AVI, FLV and MPEG-TS"
_DEEP = frozenset(name for name in _DECODERS.split(",") if name.startswith("pcm_")) | {"flac", "alac"}
"""Lossless codecs, whose bit depth is the source's; a lossy codec's output format says nothing of it."""
_TAGS = frozenset(
    [
        "album",
        "album_artist",
        "artist",
        "bpm",
        "comment",
        "composer",
        "copyright",
        "date",
        "disc",
        "genre",
        "grouping",
        "isrc",
        "lyrics",
        "performer",
        "publisher",
        "title",
        "track",
    ]
)
"""Metadata about the content that is kept; the rest is about the file."""
_ALLOCATION = 24 << 20
"""Largest single allocation of FFmpeg, bytes: the index of 6 hours of AAC in an MP4."""
_TRACKS = 250
"""Most tracks; a film has one for each subtitle, cover and font."""
_ISO_TRACKS = 12
"""Most tracks of an MP4 or M4A, where each may cost 1.5 times that allocation; a phone's video has 7."""
_INDEX = 2_500_000
"""Most packets in the indices of all tracks of an MP4 or M4A, at 35 bytes of memory each: 6 hours of film and sound
have 1.7 million."""
_HEAD = 32 << 20
"""Most bytes read before the sound: tags, pictures, indices."""
_LOWEST_RATE = 1_000
_BLOCK = 1 << 20
"""Most frames in one decoded block; FLAC's longest is 65,535."""


def decode(
    file: BinaryIO,
    bounds: Bounds,
    *,
    rate: int | None = None,
    channels: int | None = None,
    disk: TempDisk | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Recording:
    """Decode the file's best audio track to float32 in [-1, 1]. The caller has to close the result. Blocking.

    Times are those of the file: an initial offset, a part that can't be decoded and a gap in the time stamps become
    silence of the same length, so that word times stay right. A file that loses more than a tenth of its packets is
    refused, and so is a truncated one where the container or the FLAC header states its size (Ogg, ADTS, AMR, FLV,
    MPEG-TS, live WebM and an MP3 without a Xing header don't). Encoder delay and padding are removed where the file
    states them.

    Args:
        file: seekable; read in blocks, its position changes, stays open.
        bounds: limits of the source.
        rate: Hertz of the result; None: the source's (the first, if it changes).
        channels: 1 or 2: mix to at most that many; None: the source's.
        disk: counts the bytes of the result, and of what is made of it; None: they are not limited.
        stop: called before each block; true: stop decoding.

    Raises:
        BadRequest: empty, not audio, no audio track, truncated, damaged, no samples, too many channels or too high a
            rate; says which.
        FileTooLarge: longer than the bounds; the rest is not decoded.
        DiskFull: more than `disk` may hold.
        Stopped: `stop()` was true.
    """
    if not file.seek(0, 2):
        raise _refused("is empty")
    if absent := missing_bytes(file):
        raise _refused(f"is truncated: {absent} bytes of it are missing")
    if index_entries(file) > _INDEX:
        raise _refused(f"has an index of over {_INDEX:,} packets, which is too large to be true")
    source = _Source(file, stop)
    with _opened(source) as container:
        stream = _track(container, bounds)
        with FrameAssembler(bounds, rate, channels, _stamps(container), disk) as assembler:
            lost = _play(container, stream, assembler, bounds, source)
            assembler.finish()
            _check(container, stream, assembler, lost)
            recording = assembler.take()
            recording.depth = 24 if stream.codec_context.name in _DEEP and assembler.depth > 16 else 16
            recording.tags = _tags({**stream.metadata, **container.metadata})
            return recording


class _Source:
    """The file as passed to FFmpeg: without a name to guess a format from; it ends early once `stop()` is true."""

    def __init__(self, file: BinaryIO, stop: Callable[[], bool]) -> None:
        self._file = file
        self._stop = stop
        self._head = 0
        self.tracks = _ISO_TRACKS if is_iso(file) else _TRACKS
        """Most tracks that the file may have."""
        self.opening = True
        file.seek(0)
        self.seek, self.tell = file.seek, file.tell

    def read(self, count: int) -> bytes:
        # no exception here: FFmpeg may swallow it, and PyAV would raise it in a later call
        if self._stop() or self.overfull:
            return b""
        data = self._file.read(count)
        self._head += len(data) if self.opening else 0
        return data

    def head(self) -> bytes:
        """The first bytes of the file."""
        self._file.seek(0)
        return self._file.read(512)

    @property
    def overfull(self) -> bool:
        return self._head > _HEAD

    def check(self) -> None:
        """Raise Stopped or BadRequest if `read` has ended the file early."""
        if self._stop():
            raise Stopped
        if self.overfull:
            raise _refused(f"has over {_HEAD >> 20} MB of tags, pictures or indices")


@contextmanager
def _opened(source: _Source) -> "Generator[InputContainer]":
    import av
    from av import _core
    from av.error import FFmpegError

    ctypes.CDLL(_core.__file__).av_max_alloc(ctypes.c_size_t(_ALLOCATION))
    options = {
        "format_whitelist": _DEMUXERS,
        "codec_whitelist": _DECODERS,
        "protocol_whitelist": "none",
        "max_streams": str(source.tracks + 1),
    }
    try:
        opened = av.open(cast(Any, source), mode="r", options=options, metadata_errors="ignore")
    except FFmpegError as error:
        source.check()
        if isinstance(error, MemoryError):
            raise _refused(f"has over {source.tracks} tracks, or an index too large to be true") from None
        if name := unsupported_format(source.head()):
            raise _refused(f"is {name}, which is not accepted; {_ACCEPTED} are") from None
        raise _refused("is not audio of a known format, or its head is damaged") from None
    with opened as container:
        source.check()
        # beyond the limit the demuxers drop tracks, and whatever follows them
        if len(container.streams) > source.tracks:
            raise _refused(f"has over {source.tracks} tracks")
        source.opening = False
        yield cast("InputContainer", container)


def _track(container: "InputContainer", bounds: Bounds) -> "AudioStream":
    """The track to decode, with its decoder configured; raises if its header exceeds the bounds."""
    from av.stream import Discard

    if not container.streams.audio:
        raise _refused("has no audio track")
    stream = cast("AudioStream", container.streams.best("audio") or container.streams.audio[0])
    context = cast("AudioCodecContext | None", stream.codec_context)  # None: FFmpeg has no such decoder
    if context is None or context.codec.name not in _DECODERS.split(","):
        raise _refused(
            f"has an audio track of {f'the codec {context.codec.name!r}' if context else 'an unknown codec'}"
        )
    _within(context.sample_rate, context.channels, bounds)
    # refuse a file that is much too long before decoding it; in other formats the length is a guess
    if stream.duration and container.format.name in _EXACT:
        length = max(0.0, float(stream.duration * (stream.time_base or 0)) - 1)
        bounds.check_length(length, length * context.sample_rate * context.channels)
    for other in container.streams:
        if other is not stream:
            other.discard = Discard.all
    # drop FLAC blocks with a wrong checksum instead of decoding noise; MP3's checksums are often wrong in whole files
    check = {"err_detect": "crccheck+explode"} if context.codec.name == "flac" else {}
    context.options = {"max_samples": str(_BLOCK), **check}
    context.thread_count = 1
    return stream


_EXACT = frozenset(("flac", "ogg", "mov,mp4,m4a,3gp,3g2,mj2"))
"""Formats that state a track's length; in others FFmpeg guesses it from the bit rate."""


def _stamps(container: "InputContainer") -> TimeStamps:
    """Live recorders write the time of capture, which jitters; FLAC counts samples, so any gap is lost sound."""
    origin = (container.start_time or 0) / 1e6
    end = origin + container.duration / 1e6 if container.duration else inf
    return TimeStamps(origin, end, 0.001 if container.format.name == "flac" else 0.1)


def _play(
    container: "InputContainer", stream: "AudioStream", assembler: FrameAssembler, bounds: Bounds, source: _Source
) -> float:
    """Decode the whole track into the assembler; returns the share of packets that could not be decoded."""
    from av.error import FFmpegError

    packets = lost = 0
    try:
        for packet in _packets(container, stream):
            source.check()
            packets += 1
            # a file may have millions of empty packets
            if packets > 10_000 + 2_000 * assembler.seconds:
                raise _refused("is damaged: it has far more packets than sound")
            try:
                frames = packet.decode()
            except FFmpegError:
                lost += 1
                assembler.skip_damaged()
                continue
            for frame in frames:
                _within(frame.sample_rate, frame.layout.nb_channels, bounds)
                assembler.add(frame)
    except FFmpegError:
        raise _refused("is damaged: it can't be read to its end") from None
    source.check()
    return lost / packets if lost > 1 or not assembler.seconds else 0


def _packets(container: "InputContainer", stream: "AudioStream") -> "Generator[Packet[Any]]":
    """The track's packets, then an empty one that flushes the decoder."""
    # if a new track appears midway, as it may in FLV and MPEG-TS, PyAV raises IndexError after the last packet
    with suppress(IndexError):
        yield from container.demux(stream)


def _check(container: "InputContainer", stream: "AudioStream", assembler: FrameAssembler, lost: float) -> None:
    if lost > 0.1:
        raise _refused(f"is damaged: {lost:.0%} of its audio can't be decoded")
    if not assembler.frames:
        raise _refused("has no sound in it: 0 samples")
    if container.format.name == "flac" and stream.duration and stream.time_base:
        promised = float(stream.duration * stream.time_base)
        if assembler.seconds < promised - 1e-3:
            raise _refused(f"is truncated: {assembler.seconds:.2f} s of {promised:.2f} s are there")


def _tags(metadata: Mapping[str, str]) -> Mapping[str, str]:
    return {name.lower(): value for name, value in metadata.items() if name.lower() in _TAGS}


def _within(rate: int, channels: int, bounds: Bounds) -> None:
    if not 0 < channels <= bounds.channels:
        raise _refused(f"has {channels} channels; 1 to {bounds.channels} are taken")
    if not _LOWEST_RATE <= rate <= bounds.rate:
        raise _refused(f"has a sample rate of {rate} Hz; {_LOWEST_RATE} to {bounds.rate} Hz are taken")


def _refused(what: str) -> BadRequest:
    return BadRequest(f"The file {what}.", param="file")
