"""Damaged files, as uploads: each gets an answer or an honest error, and none takes much memory."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import httpx
import pytest
from tests.containers import KINDS, contained, melody
from tests.damaged import damaged
from tests.hostile.answers import fault
from tests.jobs.serving import Server, serving

pytestmark = pytest.mark.service

MOST_MB = 600
"""Peak memory of the server, which has no model loaded."""
KINDS_USED = ("wav-s16le", "flac", "mp3", "m4a", "ogg-opus", "webm", "aac", "mka-mp3", "flv-aac", "mpegts-aac")
UNLIMITED = '{"enterprise": {"requests_per_minute": 1000000, "concurrent": 100, "max_characters": 5000}}'


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    with serving(folder / "data", folder / "log", {"models__demo": "true", "plans": UNLIMITED}) as server:
        yield server


def send(client: httpx.Client, file: bytes) -> tuple[int, str]:
    answer = client.post("/v1/audio/convert/", files={"file": ("a", file)}, data={"format": "mp3"})
    return answer.status_code, fault(answer)


def peak_mb(server: Server) -> float:
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM"))


@pytest.mark.parametrize("count", [60, pytest.param(1000, marks=pytest.mark.slow)])
def test_damaged_files_get_an_answer_or_an_honest_error(server: Server, count: int) -> None:
    originals = [contained(KINDS[name], melody(1.5, channels=2), 48_000) for name in KINDS_USED]
    headers = {"Authorization": f"Bearer {server.key}"}
    with (
        httpx.Client(base_url=server.url, headers=headers, timeout=300) as client,
        ThreadPoolExecutor(4) as threads,
    ):
        found = list(threads.map(partial(send, client), damaged(count, count, originals)))
    print(Counter(status for status, _ in found), f"peak {peak_mb(server):.0f} MB")
    assert not [told for _, told in found if told]
    assert len({status for status, _ in found}) > 1, "some can be played, some can't"
    assert peak_mb(server) < MOST_MB
