"""Pulls that administrators start: real ones, by pip, from a folder of wheels."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.engines.weights.sources import BIG, make_card, sha256, write_wheel

from ttsai_server.domain import ModelCard, Source
from ttsai_server.services.model_tasks import Action, ModelTask, ModelTasks
from ttsai_server.settings import Models, Settings
from ttsai_server.store.audit import AuditLog
from ttsai_server.store.db import Database, open_database
from ttsai_server.store.migrate import upgrade

FILES = {"model.bin": ("tiny_weights/model.bin",)}
CARD = make_card(Source("pypi", "tiny-weights", "1.0", FILES, {"model.bin": sha256(BIG)}))


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """No weights yet; pip looks into the folder `carried` alone."""
    (tmp_path / "carried").mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "carried"))
    return Settings(data_dir=tmp_path / "data", models=Models(dir=tmp_path / "models"))


@pytest.fixture
async def store(settings: Settings) -> AsyncIterator[Database]:
    await upgrade(settings)
    database = open_database(settings)
    yield database
    await database.close()


async def ended(tasks: ModelTasks, card: ModelCard, action: Action) -> ModelTask:
    """The task, once it has ended and is in the audit log."""
    task = await tasks.start("key_1", card, action)
    until = time.monotonic() + 120
    while tasks._work:
        assert time.monotonic() < until
        await asyncio.sleep(0.02)
    return tasks.get(task.id)


async def test_a_pull_fetches_the_weights_and_is_in_the_audit_log(
    settings: Settings, store: Database, tmp_path: Path
) -> None:
    write_wheel(tmp_path / "carried", "tiny-weights", {"tiny_weights/model.bin": BIG})
    tasks = ModelTasks(settings, AuditLog(store))
    task = await ended(tasks, CARD, "pull")
    assert (task.state, task.error) == ("completed", None)
    assert task.step
    assert (settings.models.dir / "m" / "model.bin").read_bytes() == BIG
    end, start = await AuditLog(store).list(9, target="m")
    assert (start.actor, start.action, start.after) == ("key_1", "model.pull", {"task": task.id})
    assert (end.actor, end.action) == ("key_1", "model.pull.completed")
    assert (end.before, end.after) == ({"status": "needs_pull"}, {"status": "ready", "error": None})


async def test_a_pull_that_fails_says_why(settings: Settings, store: Database) -> None:
    task = await ended(ModelTasks(settings, AuditLog(store)), CARD, "pull")
    assert task.state == "failed"
    assert "pypi tiny-weights @ 1.0" in str(task.error)
    entry = (await AuditLog(store).list(1))[0]
    assert (entry.action, entry.after) == ("model.pull.failed", {"error": task.error})


async def test_a_model_is_pulled_once_at_a_time(settings: Settings, store: Database) -> None:
    tasks = ModelTasks(settings, AuditLog(store))
    first, second = [await tasks.start("key_1", CARD, "pull") for _ in range(2)]
    assert first.id == second.id
    assert len(tasks.recent()) == 1
    await ended(tasks, CARD, "pull")
