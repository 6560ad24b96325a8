"""Range requests and conditional requests: RFC 9110 §13 and §14."""

import re

from starlette.datastructures import Headers

from ttsai_server.errors import NoSuchRange

ONE_RANGE = re.compile(r"bytes=\s*([0-9]{0,18})-([0-9]{0,18})\s*", re.IGNORECASE)


def requested_range(headers: Headers, size: int, etag: str) -> range | None:
    """The requested bytes of a file of `size` bytes; None: all. Raises NoSuchRange if there are no such bytes.

    As the RFC allows, all bytes are sent for several ranges, a malformed range, or `If-Range` with another etag.
    """
    if headers.get("if-range", etag) != etag:
        return None
    found = ONE_RANGE.fullmatch(headers.get("range", ""))
    if not found or not any(found.groups()):
        return None
    span = _span(found[1], found[2], size)
    if span is not None and not span:
        raise NoSuchRange(size)
    return span


def _span(first: str, last: str, size: int) -> range | None:
    if not first:  # a suffix: the last `last` bytes
        return range(max(0, size - int(last)), size)
    if last and int(last) < int(first):
        return None
    return range(int(first), min(size, int(last) + 1) if last else size)


def unchanged(headers: Headers, etag: str) -> bool:
    """Whether the client has this version already, by `If-None-Match`."""
    tags = (tag.strip().removeprefix("W/") for tag in headers.get("if-none-match", "").split(","))
    return any(tag in (etag, "*") for tag in tags)
