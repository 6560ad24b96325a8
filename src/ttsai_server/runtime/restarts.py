"""When a model whose process has died may be loaded again."""

from collections.abc import Callable
from time import monotonic

LONGEST_SECONDS = 60
"""The wait doubles up to this; a process that lived longer starts the count anew."""


class Restarts:
    def __init__(self, seconds: float, now: Callable[[], float] = monotonic) -> None:
        """seconds: between two starts, after the first death; then twice as long, and so on. now: a clock, seconds."""
        self._seconds = seconds
        self._now = now
        self._started = 0.0
        self._deaths = 0
        """In a row."""

    def started(self) -> None:
        self._started = self._now()

    def died(self) -> None:
        self._deaths = 1 if self._now() - self._started > LONGEST_SECONDS else self._deaths + 1

    @property
    def wait(self) -> float:
        """Seconds until the next start; 0: now."""
        if not self._deaths:
            return 0
        between = min(self._seconds * 2 ** min(self._deaths - 1, 32), max(self._seconds, LONGEST_SECONDS))
        return max(0, self._started + between - self._now())
