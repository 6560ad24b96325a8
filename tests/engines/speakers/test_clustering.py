"""Voices out of embeddings: made ones, of which the truth is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ttsai_server.domain import DiarizationRequest
from ttsai_server.engines.speakers.clustering import find_voices

LIKENESS = 0.8
"""Mean cosine of windows of one voice, in what `said` makes."""


def voices(count: int, seed: int = 0) -> np.ndarray:
    """(count, 256), of norm 1, a cosine of about .6 between them."""
    random = np.random.default_rng(seed)
    made = np.ones(256) + 0.8 * random.standard_normal((count, 256))
    return made / np.linalg.norm(made, axis=1, keepdims=True)


def said(owners: np.ndarray, seed: int = 0) -> np.ndarray:
    """Windows of the voices 0, 1, … float32 (n, 256), of norm 1."""
    random = np.random.default_rng(seed + 1)
    noisy = voices(int(owners.max()) + 1, seed)[owners] + 0.5 / 16 * random.standard_normal((len(owners), 256))
    return (noisy / np.linalg.norm(noisy, axis=1, keepdims=True)).astype(np.float32)


def owners(count: int, each: int = 20) -> np.ndarray:
    return np.repeat(np.arange(count), each)


def labels(windows: np.ndarray, found: np.ndarray) -> np.ndarray:
    return np.argmax(windows @ found.T, axis=1)


def same_partition(one: np.ndarray, other: np.ndarray) -> bool:
    return len(set(zip(one.tolist(), other.tolist(), strict=True))) == len(set(one)) == len(set(other))


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7])
def test_the_count_is_found(count: int) -> None:
    windows = said(owners(count))
    found = find_voices(windows, LIKENESS, DiarizationRequest())
    assert same_partition(labels(windows, found), owners(count))


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_count_is_found_over_many_blocks(count: int) -> None:
    truth = np.random.default_rng(3).integers(0, count, 2500)
    windows = said(truth)
    assert same_partition(labels(windows, find_voices(windows, LIKENESS, DiarizationRequest())), truth)


def test_two_stray_windows_are_no_voice() -> None:
    truth = np.concatenate([owners(2, 40), [2, 2]])
    assert len(find_voices(said(truth), LIKENESS, DiarizationRequest())) == 2


def test_stray_windows_do_not_take_the_place_of_a_voice() -> None:
    truth = np.concatenate([owners(2, 40), [2, 2, 3]])
    windows = said(truth)
    found = find_voices(windows, LIKENESS, DiarizationRequest(speakers=2))
    assert same_partition(labels(windows[:80], found), truth[:80])


@pytest.mark.parametrize("asked", [{}, {"speakers": 3}])
def test_a_voice_of_three_windows_is_one(asked: dict[str, int]) -> None:
    truth = np.concatenate([owners(2, 40), [2, 2, 2]])
    windows = said(truth)
    found = find_voices(windows, LIKENESS, DiarizationRequest(**asked))
    assert same_partition(labels(windows, found), truth)


@given(st.integers(1, 40), st.integers(1, 5), st.integers(0, 100))
@settings(max_examples=40)
def test_a_given_count_is_kept(windows: int, count: int, seed: int) -> None:
    truth = np.random.default_rng(seed).integers(0, 3, windows)
    found = find_voices(said(truth, seed), LIKENESS, DiarizationRequest(speakers=count))
    assert len(found) == min(count, windows)


@given(st.integers(1, 40), st.integers(1, 3), st.integers(0, 4), st.integers(0, 100))
@settings(max_examples=40)
def test_a_found_count_is_within_its_bounds(windows: int, least: int, more: int, seed: int) -> None:
    truth = np.random.default_rng(seed).integers(0, 4, windows)
    found = find_voices(said(truth, seed), LIKENESS, DiarizationRequest(least=least, most=least + more))
    assert min(least, windows) <= len(found) <= least + more


@given(st.permutations(range(45)))
@settings(max_examples=30)
def test_the_order_of_windows_does_not_matter(order: list[int]) -> None:
    windows = said(owners(3, 15))
    found = find_voices(windows[order], LIKENESS, DiarizationRequest())
    assert same_partition(labels(windows, found), owners(3, 15))


@given(st.integers(1, 30), st.integers(0, 100))
@settings(max_examples=30)
def test_voices_have_norm_1(windows: int, seed: int) -> None:
    found = find_voices(said(np.zeros(windows, int), seed), LIKENESS, DiarizationRequest())
    assert np.linalg.norm(found, axis=1) == pytest.approx(1, abs=1e-4)
