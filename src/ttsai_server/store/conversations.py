"""Conversations of accounts, with their turns. Expired ones are as good as deleted."""

from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from ttsai_server.errors import NotFound
from ttsai_server.store.tables import conversation_turns, conversations


@dataclass(frozen=True, slots=True)
class Turn:
    user_text: str
    ai_text: str
    at: float
    """Unix seconds."""
    sound: str | None = None
    """Id of the spoken answer among the results."""


@dataclass(frozen=True, slots=True)
class Conversation:
    id: str
    account: str
    system_prompt: str | None
    """Instructions for the chat model; None: those of the settings."""
    created_at: float
    """Unix seconds."""
    expires_at: float
    """Unix seconds."""
    turns: int = 0
    """How many there are; a conversation without any is not stored yet."""


_COLUMNS = [column.name for column in conversations.c]
_COUNT = (
    select(func.count())
    .where(conversation_turns.c.conversation == conversations.c.id)
    .correlate(conversations)
    .scalar_subquery()
)
_OWN = (conversations.c.account == bindparam("of"), conversations.c.expires_at > bindparam("now"))
_GET = select(conversations, _COUNT).where(conversations.c.id == bindparam("named"), *_OWN)
_LIST = select(conversations, _COUNT).where(*_OWN).order_by(conversations.c.expires_at.desc()).limit(bindparam("most"))
_HOW_MANY = select(func.count()).select_from(conversations).where(*_OWN)
_TURNS = (
    select(*(conversation_turns.c[name] for name in ("user_text", "ai_text", "at", "sound")))
    .where(conversation_turns.c.conversation == bindparam("named"))
    .order_by(conversation_turns.c.number.desc())
    .limit(bindparam("most"))
)
_SOUNDS = select(conversation_turns.c.sound).where(
    conversation_turns.c.conversation == bindparam("named"), conversation_turns.c.sound.is_not(None)
)
_LAST = select(func.max(conversation_turns.c.number)).where(conversation_turns.c.conversation == bindparam("named"))
_RENEW = (
    update(conversations)
    .where(conversations.c.id == bindparam("named"), conversations.c.account == bindparam("of"))
    .values(expires_at=bindparam("until"), system_prompt=bindparam("prompt"))
)
_DELETE = delete(conversations).where(conversations.c.id == bindparam("named"), *_OWN)
_PURGE = delete(conversations).where(conversations.c.expires_at <= bindparam("now"))


def get(connection: Connection, account: str, id: str, now: float) -> Conversation | None:
    row = connection.execute(_GET, {"named": id, "of": account, "now": now}).one_or_none()
    return None if row is None else Conversation(*row)


def of_account(connection: Connection, account: str, now: float, most: int) -> tuple[list[Conversation], int]:
    """→ those with the latest turns, and how many there are in all."""
    of = {"of": account, "now": now}
    found = [Conversation(*row) for row in connection.execute(_LIST, {**of, "most": most})]
    return found, connection.execute(_HOW_MANY, of).scalar_one()


def turns(connection: Connection, id: str, most: int) -> list[Turn]:
    """Its latest turns, in their order."""
    return [Turn(*row) for row in connection.execute(_TURNS, {"named": id, "most": most})][::-1]


def add_turn(connection: Connection, conversation: Conversation, turn: Turn, expires_at: float) -> None:
    """Add a turn, after all others that have been added meanwhile; the first one also stores the conversation.

    Raises NotFound if the conversation has been deleted.
    """
    if not conversation.turns:
        new = asdict(replace(conversation, expires_at=expires_at))
        connection.execute(insert(conversations), {name: new[name] for name in _COLUMNS})
    elif not connection.execute(_RENEW, _renewal(conversation, expires_at)).rowcount:
        raise NotFound(f"The conversation {conversation.id!r} has been deleted.")
    last = connection.scalar(_LAST, {"named": conversation.id}) or 0
    row = {"conversation": conversation.id, "number": last + 1, **asdict(turn)}
    connection.execute(insert(conversation_turns), row)


def remove(connection: Connection, account: str, id: str, now: float) -> list[str] | None:
    """Delete it, with its turns. → ids of their sounds, which are not deleted here; None if there is no such one."""
    sounds = list(connection.scalars(_SOUNDS, {"named": id}))
    found = connection.execute(_DELETE, {"named": id, "of": account, "now": now}).rowcount
    return sounds if found else None


def purge(connection: Connection, now: float) -> int:
    """Delete those that have expired. → how many."""
    return connection.execute(_PURGE, {"now": now}).rowcount


def _renewal(conversation: Conversation, expires_at: float) -> dict[str, Any]:
    owner = {"named": conversation.id, "of": conversation.account}
    return {**owner, "until": expires_at, "prompt": conversation.system_prompt}
