"""When a webhook is tried again."""

import time
from email.utils import parsedate_to_datetime

WAITS = (5, 30, 120, 600, 1800, 3600, 7200, 14_400, 28_800, 36_000)
"""Seconds between one attempt and the next: eleven attempts in 25 h 42 min and a little more."""
LONGEST_RETRY_AFTER = 3600.0
"""A receiver can put an attempt off by no more, seconds, so that a day stays about a day."""
BUSY = (429, 503)
"""Statuses whose Retry-After counts."""


def wait_after(attempt: int, retry_after: float | None = None) -> float | None:
    """Seconds from the failed attempt, counted from 1, to the next; None if it was the last.

    `retry_after`, what the receiver asked for, only ever makes it longer: sooner, the attempts would not last a day.
    """
    if attempt > len(WAITS):
        return None
    return max(WAITS[attempt - 1], min(retry_after or 0, LONGEST_RETRY_AFTER))


def retry_after(value: str) -> float | None:
    """Seconds that the header Retry-After asks for (RFC 9110, 10.2.3: seconds or a date); None if it says neither."""
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None
