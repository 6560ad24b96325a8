"""Voices that accounts have made from recordings.

Every function takes the account: a voice is found for no other. What was made of the recording (the voice as each model
needs it, and the preview), and the recording itself where it is kept, is in `voice_data`, so that it is deleted with
the voice.
"""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from ttsai_server.store.db import insert_new
from ttsai_server.store.tables import saved_voices, voice_data


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedVoice:
    id: str
    """`voice_…`, which can't be guessed."""
    account: str
    name: str
    model: str
    """Id of the model that made it, and speaks with it."""
    language: str
    """BCP 47."""
    gender: str
    """male | female | neutral."""
    preview: str
    """Another id that can't be guessed: the preview's."""
    similarity: float | None
    """See `domain.Reference`."""
    digest: str
    """SHA-256 of the file that it was made from."""
    consent: str
    """What the client said of the speaker's consent; empty: nothing."""
    consent_key: str
    """Id of the key that it was said with."""
    consented_at: float
    """Unix seconds."""
    created_at: float = 0
    """Unix seconds."""
    reference_bytes: int = 0
    """Size of the recording that is kept with it; 0: it is not kept."""


_COLUMNS = [saved_voices.c[each.name] for each in fields(SavedVoice)]
_OWN = select(*_COLUMNS).where(saved_voices.c.account == bindparam("of"))
_LIST = _OWN.order_by(saved_voices.c.created_at, saved_voices.c.id)
_GET = _OWN.where(saved_voices.c.id == bindparam("voice"))
_COUNT = select(func.count()).select_from(saved_voices).where(saved_voices.c.account == bindparam("of"))
_BY_PREVIEW = select(*_COLUMNS).where(saved_voices.c.preview == bindparam("preview"))
_DATA = select(voice_data.c.content).where(
    voice_data.c.voice == bindparam("voice"), voice_data.c.name == bindparam("name")
)


def add(connection: Connection, new: SavedVoice, data: Mapping[str, bytes]) -> SavedVoice:
    """Add a voice with its data, name → content. A repeat changes nothing. → it."""
    row = {**asdict(new), "created_at": time.time()}
    done = connection.execute(insert_new(connection, saved_voices).values(row).on_conflict_do_nothing())
    if done.rowcount:
        connection.execute(
            insert(voice_data), [{"voice": new.id, "name": name, "content": it} for name, it in data.items()]
        )
    found = get(connection, new.account, new.id)
    assert found, "its id is random: no other account's voice has it"
    return found


def get(connection: Connection, account: str, voice: str) -> SavedVoice | None:
    row = connection.execute(_GET, {"of": account, "voice": voice}).one_or_none()
    return SavedVoice(**row._mapping) if row else None


def of_account(connection: Connection, account: str) -> list[SavedVoice]:
    """Oldest first."""
    return [SavedVoice(**row._mapping) for row in connection.execute(_LIST, {"of": account})]


def count(connection: Connection, account: str) -> int:
    return connection.scalar(_COUNT, {"of": account}) or 0


def by_preview(connection: Connection, preview: str) -> SavedVoice | None:
    row = connection.execute(_BY_PREVIEW, {"preview": preview}).one_or_none()
    return SavedVoice(**row._mapping) if row else None


def change(connection: Connection, account: str, voice: str, changes: Mapping[str, str]) -> SavedVoice | None:
    """Set some of its fields. → it; None if the account has no such voice."""
    own = (saved_voices.c.account == account) & (saved_voices.c.id == voice)
    if changes:
        connection.execute(update(saved_voices).where(own).values(**changes))
    return get(connection, account, voice)


def remove(connection: Connection, account: str, voice: str) -> SavedVoice | None:
    """Delete it and its data. → what it was; None if the account has no such voice."""
    found = get(connection, account, voice)
    if found:
        connection.execute(delete(voice_data).where(voice_data.c.voice == found.id))
        connection.execute(delete(saved_voices).where(saved_voices.c.id == found.id))
    return found


def data(connection: Connection, voice: str, name: str) -> bytes | None:
    return connection.scalar(_DATA, {"voice": voice, "name": name})


def keep_data(connection: Connection, voice: str, name: str, content: bytes) -> bool:
    """Add to the data of a voice, unless it is there. → whether there is such a voice: it may have been deleted."""
    known = connection.scalar(select(saved_voices.c.id).where(saved_voices.c.id == voice)) is not None
    if known:
        row = {"voice": voice, "name": name, "content": content}
        connection.execute(insert_new(connection, voice_data).values(row).on_conflict_do_nothing())
    return known


def drop_data(connection: Connection, voice: str, name: str) -> bytes:
    """Delete some of the data of a voice. → what it was; empty if there was none."""
    found = data(connection, voice, name)
    connection.execute(delete(voice_data).where(voice_data.c.voice == voice, voice_data.c.name == name))
    return found or b""
