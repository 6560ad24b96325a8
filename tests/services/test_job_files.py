"""The files of jobs in a results store that has limits."""

import io
from collections.abc import Mapping
from dataclasses import replace

import pytest
from sqlalchemy import Connection

from ttsai_server.domain import Caller
from ttsai_server.errors import ResultTooLarge, StoreFull
from ttsai_server.services.flow import Outcome, OutputFile, OutputParts
from ttsai_server.services.job_files import JobFiles
from ttsai_server.settings import Results, Settings
from ttsai_server.store.db import Database
from ttsai_server.store.jobs import Job
from ttsai_server.store.ledger import Used
from ttsai_server.store.results import Results as Store
from ttsai_server.store.results import open_results


def nothing(_: Connection) -> None:
    pass


def index(job: str, addresses: Mapping[str, str], credits: int) -> bytes:
    return b"the result proper"


def stem(name: str, size: int) -> OutputFile:
    return OutputFile(f"{name}.wav", "audio/wav", io.BytesIO(bytes(size)))


@pytest.mark.parametrize("sizes", [(700_000, 700_000), (500_000, 499_990)])
async def test_a_result_larger_than_the_accounts_share_is_refused_for_good(
    settings: Settings, database: Database, caller: Caller, sizes: tuple[int, int]
) -> None:
    results, job, outcome = kept(settings, database, caller, *sizes)
    with pytest.raises(ResultTooLarge) as refused:
        await JobFiles(results, 3600).keep_result(job, outcome, nothing)
    assert (refused.value.status, refused.value.code, dict(refused.value.headers)) == (413, "file_too_large", {})
    assert (await results.usage(caller.account)).count == 0


async def test_of_a_result_for_which_there_is_no_room_now_no_part_is_kept(
    settings: Settings, database: Database, caller: Caller
) -> None:
    results, job, outcome = kept(settings, database, caller, 400_000, 400_000)
    await JobFiles(results, 3600).keep_upload(replace(job, id="task_" + "1" * 32), io.BytesIO(bytes(500_000)), "a.wav")
    with pytest.raises(StoreFull):
        await JobFiles(results, 3600).keep_result(job, outcome, nothing)
    assert (await results.usage(caller.account)).count == 1


def kept(settings: Settings, database: Database, caller: Caller, *sizes: int) -> tuple[Store, Job, Outcome]:
    """A store in which an account may keep a megabyte, a job, and what it has made: stems of these sizes."""
    limits = settings.model_copy(update={"results": Results(account_quota_mb=1)})
    job = Job("task_" + "0" * 32, caller.account, "pro", "stems", "m", "{}", "stems.json", "http://a", created_at=1.0)
    files = tuple(stem(f"stem{number}", size) for number, size in enumerate(sizes))
    outcome = Outcome(Used("stems", "m", 0, 1.0, 1), OutputParts(files, index))
    return open_results(limits, database), job, outcome
