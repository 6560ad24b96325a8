"""Conversations with the sounds of their answers, over a real database and a real folder."""

import io

import pytest

from ttsai_server.domain import Caller
from ttsai_server.errors import NotFound
from ttsai_server.services.conversations import Conversations
from ttsai_server.services.flow import OutputFile
from ttsai_server.settings import Settings
from ttsai_server.store.db import Database
from ttsai_server.store.idempotency import Idempotency
from ttsai_server.store.leases import Holder
from ttsai_server.store.request_leases import RequestLeases
from ttsai_server.store.results import open_results


def answers(settings: Settings, database: Database) -> Idempotency:
    return Idempotency(database, RequestLeases(database, Holder.of("a", 60)), settings.idempotency)


async def test_a_deleted_ones_sounds_are_gone_even_if_a_file_can_not_be_deleted(
    settings: Settings, database: Database, caller: Caller
) -> None:
    results = open_results(settings, database)
    conversations = Conversations(settings, database, results, answers(settings, database))
    begun = (await conversations.open(caller, None)).conversation
    first = await conversations.keep(begun, "Hi!", "Hello.", OutputFile("resp.mp3", "audio/mpeg", io.BytesIO(b"1")))
    known = (await conversations.get(caller, begun.id)).conversation
    second = await conversations.keep(known, "Well?", "Yes.", OutputFile("resp.mp3", "audio/mpeg", io.BytesIO(b"2")))
    file = settings.data_dir / "results" / (await results.get(first)).file
    file.unlink()
    file.mkdir()  # no file, so it can't be deleted as one
    with pytest.raises((IsADirectoryError, PermissionError)):
        await conversations.delete(caller, begun.id)
    for sound in (first, second):
        with pytest.raises(NotFound):
            await results.get(sound)
