"""Jobs that kill the server that runs them: each fails alone, however many others run beside it."""

import asyncio
import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, select
from tests.jobs.serving import start
from tests.live import live

from ttsai_server.settings import Models, Settings
from ttsai_server.store.db import Database, open_database
from ttsai_server.store.tables import jobs, usage

pytestmark = pytest.mark.service

ATTEMPTS = 3
POISONED, GOOD = 2, 10
OPTIONS = {"tone": {"step_seconds": 0.3, "steps": 3}}
SETTINGS = {"models__demo": "true", "models__options": json.dumps(OPTIONS), "jobs__attempts": str(ATTEMPTS)}
DIES_OF_POISON = """
import asyncio, os
from ttsai_server.services.job_runner import JobRunner
carry_out = JobRunner._carry_out
async def die_of_poison(self, job):
    if "poison" in job.spec:
        await asyncio.sleep(0.3)  # while other jobs run
        os.kill(os.getpid(), 9)
    await carry_out(self, job)
JobRunner._carry_out = die_of_poison
"""
MOST_STARTS = 2 * POISONED * ATTEMPTS
SECONDS = 120


def submit(folder: Path, texts: Sequence[str]) -> None:
    """To a server that does no jobs itself."""
    with live(Settings(data_dir=folder, models=Models(demo=True, options=OPTIONS))) as server:
        for text in texts:
            order = {"model": "tone", "voice": "tone_a", "text": text, "async": True}
            server.client().post("/v1/tts/", json=order).raise_for_status()


def ended(connection: Connection) -> dict[str, int]:
    """State → how many jobs ended in it."""
    rows = connection.execute(select(jobs.c.state, func.count()).where(jobs.c.ended_at.is_not(None)).group_by("state"))
    return {row[0]: row[1] for row in rows}


def failed(connection: Connection) -> set[tuple[bool, str]]:
    """The failed jobs: whether each is one of those that kill, and its error message."""
    rows = connection.execute(select(jobs.c.spec, jobs.c.error_message).where(jobs.c.state == "failed"))
    return {("poison" in spec, message) for spec, message in rows}


async def until_it_dies_or_all_have_ended(database: Database, server: "subprocess.Popen[str]") -> bool:
    """→ whether all have ended."""
    async with asyncio.timeout(SECONDS):
        while server.poll() is None:
            if sum((await database.read(ended)).values()) == POISONED + GOOD:
                return True
            await asyncio.sleep(0.05)
    return False


async def test_a_job_that_kills_its_servers_fails_alone(tmp_path: Path) -> None:
    texts = [*["A good sentence."] * (GOOD // 2), *["This is poison."] * POISONED, *["A good sentence."] * (GOOD // 2)]
    await asyncio.to_thread(submit, tmp_path, texts)
    database = open_database(Settings(data_dir=tmp_path))
    for _ in range(MOST_STARTS):
        with (tmp_path / "log").open("ab") as log, start(tmp_path, log, SETTINGS, DIES_OF_POISON) as process:
            over = await until_it_dies_or_all_have_ended(database, process)
            process.kill()
        if over:
            break
    assert await database.read(ended) == {"completed": GOOD, "failed": POISONED}
    assert await database.read(failed) == {(True, f"The work broke off {ATTEMPTS} times.")}
    assert await database.read(lambda connection: connection.scalar(select(func.count()).select_from(usage))) == GOOD
    await database.close()
