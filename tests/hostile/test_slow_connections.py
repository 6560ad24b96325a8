"""Connections that never say what they want, heads that never end, and bombs, all at once: the others are answered."""

import socket
import threading
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from urllib.parse import urlsplit

import numpy as np
import pytest
from tests.api.recordings import encoded, sent
from tests.live import Live, live

from ttsai_server.settings import Models, Settings

SILENT, ENDLESS, BOMBS = 60, 10, 4
SPEECH = {"model": "tone", "voice": "tone_a", "text": "la"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with live(Settings(data_dir=tmp_path_factory.mktemp("server"), models=Models(demo=True))) as running:
        yield running


def endless_head(address: tuple[str, int], over: threading.Event) -> None:
    """A head without end; where it is refused, the next."""
    while not over.is_set():
        with suppress(OSError), socket.create_connection(address, timeout=60) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\n")
            while not over.wait(0.05):
                connection.sendall(b"x: " + b"a" * 4000 + b"\r\n")


def bomb(server: Live, sound: bytes, key: str, over: threading.Event) -> None:
    while not over.is_set():
        assert sent(server, "convert", sound, key=key, format="flac").status_code == 200


@contextmanager
def hostilities(server: Live) -> Generator[None]:
    parts, over = urlsplit(server.url), threading.Event()
    address = (parts.hostname or "", parts.port or 0)
    sound, (_, key) = encoded(np.zeros((8000 * 1200, 1), np.float32), 8000), server.new_key()
    with ExitStack() as connections, ThreadPoolExecutor(ENDLESS + BOMBS) as threads:
        for _ in range(SILENT):
            connections.enter_context(socket.create_connection(address))
        works = [threads.submit(endless_head, address, over) for _ in range(ENDLESS)]
        works += [threads.submit(bomb, server, sound, key, over) for _ in range(BOMBS)]
        try:
            yield
        finally:
            over.set()
        for work in works:
            work.result()


def test_another_account_is_answered_meanwhile(server: Live) -> None:
    client, short = server.client(), encoded(np.zeros((8000, 1), np.float32), 8000)
    with hostilities(server):
        for _ in range(3):
            assert client.get("/health/live").status_code == 200
            assert client.post("/v1/tts/", json=SPEECH).status_code == 200
            assert sent(server, "convert", short, format="mp3").status_code == 200
