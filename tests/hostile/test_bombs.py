"""Small files that are hours of sound: they cost neither the disk nor anybody else's time."""

from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from pathlib import Path

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
        models=Models(demo=True),
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


def test_an_upload_beyond_the_accounts_temporary_disk_gets_503(server: Live) -> None:
    _, key = server.new_key("crowd")
    answer = convert(server, bytes(7_000_000), "mp3", key)  # it would be 400 if it were read
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "model_loading")
    assert convert(server, encoded(MINUTE, 8000), "flac", key).status_code == 200


def test_an_accounts_many_conversions_keep_nobody_else_waiting(tmp_path: Path) -> None:
    settings = Settings(
        data_dir=tmp_path,
        models=Models(demo=True),
        recordings=Recordings(threads=1),
        plans={"crowd": {**CROWD, "max_result_mb": 100}},  # pyright: ignore[reportArgumentType]
    )
    long = encoded(np.zeros((8000 * 1200, 1), np.float32), 8000)
    with live(settings) as server, ThreadPoolExecutor(6) as threads:
        (_, greedy), (_, modest) = server.new_key("crowd"), server.new_key("crowd")
        many = [threads.submit(convert, server, long, "flac", greedy) for _ in range(6)]
        wait(many, return_when=FIRST_COMPLETED)
        assert convert(server, encoded(MINUTE, 8000), "flac", modest).status_code == 200
        assert not all(each.done() for each in many)
        assert {each.result().status_code for each in many} == {200}
