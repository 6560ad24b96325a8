"""When a model whose process has died may be loaded again."""

from collections.abc import Callable
from time import monotonic

LONGEST_SECONDS = 60
"""The time between two starts doubles up to this, unless the setting is longer."""


class Restarts:
    """Limits how often a crashing model is started: at most once per interval.

    The interval doubles each time a process dies within it, and is reset when one lives longer.
    """

    def __init__(self, seconds: float, now: Callable[[], float] = monotonic) -> None:
        """seconds: the first interval. now: a clock, seconds."""
        self._seconds = seconds
        self._now = now
        self._started = 0.0
        self._between = 0.0
        """The current interval, seconds; 0 as long as no process has died."""

    def started(self) -> None:
        self._started = self._now()

    def died(self) -> None:
        lived = self._now() - self._started
        again = self._between if lived <= self._between else 0
        self._between = max(self._seconds, min(2 * again, LONGEST_SECONDS))

    @property
    def wait(self) -> float:
        """Seconds until the next start; 0: now."""
        return max(0.0, self._started + self._between - self._now()) if self._between else 0.0
