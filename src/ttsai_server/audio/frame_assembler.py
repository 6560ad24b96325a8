"""Writes decoded frames to a Recording: placed by their time stamps, mixed, resampled, limited in length."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np
import soxr
from numpy.typing import NDArray

from ttsai_server.audio.bounds import Bounds
from ttsai_server.audio.mixing import mix, mix_matrix
from ttsai_server.audio.recording import Recording
from ttsai_server.audio.temp_disk import TempDisk
from ttsai_server.errors import BadRequest

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame

Samples = NDArray[np.float32]

_LONGEST_GAP = 60.0
"""Seconds; a longer gap means that the time stamps were reset, not that there is silence."""
_BLOCK = 1 << 15
"""Frames that are buffered before they are resampled and written."""
_TYPES = {"u8": "u1", "s16": "i2", "s32": "i4", "flt": "f4", "dbl": "f8"}
"""FFmpeg's sample format, without the p for planar → NumPy's dtype."""
_FULL = {"u1": 2**7, "i2": 2**15, "i4": 2**31}
"""NumPy's dtype → the integer that is 1.0."""
_ZERO = {"u1": 2**7}
"""NumPy's dtype → the value of silence, where it is not 0."""


@dataclass(frozen=True, slots=True)
class TimeStamps:
    """Range and accuracy of a file's time stamps, in seconds."""

    origin: float
    """Time stamp of its start."""
    end: float
    """The last time stamp."""
    jitter: float
    """Largest error of a time stamp."""


class FrameAssembler:
    """Collects decoded frames. A context manager, which closes the recording unless `take` was called. Not
    thread-safe."""

    def __init__(
        self, bounds: Bounds, rate: int | None, channels: int | None, stamps: TimeStamps, disk: TempDisk | None
    ) -> None:
        """Create an assembler that has no recording yet.

        Args:
            bounds: limits of the source.
            rate: Hertz of the result; None: the first frame's.
            channels: at most so many; None: no limit.
            stamps: of the source.
            disk: for the recording.
        """
        self.seconds = 0.0
        """Duration so far."""
        self._samples = 0
        self._bounds = bounds
        self._disk = disk
        self._rate = rate
        self._channels = channels
        self._stamps = stamps
        self._origin = stamps.origin
        self._jitter = stamps.jitter
        self.depth = 0
        """Bits per sample of the deepest sample format so far."""
        self._recording: Recording | None = None
        self._resampler: soxr.ResampleStream | None = None
        self._shape = (0, "", "")
        self._source_rate = 0
        self._matrix = np.eye(1, dtype=np.float32)
        self._held: list[NDArray[Any]] = []
        self._count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._recording:
            self._recording.close()

    def add(self, frame: "AudioFrame") -> None:
        """Append a frame, after silence where time stamps leave a gap.

        Raises FileTooLarge beyond the bounds, BadRequest if the channels change to a layout that can't be mixed.
        """
        shape = (frame.sample_rate, frame.layout.name, frame.format.name)
        if shape != self._shape:
            self._change(frame)
            self._shape = shape
        samples = _numbers(frame)
        gap = round(self._gap(frame) * frame.sample_rate)
        for begin in range(0, gap, _BLOCK):
            silence = (min(_BLOCK, gap - begin), samples.shape[1])
            self._put(np.full(silence, _ZERO.get(samples.dtype.str[1:], 0), samples.dtype))
        self._put(samples)

    def skip_damaged(self) -> None:
        """A packet can't be decoded: the next frame's time stamp shows how much sound is missing."""
        self._jitter = 0

    def finish(self) -> None:
        """Write the frames still buffered."""
        self._flush(last=True)

    @property
    def frames(self) -> int:
        """Frames written so far."""
        return self._recording.frames if self._recording else 0

    def take(self) -> Recording:
        """Return the recording, which the caller has to close. At least one frame must have been added."""
        recording, self._recording = self._recording, None
        assert recording
        return recording

    def _change(self, frame: "AudioFrame") -> None:
        """Adapt to frames of another rate, layout or format."""
        self._flush(last=frame.sample_rate != self._source_rate)
        self.depth = max(self.depth, 8 * np.dtype(_TYPES[frame.format.name.removesuffix("p")]).itemsize)
        speakers = [channel.name for channel in frame.layout.channels]
        if self._recording is None:
            own = len(speakers)
            own = min(self._channels or own, own)
            self._recording = Recording(self._rate or frame.sample_rate, own, disk=self._disk)
        rate, channels = self._recording.rate, self._recording.channels
        if frame.sample_rate != self._source_rate:
            self._source_rate = frame.sample_rate
            same = frame.sample_rate == rate
            self._resampler = None if same else soxr.ResampleStream(frame.sample_rate, rate, channels)
        try:
            self._matrix = mix_matrix(speakers, channels)
        except ValueError as error:
            raise BadRequest(f"The file changes its channels: {error}.", param="file") from None

    def _gap(self, frame: "AudioFrame") -> float:
        """Seconds of silence to insert before the frame, according to its time stamp."""
        if frame.pts is None or not frame.time_base:
            return 0
        stamp = float(frame.pts * frame.time_base)
        gap = stamp - self._origin - self.seconds
        jitter, self._jitter = self._jitter, self._stamps.jitter
        if -self._jitter <= gap <= _LONGEST_GAP and (gap <= jitter or stamp <= self._stamps.end):
            return gap if gap > jitter else 0
        self._origin += gap
        return 0

    def _put(self, samples: NDArray[Any]) -> None:
        self.seconds += len(samples) / self._source_rate
        self._samples += samples.size
        self._bounds.check_length(self.seconds, self._samples)
        self._held.append(samples)
        self._count += len(samples)
        if self._count >= _BLOCK or len(self._held) >= 256:
            self._flush()

    def _flush(self, last: bool = False) -> None:
        if not self._recording:
            return
        block = _floats(np.concatenate(self._held)) if self._held else np.zeros((0, len(self._matrix)), np.float32)
        self._held, self._count = [], 0
        if self._matrix.shape[0] != self._matrix.shape[1]:
            block = mix(block, self._matrix)
        if self._resampler:
            block = np.clip(self._resampler.resample_chunk(block, last=last), -1, 1)
            self._resampler = None if last else self._resampler
        self._recording.append(block)


def _numbers(frame: "AudioFrame") -> NDArray[Any]:
    """The frame's samples, (n, channels), in its own sample format; a view of its memory where possible."""
    kind, channels = _TYPES[frame.format.name.removesuffix("p")], frame.layout.nb_channels
    if frame.format.is_planar:
        # not to_ndarray: for eight planes it reads a ninth, which does not exist, and crashes
        planes = [np.frombuffer(cast(memoryview, plane), kind, frame.samples) for plane in frame.planes[:channels]]
        return planes[0][:, None] if channels == 1 else np.stack(planes, axis=1)
    return np.frombuffer(cast(memoryview, frame.planes[0]), kind, frame.samples * channels).reshape(-1, channels)


def _floats(samples: NDArray[Any]) -> Samples:
    """Convert to float32 in [-1, 1]; NaN becomes 0."""
    kind = samples.dtype.str[1:]
    if kind in _FULL:
        return (samples.astype(np.float32) - np.float32(_ZERO.get(kind, 0))) * np.float32(1 / _FULL[kind])
    return np.clip(np.nan_to_num(samples, nan=0, posinf=1, neginf=-1), -1, 1).astype(np.float32)
