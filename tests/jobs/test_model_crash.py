"""A job that repeatedly kills its model's process, beside jobs that do not."""

import time
from collections.abc import Generator
from pathlib import Path

import httpx
import pytest
from tests.api.test_jobs import ended
from tests.live import Live, live
from tests.runtime.misbehaving import Misbehaving

from ttsai_server.settings import Jobs, Models, Settings

pytestmark = pytest.mark.service

ATTEMPTS = 2


@pytest.fixture
def crashing_loads(tmp_path: Path) -> Path:
    """A file: the model crashes as it loads once for each character in it."""
    file = tmp_path / "crashes"
    file.write_text("")
    return file


@pytest.fixture
def fragile(tmp_path: Path, crashing_loads: Path) -> Generator[Live]:
    """A server whose one model dies when a text says so, or as it loads."""
    cards = tmp_path / "cards"
    cards.mkdir()
    engine = f"{Misbehaving.__module__}:{Misbehaving.__name__}"
    card = (Settings().models.cards / "tone.toml").read_text()
    (cards / "tone.toml").write_text(card.replace("ttsai_server.engines.tone:Tone", engine))
    settings = Settings(
        data_dir=tmp_path / "data",
        models=Models(
            cards=cards, demo=True, restart_seconds=0.1, options={"tone": {"crash_on_load": str(crashing_loads)}}
        ),
        jobs=Jobs(attempts=ATTEMPTS, concurrent=8),
    )
    with live(settings, jobs=True) as running:
        yield running


def job(client: httpx.Client, text: str) -> str:
    body = {"model": "tone", "voice": "tone_a", "text": text, "async": True}
    return client.post("/v1/tts/", json=body).raise_for_status().json()["uuid"]


def test_a_job_that_kills_its_model_fails_alone_and_costs_nothing(fragile: Live) -> None:
    """By SIGKILL; `tests/runtime/test_children.py` has the other ways to die, which are the same to a job."""
    account, key = fragile.new_key(credits=100)
    client = fragile.client(key)
    ids = [job(client, text) for text in ("One.", "Two.", "kill.", "Three.", "Four.")]
    bodies = [ended(client, id) for id in ids]
    assert [body["status"] for body in bodies] == ["completed", "completed", "failed", "completed", "completed"]
    assert "crash" in bodies[2]["error"]
    after = fragile.account(account)
    assert (after.available, after.reserved) == (96, 0)


def test_a_model_that_crashes_as_it_loads_uses_up_no_attempt_of_a_job(fragile: Live, crashing_loads: Path) -> None:
    crashing_loads.write_text("x" * (ATTEMPTS + 2))
    client = fragile.client(fragile.new_key()[1])
    assert ended(client, job(client, "One."))["status"] == "completed"
    assert not crashing_loads.read_text()


def test_the_server_answers_while_a_models_process_dies(fragile: Live) -> None:
    client = fragile.client(fragile.new_key()[1])
    id, answers = job(client, "kill."), list[int]()
    while client.get("/v1/speech/results/", params={"uuid": id}).json()["status"] in ("queued", "processing"):
        answers.append(client.get("/health/live").status_code)
        time.sleep(0.05)
    assert set(answers) == {200}
