"""What is kept is its owner's alone, and no key is written to the log."""

import stat
from pathlib import Path

import httpx
import pytest
from tests.api.test_jobs import ended
from tests.jobs.serving import serving

pytestmark = pytest.mark.service

SETTINGS = {"models__demo": "true"}
TONE = {"model": "tone", "voice": "tone_a", "text": "la"}


def mode(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def test_folder_database_and_results_are_for_their_owner_only(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(0o755)
    (data / "ttsai.db").touch(0o644)
    with (
        serving(data, tmp_path / "log", SETTINGS) as server,
        httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {server.key}"}) as client,
    ):
        task = client.post("/v1/tts/", json={**TONE, "async": True}, headers={"Idempotency-Key": "a"}).json()
        assert ended(client, task["uuid"])["status"] == "completed"
        kept = [file for file in (data / "results").iterdir() if file.is_file()]
        assert kept
        assert mode(data) == 0o700
        assert {mode(file) for file in [*data.glob("ttsai.db*"), *kept]} == {0o600}


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_key_in_a_path_does_not_reach_the_log(tmp_path: Path, form: str) -> None:
    with serving(tmp_path / "data", tmp_path / "log", {**SETTINGS, "log__format": form}) as server:
        for path in (
            f"/{server.key}",
            f"/v1/results/{server.key}",
            f"/v1/x/%73{server.key[1:]}/y",
            f"/?key={server.key}",
        ):
            httpx.get(f"{server.url}{path}")
        server.stop()
        log = (tmp_path / "log").read_text()
        assert "GET /sk-tts-\N{HORIZONTAL ELLIPSIS} 404" in log
        assert server.key[7:] not in log
