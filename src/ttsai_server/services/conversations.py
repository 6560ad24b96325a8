"""Conversations with chat models: what an account has said, and what it was answered."""

import asyncio
import time
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import Connection

from ttsai_server.domain import Caller
from ttsai_server.errors import NotFound
from ttsai_server.services.flow import OutputFile
from ttsai_server.services.job_files import read_chunks
from ttsai_server.settings import Settings
from ttsai_server.store import conversations
from ttsai_server.store.conversations import Conversation, Turn
from ttsai_server.store.db import Database
from ttsai_server.store.idempotency import Idempotency
from ttsai_server.store.results import Results, discard, new_id

MOST_LISTED = 1000
"""Conversations in one list."""
MOST_TURNS = 1000
"""Turns of a conversation that can be read; earlier ones are as good as forgotten."""


@dataclass(frozen=True, slots=True)
class Dialogue:
    """A conversation and what was said in it."""

    conversation: Conversation
    turns: tuple[Turn, ...] = ()


class Conversations:
    """Each belongs to an account, and expires `chat.hours` after its last turn."""

    def __init__(self, settings: Settings, database: Database, results: Results, answers: Idempotency) -> None:
        """answers: those that are kept for requests that are repeated."""
        self._kept_seconds = settings.chat.hours * 3600
        self._database = database
        self._results = results
        self._answers = answers

    async def open(self, caller: Caller, id: str | None, system_prompt: str | None = None) -> Dialogue:
        """The conversation to go on with, or a new one if `id` is None, which is stored with its first turn.

        system_prompt: from now on; None: as before. Raises NotFound, also for another account's or an expired one.
        """
        if id is None:
            now = time.time()
            return Dialogue(Conversation(new_id("conv"), caller.account, system_prompt, now, now))
        found = await self.get(caller, id)
        prompt = found.conversation.system_prompt if system_prompt is None else system_prompt
        return replace(found, conversation=replace(found.conversation, system_prompt=prompt))

    async def get(self, caller: Caller, id: str) -> Dialogue:
        """Raises NotFound, also for another account's or an expired one."""
        found = await self._database.read(conversations.get, caller.account, id, time.time())
        if found is None:
            raise _unknown()
        turns = await self._database.read(conversations.turns, id, MOST_TURNS)
        return Dialogue(found, tuple(turns))

    async def list(self, caller: Caller) -> tuple[list[Conversation], int]:
        """→ at most MOST_LISTED, the latest first, and how many there are."""
        return await self._database.read(conversations.of_account, caller.account, time.time(), MOST_LISTED)

    async def delete(self, caller: Caller, id: str) -> None:
        """Forget it, the sounds of its answers, and what is kept of them for repeated requests.

        Raises NotFound, also for another account's.
        """
        if not await self._database.write(_remove, caller.account, id, time.time()):
            raise _unknown()
        for body in await self._answers.forget(caller.account, id):
            await asyncio.to_thread(Path(body).unlink, missing_ok=True)
        await self._database.erase_deleted()
        await self._results.expire()

    async def check_room(self, caller: Caller) -> None:
        """Raises StoreFull if there is no room for the sound of an answer."""
        await self._results.check_room(caller.account)

    async def keep(self, conversation: Conversation, user_text: str, ai_text: str, sound: OutputFile) -> str:
        """Keep a turn and the sound of its answer, both or neither. → the id of the sound among the results.

        Raises NotFound if the conversation has been deleted meanwhile.
        """
        id, now = new_id("resp"), time.time()
        turn = Turn(user_text, ai_text, now, id)
        await self._results.put(
            id,
            read_chunks(sound.file),
            account=conversation.account,
            name=sound.name,
            content_type=sound.content_type,
            beside=lambda connection: conversations.add_turn(connection, conversation, turn, now + self._kept_seconds),
        )
        return id

    async def expire(self) -> None:
        """Delete those that have expired."""
        await self._database.write(conversations.purge, time.time())


def _remove(connection: Connection, account: str, id: str, now: float) -> bool:
    """In one transaction also the sounds, whose files are then due to be deleted. → whether there is such a one."""
    sounds = conversations.remove(connection, account, id, now)
    for sound in sounds or ():
        discard(connection, sound)
    return sounds is not None


def _unknown() -> NotFound:
    return NotFound("There is no such conversation; it may have expired.")
