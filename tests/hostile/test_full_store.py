"""One account's results fill its own share of the store, and nobody else's."""

from pathlib import Path

import httpx
import pytest
from tests.api.test_jobs import ended
from tests.live import live

from ttsai_server.settings import Models, Results, Settings

JOB = {"model": "tone", "voice": "tone_a", "text": "A sentence. " * 40, "format": "wav", "async": True}
"""1.6 MB of sound."""


def submit(client: httpx.Client) -> httpx.Response:
    return client.post("/v1/tts/", json=JOB)


@pytest.mark.parametrize("quota", [1, 2])
def test_what_an_account_has_no_room_for_is_not_charged_and_keeps_nobody_else_out(tmp_path: Path, quota: int) -> None:
    settings = Settings(data_dir=tmp_path, models=Models(demo=True), results=Results(account_quota_mb=quota))
    with live(settings, jobs=True) as server:
        greedy, key = server.new_key()
        client = server.client(key)
        states = [ended(client, submit(client).json()["uuid"])["status"] for _ in range(quota)]
        assert states == ["completed"] * (quota - 1) + ["failed"]
        account = server.account(greedy)
        assert (account.reserved, 1000 - account.available) == (0, quota - 1)
        submit(server.client(server.new_key()[1])).raise_for_status()
