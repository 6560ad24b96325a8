"""Decoded frames → a Recording: put where their time stamps say, mixed, resampled, bounded."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np
import soxr
from numpy.typing import NDArray

from ttsai_server.audio.mixing import mixing
from ttsai_server.audio.recording import Recording
from ttsai_server.errors import BadRequest, FileTooLarge

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.plane import AudioPlane

Samples = NDArray[np.float32]

_LONGEST_GAP = 60.0
"""A longer one, seconds, is time stamps that begin anew, not silence."""
_BLOCK = 1 << 15
"""Samples that are collected before they are resampled and written."""
_TYPES = {"u8": "u1", "s16": "i2", "s32": "i4", "flt": "f4", "dbl": "f8"}
"""FFmpeg's sample format, less the p for planar → numpy's type."""
_FULL = {"u1": 2**7, "i2": 2**15, "i4": 2**31}
"""numpy's type → the integer that is 1.0."""


@dataclass(frozen=True, slots=True)
class TimeStamps:
    """How far a file's time stamps can be believed; all in seconds."""

    origin: float
    """The one of its start."""
    end: float
    """The last."""
    jitter: float
    """They may be off by this."""


class Tape:
    """Not safe for two threads at a time. A context: what is not taken from it is closed."""

    def __init__(self, longest: float, rate: int | None, channels: int | None, stamps: TimeStamps) -> None:
        """longest: seconds. rate, channels: of the result; None: the first frame's."""
        self.seconds = 0.0
        """Length of the sound so far."""
        self._longest = longest
        self._rate = rate
        self._channels = channels
        self._stamps = stamps
        self._origin = stamps.origin
        self._jitter = stamps.jitter
        self._recording: Recording | None = None
        self._resampler: soxr.ResampleStream | None = None
        self._layout = ""
        self._source_rate = 0
        self._mixing: Samples | None = None
        self._held: list[Samples] = []
        self._count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._recording:
            self._recording.close()

    def add(self, frame: "AudioFrame") -> None:
        """More of the sound. Raises FileTooLarge; BadRequest if its channels change to what can't be mixed."""
        recording = self._shaped(frame)
        gap = round(self._gap(frame) * frame.sample_rate)
        for begin in range(0, gap, _BLOCK):
            self._put(np.zeros((min(_BLOCK, gap - begin), recording.channels), np.float32))
        samples = _floats(frame)
        self._put(samples if self._mixing is None else samples @ self._mixing)

    def lose(self) -> None:
        """What came next can't be decoded: the next frame's time stamp says how long it was."""
        self._jitter = 0

    def finish(self) -> None:
        """Write what is held back."""
        self._flush(last=True)

    def take(self) -> Recording:
        """What was recorded, now the caller's to close. There is one once a frame was added."""
        recording, self._recording = self._recording, None
        assert recording
        return recording

    def _shaped(self, frame: "AudioFrame") -> Recording:
        """Where it is to go, all set for the frame's rate and layout."""
        if self._recording and (frame.sample_rate, frame.layout.name) == (self._source_rate, self._layout):
            return self._recording
        speakers = [channel.name for channel in frame.layout.channels]
        if self._recording is None:
            self._recording = Recording(self._rate or frame.sample_rate, self._channels or len(speakers))
        rate, channels = self._recording.rate, self._recording.channels
        if frame.sample_rate != self._source_rate:
            self._flush(last=True)
            self._source_rate = frame.sample_rate
            same = frame.sample_rate == rate
            self._resampler = None if same else soxr.ResampleStream(frame.sample_rate, rate, channels)
        try:
            matrix = mixing(speakers, channels)
        except ValueError as error:
            raise BadRequest(f"The file changes its channels: {error}.", param="file") from None
        self._mixing = None if len(speakers) == channels else matrix
        self._layout = frame.layout.name
        return self._recording

    def _gap(self, frame: "AudioFrame") -> float:
        """Seconds of silence before the frame, after its time stamp."""
        if frame.pts is None or not frame.time_base:
            return 0
        stamp = float(frame.pts * frame.time_base)
        gap = stamp - self._origin - self.seconds
        jitter, self._jitter = self._jitter, self._stamps.jitter
        if -self._jitter <= gap <= _LONGEST_GAP and (gap <= jitter or stamp <= self._stamps.end):
            return gap if gap > jitter else 0
        self._origin += gap
        return 0

    def _put(self, samples: Samples) -> None:
        self.seconds += len(samples) / self._source_rate
        if self.seconds > self._longest + 1e-6:
            raise FileTooLarge(f"The file is longer than {self._longest:.0f} s.", param="file")
        self._held.append(samples)
        self._count += len(samples)
        if self._count >= _BLOCK:
            self._flush()

    def _flush(self, last: bool = False) -> None:
        if not self._recording:
            return
        block = np.concatenate([*self._held, np.zeros((0, self._recording.channels), np.float32)])
        self._held, self._count = [], 0
        if self._resampler:
            block = np.clip(self._resampler.resample_chunk(block, last=last), -1, 1)
            self._resampler = None if last else self._resampler
        self._recording.append(block)


def _floats(frame: "AudioFrame") -> Samples:
    """float32 (n, channels) in [-1, 1]; what is no number is 0."""
    kind, channels = _TYPES[frame.format.name.removesuffix("p")], frame.layout.nb_channels
    if frame.format.is_planar:
        # not to_ndarray: of eight planes it reads a ninth, which is none, and the process dies
        data = np.stack([_numbers(plane, kind, frame.samples) for plane in frame.planes[:channels]], axis=1)
    else:
        data = _numbers(frame.planes[0], kind, frame.samples * channels).reshape(-1, channels)
    if kind in ("f4", "f8"):
        return np.clip(np.nan_to_num(data, nan=0, posinf=1, neginf=-1), -1, 1).astype(np.float32)
    full = _FULL[kind]
    return (data.astype(np.float32) - np.float32(full if kind == "u1" else 0)) * np.float32(1 / full)


def _numbers(plane: "AudioPlane", kind: str, count: int) -> NDArray[Any]:
    return np.frombuffer(cast(memoryview, plane), kind, count)
