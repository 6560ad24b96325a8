"""RFC 9110 §13 and §14, without a server."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from ttsai_server.api.ranges import requested_range, unchanged
from ttsai_server.errors import NoSuchRange

ETAG = '"e1"'


def span(header: str, size: int = 10, if_range: str = ETAG) -> range | None:
    return requested_range(Headers({"range": header, "if-range": if_range}), size, ETAG)


@pytest.mark.parametrize(
    ("header", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=2-5", 2, 6),
        ("bytes=2-", 2, 10),
        ("bytes=-3", 7, 10),
        ("bytes=-99", 0, 10),
        ("bytes=9-999999999999999999", 9, 10),
        ("BYTES= 2-5 ", 2, 6),
    ],
)
def test_one_range_is_understood(header: str, start: int, stop: int) -> None:
    assert span(header) == range(start, stop)


@pytest.mark.parametrize(
    "header",
    ["", "bytes=", "bytes=-", "bytes=5-2", "bytes=a-b", "items=0-1", "bytes=0-1,3-4", "bytes=²-³", "bytes 0-1"],
)
def test_what_is_malformed_or_several_ranges_means_all(header: str) -> None:
    assert span(header) is None


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=10-20", "bytes=-0"])
def test_a_range_outside_cannot_be_served(header: str) -> None:
    with pytest.raises(NoSuchRange) as refused:
        span(header)
    assert (refused.value.status, refused.value.headers) == (416, {"Content-Range": "bytes */10"})


def test_nothing_of_nothing_can_be_served() -> None:
    with pytest.raises(NoSuchRange):
        span("bytes=0-", size=0)


@pytest.mark.parametrize(
    ("tag", "expected"),
    [(ETAG, range(0, 1)), ('"e2"', None), (f"W/{ETAG}", None), ("Sun, 22 Nov 2026 10:00:00 GMT", None)],
)
def test_if_range_names_the_same_representation_or_all_is_sent(tag: str, expected: range | None) -> None:
    assert span("bytes=0-0", if_range=tag) == expected


@pytest.mark.parametrize(
    ("tags", "same"),
    [
        (ETAG, True),
        (f"W/{ETAG}", True),
        ("*", True),
        (f'"e0", {ETAG}', True),
        ('"e2"', False),
        ("", False),
        ("e1", False),
    ],
)
def test_if_none_match_is_understood(tags: str, same: bool) -> None:
    assert unchanged(Headers({"if-none-match": tags}), ETAG) is same


@given(st.text(), st.integers(0, 100))
def test_any_header_means_bytes_that_are_there_all_or_a_refusal(text: str, size: int) -> None:
    try:
        found = requested_range(Headers(raw=[(b"range", b"bytes=" + text.encode("latin-1", "replace"))]), size, ETAG)
    except NoSuchRange:
        return
    assert found is None or (found and 0 <= found.start < found.stop <= size)
