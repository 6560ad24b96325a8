"""Small files that are hours of sound: they cost neither the disk nor anybody else's time."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import numpy as np
import pytest
from tests.api.recordings import encoded, sent
from tests.live import Live, live

from ttsai_server.settings import Models, Recordings, Settings

MINUTE = np.zeros((8000 * 60, 2), np.float32)
"""As WAV 1.92 MB, as a recording 3.84."""
CROWD = {"requests_per_minute": 100_000, "concurrent": 1000, "max_characters": 500, "max_result_mb": 1}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("server"),
        models=Models(queue_wait_seconds=2, demo=True),
        recordings=Recordings(account_temp_mb=6, threads=1),
        plans={"crowd": CROWD},  # pyright: ignore[reportArgumentType]
    )
    with live(settings) as running:
        yield running


def convert(server: Live, sound: bytes, format: str, key: str) -> httpx.Response:
    return sent(server, "convert", sound, key=key, format=format)


def test_a_result_is_no_longer_than_the_plan_allows(server: Live) -> None:
    _, key = server.new_key("crowd")
    answer = convert(server, encoded(MINUTE, 8000), "wav", key)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "file_too_large")
    assert "the most that the plan allows" in answer.json()["error"]["message"]
    assert convert(server, encoded(MINUTE, 8000), "flac", key).status_code == 200


def test_recordings_beyond_the_accounts_temporary_disk_get_503(server: Live) -> None:
    _, key = server.new_key("crowd")
    answer = convert(server, encoded(np.zeros((8000 * 120, 2), np.float32), 8000), "mp3", key)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "model_loading")
    assert int(answer.headers["Retry-After"]) > 0
    assert convert(server, encoded(MINUTE, 8000), "flac", key).status_code == 200


def test_an_accounts_many_conversions_keep_nobody_else_waiting(server: Live) -> None:
    _, greedy = server.new_key("crowd")
    _, modest = server.new_key("crowd")
    hour = encoded(np.zeros((8000 * 3600, 1), np.float32), 8000)
    with ThreadPoolExecutor(20) as threads:
        many = [threads.submit(convert, server, hour, "mp3", greedy) for _ in range(20)]
        while not any(each.running() for each in many):
            pass
        assert convert(server, encoded(MINUTE, 8000), "flac", modest).status_code == 200
        answers = [each.result() for each in many]
    assert {answer.status_code for answer in answers} <= {200, 503, 413}
