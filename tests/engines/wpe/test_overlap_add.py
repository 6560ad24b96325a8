import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.engines.enhancer import joined, recorded

from ttsai_server.engines.base import Cancellation, Cancelled
from ttsai_server.engines.wpe.overlap_add import Samples, overlapped


def ramp(count: int) -> np.ndarray:
    return np.linspace(-0.9, 0.9, max(1, count), dtype=np.float32)[:count, None]


@given(st.integers(1, 500), st.integers(20, 60), st.integers(0, 9))
def test_what_is_left_alone_comes_back(count: int, length: int, overlap: int) -> None:
    with recorded(ramp(count), 100) as recording:
        made = joined(list(overlapped(recording, length, overlap, lambda samples: samples, Cancellation())))
    assert made == pytest.approx(ramp(count), abs=1e-6)


def test_one_stretch_fades_into_the_next() -> None:
    sizes = iter([0.0, 0.5, 1.0])
    with recorded(ramp(40), 100) as recording:
        made = joined(list(overlapped(recording, 20, 10, lambda sound: 0 * sound + next(sizes), Cancellation())))
    assert np.max(np.abs(np.diff(made[:, 0]))) <= 0.0501


def test_the_last_stretch_is_as_long_as_the_others() -> None:
    seen: list[int] = []

    def work(samples: Samples) -> Samples:
        seen.append(len(samples))
        return samples

    with recorded(ramp(45), 100) as recording:
        list(overlapped(recording, 20, 5, work, Cancellation()))
    assert seen == [20, 20, 20]


def test_told_to_stop_it_stops() -> None:
    cancellation = Cancellation()
    with recorded(ramp(45), 100) as recording:
        made = overlapped(recording, 20, 5, lambda samples: samples, cancellation)
        next(made)
        cancellation.cancel()
        with pytest.raises(Cancelled):
            next(made)
