"""When a failed webhook is retried."""

import time
from email.utils import parsedate_to_datetime

WAITS = (5, 30, 120, 600, 1800, 3600, 7200, 14_400, 28_800, 36_000)
"""Seconds between attempts: eleven attempts, over 25 h 42 min plus jitter."""
LONGEST_RETRY_AFTER = 3600.0
"""The longest Retry-After of a receiver that is respected, seconds, so that all attempts take about a day."""
BUSY = (429, 503)
"""Statuses whose Retry-After counts."""


def wait_after(attempt: int, retry_after: float | None = None) -> float | None:
    """Seconds from the failed attempt to the next; None if it was the last. attempt: its number, from 1.

    retry_after: the receiver's Retry-After, seconds; it can only lengthen the wait, so that attempts last about a day.
    """
    if attempt > len(WAITS):
        return None
    return max(WAITS[attempt - 1], min(retry_after or 0, LONGEST_RETRY_AFTER))


def retry_after(value: str) -> float | None:
    """The header Retry-After, seconds or a date (RFC 9110 §10.2.3) → seconds; None if it is neither."""
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None
