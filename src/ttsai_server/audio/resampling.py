"""A recording at another rate, a stretch at a time."""

from collections.abc import Callable

import soxr

from ttsai_server.audio.recording import BLOCK, Recording, Stopped


def at_rate(
    recording: Recording, rate: int, *, frames: int | None = None, stop: Callable[[], bool] = lambda: False
) -> Recording:
    """The same sound at `rate` Hertz, for the caller to close; the given one stays open. Blocking.

    Resampled by soxr, very high quality, linear in phase: sample n is the moment n / rate. Overshoot is kept, not
    clipped. frames: exact length of the result; None: as long a time, rounded.

    Raises Stopped: `stop()`, asked between blocks, was true.
    """
    wanted = round(recording.frames * rate / recording.rate) if frames is None else frames
    resampler = soxr.ResampleStream(recording.rate, rate, recording.channels, quality="VHQ")
    made = Recording(rate, recording.channels)
    try:
        for number, block in enumerate(recording.blocks(), start=1):
            if stop():
                raise Stopped
            last = number * BLOCK >= recording.frames
            made.append(resampler.resample_chunk(block, last=last)[: wanted - made.frames])
        made.pad(wanted - made.frames)
    except BaseException:
        made.close()
        raise
    return made
