"""When a model whose process has died may be loaded again."""

from collections.abc import Callable
from time import monotonic

LONGEST_SECONDS = 60
"""The time between two starts doubles up to this, unless the setting is longer."""


class Restarts:
    """Limits how often a crashing model is started: at most once per interval.

    The interval doubles each time a process dies while it loads or within the interval after that, and is reset when
    one lives longer.
    """

    def __init__(self, seconds: float, now: Callable[[], float] = monotonic) -> None:
        """seconds: the first interval. now: a clock, seconds."""
        self._seconds = seconds
        self._now = now
        self._started = 0.0
        self._loaded: float | None = None
        """When the model of the process that was started last was loaded; None: it was not."""
        self._between = 0.0
        """The current interval, seconds; 0 as long as no process has died."""

    def started(self) -> None:
        """Its process is started, to load it."""
        self._started, self._loaded = self._now(), None

    def loaded(self) -> None:
        self._loaded = self._now()

    def died(self) -> None:
        """Its process has ended, as it loaded or later."""
        lived = 0.0 if self._loaded is None else self._now() - self._loaded
        again = self._between if lived <= self._between else 0
        self._between = max(self._seconds, min(2 * again, LONGEST_SECONDS))

    @property
    def wait(self) -> float:
        """Seconds until the next start; 0: now."""
        return max(0.0, self._started + self._between - self._now()) if self._between else 0.0
