"""Hostile requests on either database: no answer but the contract's."""

import http.client
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from urllib.parse import urlsplit

import httpx
import pytest
from tests.hostile.answers import fault
from tests.hostile.requests import Hostile, hostile
from tests.live import Live, live

from ttsai_server.settings import Models, Settings, Store

CROWD = {"requests_per_minute": 1_000_000, "concurrent": 1000, "max_characters": 50_000}


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.service)])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    url = request.getfixturevalue("postgres_server") if request.param == "postgres" else ""
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("server"),
        store=Store(url=url),
        models=Models(demo=True),
        plans={"enterprise": CROWD},  # pyright: ignore[reportArgumentType]
    )
    with live(settings) as running:
        yield running


def send(server: Live, sent: Hostile) -> tuple[int, str]:
    """→ status and what is wrong with the answer. Not by httpx, which refuses to send much of it."""
    address = urlsplit(server.url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=300)
    try:
        headers = {"Authorization": f"Bearer {server.key}".encode(), "Content-Type": b"application/json"}
        connection.request(sent.method, sent.path, sent.body, {**headers, **sent.headers})
        answer = connection.getresponse()
        content = answer.read()
    finally:
        connection.close()
    shown = httpx.Response(answer.status, headers=answer.getheaders(), content=content)
    told = fault(shown, sent.method)
    return answer.status, told and f"{sent.method} {sent.path[:100]} {sent.headers} {sent.body[:200]}: {told}"


@pytest.mark.parametrize("count", [200, pytest.param(5000, marks=pytest.mark.slow)])
def test_hostile_requests_get_the_contracts_answers(server: Live, count: int) -> None:
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(partial(send, server), hostile(count, count)))
    print(Counter(status for status, _ in found))
    assert not [told for _, told in found if told]
    assert server.client().post("/v1/tts/", json={"model": "tone", "voice": "tone_a", "text": "la"}).status_code == 200
