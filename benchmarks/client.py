"""A client that records when each part of a response arrives."""

import http.client
import json
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

PCM_BYTES_A_SECOND = 48_000
"""Both servers send 24,000 samples per second, 16 bits, mono."""
WAV_HEAD = 44
TIMEOUT_SECONDS = 900


@dataclass
class Answer:
    began: float = field(default_factory=time.perf_counter)
    headers: dict[str, str] = field(default_factory=dict[str, str])
    arrivals: list[tuple[float, int]] = field(default_factory=list[tuple[float, int]])
    """(seconds since the request began, bytes)."""

    def add(self, part: bytes) -> None:
        self.arrivals.append((time.perf_counter() - self.began, len(part)))

    @property
    def bytes(self) -> int:
        return sum(size for _, size in self.arrivals)

    @property
    def first_byte(self) -> float:
        """Seconds until sound arrived: a WAV header alone does not count."""
        got = 0
        for at, size in self.arrivals:
            got += size
            if got > WAV_HEAD:
                return at
        raise ValueError("no sound came")

    @property
    def last_byte(self) -> float:
        return self.arrivals[-1][0]

    @property
    def audio_seconds(self) -> float:
        """Duration of a WAV or PCM response; a WAV header counts as a millisecond."""
        return self.bytes / PCM_BYTES_A_SECOND


@contextmanager
def request(
    url: str, path: str, key: str = "", body: dict[str, Any] | None = None
) -> Generator[http.client.HTTPResponse]:
    """POST the body as JSON, or GET. Raises RuntimeError for anything but 200."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=TIMEOUT_SECONDS)
    try:
        data = json.dumps(body) if body else None
        headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
        connection.request("POST" if body else "GET", path, data, headers)
        response = connection.getresponse()
        if response.status != 200:
            raise RuntimeError(f"{path}: {response.status} {response.read(500)!r}")
        yield response
    finally:
        connection.close()


def speak(url: str, path: str, key: str, body: dict[str, Any], *, leave_after: int | None = None) -> Answer:
    """Read the whole response as it arrives, or disconnect after `leave_after` bytes."""
    answer = Answer()
    with request(url, path, key, body) as response:
        answer.headers = {name.lower(): value for name, value in response.getheaders()}
        while part := response.read1(1 << 16):
            answer.add(part)
            if leave_after is not None and answer.bytes >= leave_after:
                break
    return answer
