"""What becomes of the file that a job comes with when the answer to its acceptance is lost."""

import asyncio
import wave
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from sqlalchemy import Connection, select
from tests.services.test_job_runner import OPTIONS

from ttsai_server.domain import Caller
from ttsai_server.errors import InsufficientCredits
from ttsai_server.services.job_runner import JobRunner
from ttsai_server.services.jobs import Jobs, Upload
from ttsai_server.services.tools import Transcode
from ttsai_server.services.transcription import TranscriptionOrder
from ttsai_server.store.accounts import Accounts
from ttsai_server.store.db import Database, DatabaseUnavailable
from ttsai_server.store.jobs import COLUMNS, Job
from ttsai_server.store.tables import results


def upload() -> Upload:
    """A minute of silence."""
    file = BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(2 * 8000 * 60))
    return Upload(file, "silence.wav")


def only_job(connection: Connection) -> Job:
    return Job(*connection.execute(select(*COLUMNS)).one())


def uploads(connection: Connection) -> list[str]:
    return list(connection.scalars(select(results.c.id)))


@pytest.mark.parametrize("lost", [DatabaseUnavailable, asyncio.CancelledError])
async def test_a_job_whose_acceptance_is_kept_though_its_answer_is_lost_has_its_file(
    lost: type[BaseException],
    jobs: Jobs,
    runner: JobRunner,
    caller: Caller,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write = database.write

    async def loses_the_answer(work: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        answer = await write(work, *arguments, **named)
        if work == jobs._enter:
            raise lost
        return answer

    monkeypatch.setattr(database, "write", loses_the_answer)
    with pytest.raises(lost):
        await jobs.submit(caller, Transcode("flac"), OPTIONS, upload())
    job = await database.read(only_job)
    await runner.do(job)
    assert (await jobs.get(job.id)).state == "completed"


async def test_the_file_of_a_job_that_is_not_accepted_is_deleted(jobs: Jobs, database: Database) -> None:
    poor = await Accounts(database).create("Bob", "pro", 0)
    with pytest.raises(InsufficientCredits):
        await jobs.submit(Caller(poor.id, poor.plan, ""), TranscriptionOrder("whisper"), OPTIONS, upload())
    assert await database.read(uploads) == []
