import os
import resource
import signal
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ttsai_server.audio.recording import Recording


def noise(count: int, channels: int = 1) -> NDArray[np.float32]:
    return np.random.default_rng(0).uniform(-1, 1, (count, channels)).astype(np.float32)


@given(st.lists(st.integers(0, 3000), max_size=8), st.integers(1, 3), st.integers(0, 9000), st.integers(0, 9000))
def test_what_is_read_is_what_was_appended(sizes: list[int], channels: int, start: int, count: int):
    whole = noise(sum(sizes), channels)
    with Recording(8000, channels) as recording:
        for part in np.split(whole, np.cumsum(sizes)):
            recording.append(part)
        assert np.array_equal(recording.read(start, count), whole[start : start + count])


def test_its_length_is_in_frames_and_seconds():
    with Recording(8000, 2) as recording:
        recording.append(noise(2000, 2))
        assert (recording.frames, recording.seconds) == (2000, 0.25)


def test_samples_of_another_layout_or_width_are_stored_the_same():
    whole = noise(100, 2)
    with Recording(8000, 2) as recording:
        recording.append(np.asfortranarray(whole.astype(np.float64)))  # pyright: ignore[reportArgumentType] on purpose
        assert np.array_equal(recording.read(0, 100), whole)


def test_many_threads_read_at_once():
    whole = noise(200_000)
    with Recording(8000) as recording, ThreadPoolExecutor(8) as threads:
        recording.append(whole)
        parts = list(threads.map(recording.read, range(0, 200_000, 1000), [1000] * 200))
    assert np.array_equal(np.concatenate(parts), whole)


def test_a_closed_one_leaves_no_file_open():
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 a count of descriptors, no files
    recording = Recording(8000)
    recording.append(noise(10))
    recording.close()
    recording.close()
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def test_a_full_disk_is_told():
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Recording(8000) as recording:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
        try:
            with pytest.raises(OSError, match="too large"):
                recording.append(noise(1000))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            signal.signal(signal.SIGXFSZ, handler)
