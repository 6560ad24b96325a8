"""The files of jobs in a results store that has limits."""

import io
from collections.abc import Mapping

import pytest
from sqlalchemy import Connection

from ttsai_server.domain import Caller
from ttsai_server.errors import StoreFull
from ttsai_server.services.flow import Outcome, OutputFile, OutputParts
from ttsai_server.services.job_files import JobFiles
from ttsai_server.settings import Results, Settings
from ttsai_server.store.db import Database
from ttsai_server.store.jobs import Job
from ttsai_server.store.ledger import Used
from ttsai_server.store.results import open_results


def nothing(_: Connection) -> None:
    pass


def index(job: str, addresses: Mapping[str, str], credits: int) -> bytes:
    return b"the result proper"


def stem(name: str, size: int) -> OutputFile:
    return OutputFile(f"{name}.wav", "audio/wav", io.BytesIO(bytes(size)))


@pytest.mark.parametrize("sizes", [(700_000, 700_000), (500_000, 499_990)])
async def test_of_a_result_that_is_too_large_for_the_accounts_share_no_part_is_kept(
    settings: Settings, database: Database, caller: Caller, sizes: tuple[int, int]
) -> None:
    limits = settings.model_copy(update={"results": Results(account_quota_mb=1)})
    results = open_results(limits, database)
    job = Job("task_" + "0" * 32, caller.account, "pro", "stems", "m", "{}", "stems.json", "http://a", created_at=1.0)
    files = (stem("vocals", sizes[0]), stem("rest", sizes[1]))
    outcome = Outcome(Used("stems", "m", 0, 1.0, 1), OutputParts(files, index))
    with pytest.raises(StoreFull):
        await JobFiles(results, 3600).keep_result(job, outcome, nothing)
    assert (await results.usage(caller.account)).count == 0
