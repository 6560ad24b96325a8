"""Converts a recording to another sample rate, block by block."""

from collections.abc import Callable

import soxr

from ttsai_server.audio.recording import BLOCK, Recording, Stopped


def resample(
    recording: Recording, rate: int, *, frames: int | None = None, stop: Callable[[], bool] = lambda: False
) -> Recording:
    """A new recording of the same sound at `rate` Hertz, which the caller has to close. Blocking.

    Resampled by soxr in very high quality with linear phase: sample n is at n / rate seconds. Samples over 1 are kept,
    not clipped. frames: exact length of the result; None: the same duration, rounded.

    Raises Stopped if `stop()`, called before each block, returns true.
    """
    wanted = round(recording.frames * rate / recording.rate) if frames is None else frames
    resampler = soxr.ResampleStream(recording.rate, rate, recording.channels, quality="VHQ")
    resampled = recording.empty(rate)
    try:
        for number, block in enumerate(recording.blocks(), start=1):
            if stop():
                raise Stopped
            last = number * BLOCK >= recording.frames
            resampled.append(resampler.resample_chunk(block, last=last)[: wanted - resampled.frames])
        resampled.pad(wanted - resampled.frames)
    except BaseException:
        resampled.close()
        raise
    return resampled
