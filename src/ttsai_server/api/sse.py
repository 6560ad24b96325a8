"""Server-sent events (WHATWG HTML, 9.2)."""

from collections.abc import Mapping

import orjson


def event(data: Mapping[str, object]) -> bytes:
    """One event, of the type that `data["type"]` says."""
    return b"event: " + str(data["type"]).encode() + b"\ndata: " + orjson.dumps(data) + b"\n\n"
