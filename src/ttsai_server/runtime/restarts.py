"""When a model whose process has died may be loaded again."""

from collections.abc import Callable
from time import monotonic

LONGEST_SECONDS = 60
"""The time between two starts doubles up to this, unless the setting is longer."""


class Restarts:
    """Limits how often a crashing model is started: at most once per interval.

    The interval doubles each time a process dies while it loads. One that dies later could do its work: what it was
    given last may be to blame, and others do not wait longer for it.
    """

    def __init__(self, seconds: float, now: Callable[[], float] = monotonic) -> None:
        """seconds: the first interval. now: a clock, seconds."""
        self._seconds = seconds
        self._now = now
        self._started = 0.0
        self._loaded = False
        """Whether the process that was started last has loaded the model."""
        self._between = 0.0
        """The current interval, seconds; 0 as long as no process has died."""

    def started(self) -> None:
        """Its process is started, to load it."""
        self._started, self._loaded = self._now(), False

    def loaded(self) -> None:
        self._loaded = True

    def died(self) -> None:
        """Its process has ended, as it loaded or later."""
        doubled = 0.0 if self._loaded else min(2 * self._between, LONGEST_SECONDS)
        self._between = max(self._seconds, doubled)

    @property
    def wait(self) -> float:
        """Seconds until the next start; 0: now."""
        return max(0.0, self._started + self._between - self._now()) if self._between else 0.0
