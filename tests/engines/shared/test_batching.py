"""What several threads ask for at the same time is done together, and each gets its own."""

import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ttsai_server.engines.base import Cancellation, Cancelled
from ttsai_server.engines.shared.batching import Batcher
from ttsai_server.errors import EngineFailed

MOST = 6
PATIENCE = 30.0

Input = tuple[int, str, int, str]
"""Number, kind, size, and what becomes of it: done, broken or cancelled."""


class Squares:
    """Squares numbers, in batches that it notes."""

    def __init__(self) -> None:
        self.batches: list[list[Input]] = []

    def run(self, inputs: Sequence[Input], cancellation: Cancellation) -> list[int]:
        self.batches.append(list(inputs))
        if any(fate == "broken" for *_, fate in inputs):
            raise EngineFailed(f"broken: {[number for number, *_ in inputs]}")
        return [number**2 for number, *_ in inputs]


class Gate:
    """Runs one batch at a time, when told to; its outputs are its inputs."""

    def __init__(self) -> None:
        self.begun, self.go_on = Event(), Event()
        self.batches: list[list[str]] = []
        self.cancellations: list[Cancellation] = []

    def run(self, inputs: Sequence[str], cancellation: Cancellation) -> Sequence[str]:
        self.batches.append(list(inputs))
        self.cancellations.append(cancellation)
        self.begun.set()
        self.go_on.wait(PATIENCE)
        if cancellation.cancelled:
            raise Cancelled
        return inputs


@contextmanager
def held(most: int = MOST, wait: float = 0) -> Generator[tuple[Gate, Callable[..., Future[str]]]]:
    """A gate, and a function that asks for something in a thread of its own, and returns once it waits or runs."""
    gate = Gate()
    batcher = Batcher(gate.run, most, wait=wait)
    with ThreadPoolExecutor(16) as pool:

        def ask(input: str, cancellation: Cancellation | None = None) -> Future[str]:
            asked = pool.submit(batcher, input, cancellation or Cancellation())
            until(lambda: any(call.input == input for call in (*batcher._waiting, *batcher._running)))
            return asked

        try:
            yield gate, ask
        finally:
            gate.go_on.set()
            batcher.close()


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.001)


inputs = st.lists(
    st.tuples(
        st.integers(0, 10**6),
        st.sampled_from("ab"),
        st.integers(1, MOST + 2),
        st.sampled_from(["done"] * 4 + ["broken", "cancelled"]),
    ),
    max_size=12,
)


@settings(max_examples=50, deadline=None)
@given(inputs, st.sampled_from([0, 0.002]))
def test_every_thread_gets_the_output_of_its_own_input(asked: list[Input], wait: float) -> None:
    squares = Squares()
    batcher = Batcher(squares.run, MOST, kind=lambda i: i[1], size=lambda i: i[2], wait=wait)
    with ThreadPoolExecutor(12) as pool:
        cancellations = [Cancellation() for _ in asked]
        futures = [pool.submit(batcher, *each) for each in zip(asked, cancellations, strict=True)]
        for (*_, fate), cancellation in zip(asked, cancellations, strict=True):
            if fate == "cancelled":
                cancellation.cancel()
        for (number, *_, fate), future in zip(asked, futures, strict=True):
            if fate == "cancelled" and future.exception(PATIENCE):
                assert isinstance(future.exception(), Cancelled)
            elif fate == "broken":
                assert isinstance(error := future.exception(PATIENCE), EngineFailed)
                assert str(error) == f"broken: [{number}]"
            else:
                assert future.result(PATIENCE) == number**2
    batcher.close()
    for batch in squares.batches:
        assert len({kind for _, kind, *_ in batch}) == 1
        assert len(batch) == 1 or sum(size for _, _, size, _ in batch) <= MOST


def test_what_waits_while_a_batch_runs_is_the_next_batch() -> None:
    with held() as (gate, ask):
        first = ask("first")
        gate.begun.wait(PATIENCE)
        others = [ask(f"{number}") for number in range(4)]
        gate.go_on.set()
        assert [each.result(PATIENCE) for each in (first, *others)] == ["first", *"0123"]
    assert gate.batches == [["first"], [*"0123"]]


def test_one_cancelled_in_a_batch_leaves_the_others_alone() -> None:
    cancellation = Cancellation()
    with held(most=2, wait=PATIENCE) as (gate, ask):
        cancelled, other = ask("cancelled", cancellation), ask("other")
        gate.begun.wait(PATIENCE)
        cancellation.cancel()
        with pytest.raises(Cancelled):
            cancelled.result(PATIENCE)  # at once: the batch still runs
        assert not gate.cancellations[0].cancelled
        gate.go_on.set()
        assert other.result(PATIENCE) == "other"


def test_a_batch_is_stopped_once_all_in_it_are_cancelled() -> None:
    cancellations = [Cancellation(), Cancellation()]
    with held(most=2, wait=PATIENCE) as (gate, ask):
        asked = [ask("a", cancellations[0]), ask("b", cancellations[1])]
        gate.begun.wait(PATIENCE)
        for cancellation in cancellations:
            cancellation.cancel()
        assert all(isinstance(each.exception(PATIENCE), Cancelled) for each in asked)
        assert gate.cancellations[0].cancelled


def test_one_cancelled_while_it_waits_is_never_run() -> None:
    cancellation = Cancellation()
    with held() as (gate, ask):
        ask("first")
        gate.begun.wait(PATIENCE)
        waiting = ask("waiting", cancellation)
        cancellation.cancel()
        with pytest.raises(Cancelled):
            waiting.result(PATIENCE)
    assert gate.batches == [["first"]]


def test_a_full_batch_waits_for_no_more() -> None:
    with held(most=2, wait=PATIENCE * 10) as (gate, ask):
        for input in "ab":
            ask(input)
        assert gate.begun.wait(PATIENCE)


def test_one_alone_waits_for_others_no_longer_than_told() -> None:
    with held(wait=0.005) as (gate, ask):
        ask("alone")
        assert gate.begun.wait(PATIENCE)


def test_an_output_too_few_is_an_error_and_not_another_ones() -> None:
    batcher = Batcher[int, int](lambda inputs, _: [], 1)
    with pytest.raises(ValueError, match="argument"):
        batcher(1, Cancellation())
    batcher.close()


def test_closed_twice_it_asks_for_nothing_more() -> None:
    batcher = Batcher(Squares().run, MOST)
    batcher.close()
    batcher.close()
    with pytest.raises(EngineFailed):
        batcher((2, "a", 1, "done"), Cancellation())
