import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ttsai_server.audio.dsp import Joiner, stretch
from ttsai_server.domain import Audio

RATE = 24_000
Samples = NDArray[np.float32]


def tone(seconds: float, level: float = 0.5, hertz: float = 220) -> Samples:
    t = np.arange(round(seconds * RATE)) / RATE
    return (level * np.sin(2 * np.pi * hertz * t + 1)).astype(np.float32)[:, None]


def quiet(seconds: float, level: float = 0.0) -> Samples:
    noise = np.random.default_rng(0).normal(0, level, (round(seconds * RATE), 1))
    return noise.astype(np.float32)


def joined(pieces: list[Samples], pause: float = 0.3, cuts: list[int] | None = None) -> Samples:
    joiner = Joiner(RATE)
    parts: list[Samples] = []
    for piece in pieces:
        parts += [joiner.push(part) for part in np.split(piece, cuts or [])]
        parts.append(joiner.end(pause))
    return np.concatenate(parts)


def gaps(samples: Samples) -> list[float]:
    """Seconds of each stretch longer than 20 ms below -46 dB of .5."""
    loud = np.flatnonzero(np.abs(samples[:, 0]) > 0.0025)
    return [round(float(step) / RATE, 3) for step in np.diff(loud) if step > 0.02 * RATE]


@pytest.mark.parametrize("pause", [0.15, 0.35, 0.6])
def test_the_pause_runs_from_speech_to_speech(pause: float):
    piece = np.concatenate([quiet(0.2, 1e-4), tone(0.5), quiet(0.4, 1e-4)])
    assert gaps(joined([piece, piece, piece], pause)) == pytest.approx([pause, pause], abs=0.025)


def test_without_a_pause_only_the_margins_are_left():
    piece = np.concatenate([quiet(0.2), tone(0.5), quiet(0.4)])
    assert gaps(joined([piece, piece], 0)) == pytest.approx([0.08], abs=0.025)


def test_speech_with_no_silence_round_it_gets_the_pause():
    assert gaps(joined([tone(0.5), tone(0.5)], 0.3)) == pytest.approx([0.3], abs=0.015)


def test_the_first_sound_comes_soon_and_the_last_silence_is_short():
    out = joined([np.concatenate([quiet(0.5), tone(0.5), quiet(0.5)])])
    loud = np.flatnonzero(np.abs(out[:, 0]) > 0.01)
    assert loud[0] <= 0.05 * RATE
    assert len(out) - loud[-1] <= 0.06 * RATE


def test_nothing_loud_is_lost():
    piece = tone(0.5)
    out = joined([piece])
    edge = RATE // 100
    assert len(out) == len(piece)
    assert np.array_equal(out[edge:-edge], piece[edge:-edge])


def test_a_soft_consonant_at_the_end_is_kept():
    hiss = quiet(0.12, 0.5 * 10 ** (-40 / 20))
    out = joined([np.concatenate([tone(0.5), hiss, quiet(0.4)])])
    assert len(out) >= 0.62 * RATE


def test_a_soft_piece_after_a_loud_one_is_kept():
    out = joined([tone(0.5), tone(0.5, level=0.02)], 0)
    assert len(out) >= 0.99 * RATE


@given(
    st.lists(st.tuples(st.floats(-0.3, 0.3), st.integers(240, 9000)), min_size=1, max_size=5),
    st.sampled_from([0.0, 0.05, 0.3]),
)
def test_no_joint_clicks(shapes: list[tuple[float, int]], pause: float):
    pieces = [tone(1.0, hertz=150)[:length] * 0.5 + np.float32(offset) for offset, length in shapes]
    steps = np.abs(np.diff(joined(pieces, pause), axis=0, prepend=0, append=0))
    # the steepest of the tone itself is .01; a ramp of 5 ms from the loudest sample is .005 a step on top
    assert np.max(steps, initial=0) < 0.02


@given(st.lists(st.integers(0, 26_400), max_size=6).map(sorted))
def test_how_a_piece_is_pushed_changes_nothing(cuts: list[int]):
    piece = np.concatenate([quiet(0.1), tone(0.3), quiet(0.3), tone(0.3), quiet(0.1)])
    whole = joined([piece, piece])
    out = joined([piece, piece], cuts=cuts)
    # the gate looks at frames, and a push may shift them: at most one frame at each of the four edges
    assert abs(len(out) - len(whole)) <= 4 * RATE // 100
    assert np.sum(out**2) == pytest.approx(np.sum(whole**2), rel=0.02)


def test_speech_is_not_held_back():
    joiner = Joiner(RATE)
    assert len(joiner.push(tone(1.0))) >= 0.99 * RATE


def test_silence_in_a_piece_is_kept():
    piece = np.concatenate([tone(0.3), quiet(0.25), tone(0.3)])
    assert gaps(joined([piece], cuts=[8000, 12_000])) == pytest.approx([0.25], abs=0.005)


@pytest.mark.parametrize("length", [0, 1, 5000])
def test_a_silent_piece_adds_nothing(length: int):
    assert len(joined([np.zeros((length, 1), np.float32)])) == 0


def test_stereo_goes_through():
    both = np.repeat(tone(0.3), 2, axis=1)
    assert joined([both, both]).shape[1] == 2


@pytest.mark.parametrize("factor", [0.25, 0.5, 0.8, 1.25, 2.0, 4.0])
def test_stretch_changes_the_length_and_not_the_pitch(factor: float):
    out = stretch(Audio(tone(2.0), RATE), factor)
    assert len(out.samples) == pytest.approx(2.0 * RATE / factor, abs=1)
    spectrum = np.abs(np.fft.rfft(out.samples[:, 0]))
    assert float(np.argmax(spectrum)) / out.seconds == pytest.approx(220, abs=3)


@pytest.mark.parametrize("length", [0, 1, 100, 1441])
def test_stretch_takes_any_length(length: int):
    samples = tone(1.0)[:length]
    assert len(stretch(Audio(samples, RATE), 2.0).samples) == pytest.approx(length / 2, abs=1)


def test_stretch_by_one_is_the_same_sound():
    audio = Audio(tone(0.1), RATE)
    assert stretch(audio, 1.0) is audio


def test_stretch_is_deterministic():
    audio = Audio(tone(0.5), RATE)
    assert np.array_equal(stretch(audio, 1.5).samples, stretch(audio, 1.5).samples)


def test_stretch_keeps_what_happens_in_its_place():
    audio = Audio(np.concatenate([quiet(0.5), tone(1.0), quiet(0.5)]), RATE)
    loud = np.flatnonzero(np.abs(stretch(audio, 2.0).samples[:, 0]) > 0.1) / RATE
    assert (loud[0], loud[-1]) == pytest.approx((0.25, 0.75), abs=0.02)
