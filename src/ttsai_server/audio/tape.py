"""Decoded frames → a Recording: put where their time stamps say, mixed, resampled, bounded."""

from typing import TYPE_CHECKING, Self

import numpy as np
import soxr
from numpy.typing import NDArray

from ttsai_server.audio.mixing import mixing
from ttsai_server.audio.recording import Recording
from ttsai_server.errors import BadRequest, FileTooLarge

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame

Samples = NDArray[np.float32]

_JITTER = 0.1
"""Time stamps may be off by this, seconds."""
_LONGEST_GAP = 60.0
"""A longer one, seconds, is time stamps that begin anew, not silence."""
_BLOCK = 1 << 15
"""Samples that are collected before they are resampled and written."""
_FULL = {"u1": 2**7, "i2": 2**15, "i4": 2**31}
"""numpy's type → the integer that is 1.0."""


class Tape:
    """Not safe for two threads at a time. A context: what is not taken from it is closed."""

    def __init__(self, longest: float, rate: int | None, channels: int | None, origin: float) -> None:
        """longest: seconds. rate, channels: of the result; None: the first frame's. origin: time stamp of its start."""
        self.seconds = 0.0
        """Length of the sound so far."""
        self._longest = longest
        self._rate = rate
        self._channels = channels
        self._origin = origin
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
        gap = float(frame.pts * frame.time_base) - self._origin - self.seconds
        if -_JITTER <= gap <= _LONGEST_GAP:
            return gap if gap > _JITTER else 0
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
    planes = frame.to_ndarray()
    data = planes.T if frame.format.is_planar else planes.reshape(frame.samples, -1)
    if data.dtype.kind == "f":
        return np.clip(np.nan_to_num(data, nan=0, posinf=1, neginf=-1), -1, 1).astype(np.float32)
    full = _FULL[data.dtype.str[1:]]
    offset = full if data.dtype.kind == "u" else 0
    return (data.astype(np.float32) - np.float32(offset)) * np.float32(1 / full)
