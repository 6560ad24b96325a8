"""Does together, in one call, what several requests ask of a model at the same time: on a GPU, many cost little more
than one."""

from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Condition, Thread
from time import monotonic
from typing import Any, Generic, TypeVar

from ttsai_server.engines.base import Cancellation, Cancelled
from ttsai_server.errors import EngineFailed

Input = TypeVar("Input")
Output = TypeVar("Output")

WAIT_SECONDS = 0.004
"""How long an input waits for others at most, while the model is free: with the change of threads, under 5 ms."""


@dataclass(slots=True, eq=False)
class _Call:
    """One input, and the output that its thread waits for."""

    input: Any
    kind: Hashable
    size: int
    arrived: float
    output: Future[Any] = field(default_factory=Future[Any])


class Batcher(Generic[Input, Output]):
    """Collects the inputs of many threads, and runs them in batches, one batch at a time, in a thread of its own.

    While a batch runs, inputs gather for the next. Every thread gets its own output or its own error: if a batch fails,
    each of its inputs is run again alone. Cancelling one does not touch the others.
    """

    def __init__(
        self,
        run: Callable[[Sequence[Input], Cancellation], Sequence[Output]],
        most: int,
        kind: Callable[[Input], Hashable] = lambda _: None,
        size: Callable[[Input], int] = lambda _: 1,
        wait: float = WAIT_SECONDS,
    ) -> None:
        """run: computes the outputs of a batch, in order; its Cancellation is cancelled once all inputs are.

        most: size of a batch; a larger input is a batch of its own. kind: only inputs of the same kind go together.
        size: of an input. wait: seconds that an input waits for others while nothing runs.
        """
        self._run, self._most, self._kind, self._size, self._wait = run, most, kind, size, wait
        self._changed = Condition()
        """Guards what follows."""
        self._waiting: list[_Call] = []
        self._running: Sequence[_Call] = ()
        self._cancellation = Cancellation()
        """Of the batch that runs."""
        self._closed = False
        self._thread = Thread(target=self._serve, name="batches", daemon=True)
        self._thread.start()

    def __call__(self, input: Input, cancellation: Cancellation) -> Output:
        """Run the input with others; blocking. Raises what `run` raises for it; at once Cancelled, once cancelled."""
        call = _Call(input, self._kind(input), self._size(input), monotonic())
        with cancellation.interrupting(lambda: self._withdraw(call)):
            with self._changed:
                if self._closed:
                    raise EngineFailed("The engine is closed.")
                self._waiting.append(call)
                self._changed.notify()
            return call.output.result()

    def close(self) -> None:
        """Stop the batch that runs, and end the thread. Idempotent."""
        with self._changed:
            self._closed = True
            self._cancellation.cancel()
            self._changed.notify()
        self._thread.join()
        with self._changed:
            for call in self._waiting:
                _settle(call, error=EngineFailed("The engine is closed."))

    def _withdraw(self, call: _Call) -> None:
        with self._changed:
            _settle(call, error=Cancelled())
            self._waiting = [each for each in self._waiting if each is not call]
            if all(each.output.done() for each in self._running):
                self._cancellation.cancel()
            self._changed.notify()

    def _serve(self) -> None:
        while batch := self._next():
            self._do(batch)

    def _next(self) -> list[_Call]:
        """Wait for the next batch; empty: closed."""
        with self._changed:
            while not self._closed:
                batch = self._gathered()
                left = batch[0].arrived + self._wait - monotonic() if batch else None
                if left is not None and (left <= 0 or sum(call.size for call in batch) >= self._most):
                    self._waiting = [call for call in self._waiting if call not in batch]
                    return batch
                self._changed.wait(left)
            return []

    def _gathered(self) -> list[_Call]:
        """Of the inputs that wait, the oldest and, in order, those that go with it."""
        batch: list[_Call] = []
        for call in self._waiting:
            fits = sum(each.size for each in batch) + call.size <= self._most
            if not batch or (fits and call.kind == batch[0].kind):
                batch.append(call)
        return batch

    def _do(self, batch: Sequence[_Call]) -> None:
        with self._changed:
            self._running = [call for call in batch if not call.output.done()]
            self._cancellation = cancellation = Cancellation()
            if self._closed or not self._running:
                cancellation.cancel()
        try:
            outputs = self._run([call.input for call in batch], cancellation)
            found = list(zip(batch, outputs, strict=True))
        except Exception as error:
            self._failed(batch, error)
            return
        with self._changed:
            for call, output in found:
                _settle(call, output)

    def _failed(self, batch: Sequence[_Call], error: Exception) -> None:
        if isinstance(error, Cancelled) or len(batch) == 1:
            with self._changed:
                for call in batch:
                    _settle(call, error=error)
            return
        for call in batch:
            if not call.output.done():
                self._do([call])


def _settle(call: _Call, output: object = None, error: Exception | None = None) -> None:
    """Give the call its output or error, unless it has one."""
    if call.output.done():
        return
    if error:
        call.output.set_exception(error)
    else:
        call.output.set_result(output)
