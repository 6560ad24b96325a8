"""Voices that accounts have made from recordings: kept, found, changed, deleted."""

import asyncio
import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, cast

import numpy as np
from anyio import from_thread
from numpy.typing import NDArray
from sqlalchemy import Connection

from ttsai_server.domain import Caller, ModelCard, Reference, Voice
from ttsai_server.engines.catalog import Catalog
from ttsai_server.errors import BadRequest, UnknownVoice
from ttsai_server.services.reference_cache import ReferenceCache
from ttsai_server.settings import Settings
from ttsai_server.store import jobs
from ttsai_server.store import saved_voices as rows
from ttsai_server.store.db import Database
from ttsai_server.store.results import check_share, discard
from ttsai_server.store.saved_voices import SavedVoice
from ttsai_server.store.secret_box import SecretBox
from ttsai_server.text.language import normalise_code

PREFIX = "voice_"
"""How the ids of saved voices begin, and no model's voice's."""
_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,100}")
SUMMARY = "voice.json"
"""Name of the result of a job that only saves a voice."""
PREVIEW = "preview.mp3"
"""Name of a voice's preview among its data."""
RECORDING = "recording"
"""Name of the encrypted recording among its data."""
PREVIEWS: Mapping[str, str] = {
    "en": "Hello! This is what I sound like. I can read you a story, the news, or anything that you write.",
}
"""Language → what a saved voice's preview says, where its model's card has no text for it."""


@dataclass(frozen=True, slots=True)
class Saving:
    """A voice with its data, which a transaction adds; a repeat changes nothing.

    Raises BadRequest if the account has too many, or StoreFull if there is no room for the recording.
    """

    voice: SavedVoice
    data: Mapping[str, bytes]
    room: "Room"

    def __call__(self, connection: Connection) -> None:
        self.room.check(connection, self.voice.account, self.voice.id, self.voice.reference_bytes)
        rows.add(connection, self.voice, self.data)


@dataclass(frozen=True, slots=True)
class Room:
    """How much an account may save."""

    voices: int
    bytes: int
    """Of its results and of the recordings of its voices."""

    def check(self, connection: Connection, account: str, id: str, more: int) -> None:
        """Raises as `Saving`, unless the voice with this id is there already. more: bytes of its recording."""
        if rows.get(connection, account, id):
            return
        if rows.count(connection, account) >= self.voices:
            raise BadRequest(f"The account has {self.voices} saved voices already: delete one first.", param="name")
        if more:
            check_share(connection, account, more, self.bytes)


class SavedVoices:
    def __init__(
        self, settings: Settings, database: Database, catalog: Catalog, references: ReferenceCache, box: SecretBox
    ) -> None:
        """box: encrypts the recordings that are kept."""
        self._database = database
        self._catalog = catalog
        self._references = references
        self._box = box
        self._room = Room(settings.cloning.max_voices, settings.results.account_quota_mb * 1_000_000)

    async def saving(self, voice: SavedVoice, reference: Reference, recording: bytes) -> Saving:
        """What adds the voice. recording: the file that is kept with it, encrypted; empty: it is not kept."""
        data = {_name(reference.model): to_bytes(reference)}
        if recording:
            data[RECORDING] = await asyncio.to_thread(self._box.seal_file, recording)
        return Saving(replace(voice, reference_bytes=len(recording)), data, self._room)

    async def save(self, voice: Callable[[Connection], object] | None) -> None:
        """Add the voice of an outcome, `Outcome.beside`. Raises as `Saving`."""
        if voice:
            await self._database.write(voice)

    async def check_room(self, caller: Caller, id: str, more: int) -> None:
        """As `Room.check`."""
        await self._database.read(self._room.check, caller.account, id, more)

    async def of(self, caller: Caller) -> list[SavedVoice]:
        """The account's, oldest first, as `get`."""
        found = await self._database.read(rows.of_account, caller.account)
        return [voice for voice in found if voice.model in self._catalog.models]

    async def get(self, caller: Caller, id: str) -> SavedVoice:
        """Raises UnknownVoice, also for another account's, and for one whose model's card is gone."""
        voice = _known(await self._database.read(rows.get, caller.account, id), id)
        return _known(voice if voice.model in self._catalog.models else None, id)

    async def by_preview(self, preview: str) -> SavedVoice:
        """The voice whose preview has this id. Raises UnknownVoice, as `get`."""
        voice = await self._database.read(rows.by_preview, preview)
        return _known(voice if voice and voice.model in self._catalog.models else None, preview)

    async def change(self, caller: Caller, id: str, changes: Mapping[str, str]) -> SavedVoice:
        """Set its name, language or gender. Raises UnknownVoice or BadRequest."""
        voice = await self.get(caller, id)
        if "name" in changes:
            check_name(changes["name"])
        if "language" in changes:
            changes = {**changes, "language": own_language(self._catalog.models[voice.model], changes["language"])}
        changed, preview = await self._database.write(_change, caller.account, id, changes)
        self._references.forget(sha256(preview).hexdigest())
        return _known(changed, id)

    async def delete(self, caller: Caller, id: str) -> None:
        """Delete it and all that was made of it, from the disk too. Raises UnknownVoice."""
        voice, preview = await self._database.write(_remove, caller.account, id)
        self._references.forget(_known(voice, id).digest)
        self._references.forget(sha256(preview).hexdigest())  # other models make the voice of it
        await self._database.erase_deleted()

    async def reference(self, voice: SavedVoice, card: ModelCard) -> Reference | None:
        """The voice as a model needs it; None if that model has not made it."""
        content = await self._database.read(rows.data, voice.id, _name(card.id))
        if content is None:
            return None
        reference = from_bytes(card.id, content)
        return replace(reference, similarity=voice.similarity if card.id == voice.model else None)

    async def preview(self, voice: SavedVoice) -> bytes | None:
        """MP3; None if it has not been made yet."""
        return await self._database.read(rows.data, voice.id, PREVIEW)

    async def keep_preview(self, voice: SavedVoice, sound: bytes) -> None:
        """Unless the voice has been changed since."""
        await self._database.write(_keep_preview, voice, sound)

    async def recording(self, voice: SavedVoice) -> bytes:
        """The file that it was made from, where it is kept. Raises UnknownVoice, or NotReady for another key."""
        sealed = await self._database.read(rows.data, voice.id, RECORDING)
        if sealed is None:
            raise UnknownVoice(voice.id)
        return await asyncio.to_thread(self._box.open_file, sealed)

    async def keep_reference(self, voice: SavedVoice, reference: Reference) -> None:
        """Keep it as another model needs it. Raises UnknownVoice if it has been deleted."""
        content = to_bytes(reference)
        if not await self._database.write(rows.keep_data, voice.id, _name(reference.model), content):
            self._references.forget(voice.digest)
            raise UnknownVoice(voice.id)

    def shown(self, voice: SavedVoice) -> Voice:
        """As voices of models are described."""
        card = self._catalog.models[voice.model]
        own = next((one.preview for one in card.voices if one.language == voice.language), "")
        preview = own or PREVIEWS.get(voice.language.split("-")[0], voice.name)
        return Voice(voice.id, voice.name, card.id, voice.language, voice.gender, card.languages, preview)

    def blocking_get(self, caller: Caller, id: str) -> SavedVoice:
        """As `get`, for planners: call it in a thread of `anyio.to_thread`."""
        return from_thread.run(self.get, caller, id)

    def blocking_reference(self, voice: SavedVoice, card: ModelCard) -> Reference | None:
        """As `reference`, likewise."""
        return from_thread.run(self.reference, voice, card)


def _change(
    connection: Connection, account: str, id: str, changes: Mapping[str, str]
) -> tuple[SavedVoice | None, bytes]:
    """→ it, and its preview, which says its name or is in its language and is to be made anew; empty: it has none."""
    changed = rows.change(connection, account, id, changes)
    return changed, rows.drop_data(connection, id, PREVIEW) if changed else b""


def _keep_preview(connection: Connection, voice: SavedVoice, sound: bytes) -> None:
    if rows.get(connection, voice.account, voice.id) == voice:
        rows.keep_data(connection, voice.id, PREVIEW, sound)


def _remove(connection: Connection, account: str, id: str) -> tuple[SavedVoice | None, bytes]:
    """Also from the jobs that mention it. → what it was, and its preview, empty if it has not been made."""
    preview = rows.data(connection, id, PREVIEW) or b""
    removed = rows.remove(connection, account, id)
    for job, name in jobs.forget_orders(connection, account, id) if removed else ():
        if name == SUMMARY:
            discard(connection, job)
    return removed, preview


def check_name(name: str) -> None:
    """Raises BadRequest for what can't be the name of a voice."""
    if not _NAME.fullmatch(name) or not name.strip():
        raise BadRequest("'name' must have 1 to 100 characters, all on one line.", param="name")


def own_language(card: ModelCard, asked: str | None) -> str:
    """What a voice made by a model speaks, BCP 47: any spelling of a code, in the model's own region.

    None: the model's first language. Raises BadRequest for one that it does not speak.
    """
    if not asked:
        return card.voices[0].language if card.voices else card.languages[0]
    code = normalise_code(asked)
    if code.split("-")[0] not in card.languages:
        known = ", ".join(card.languages)
        raise BadRequest(f"{card.listed_as!r} does not speak {asked[:40]!r}; it speaks {known}.", param="language")
    return next((voice.language for voice in card.voices if voice.language.split("-")[0] == code), code)


def to_bytes(reference: Reference) -> bytes:
    """Its arrays, in NumPy's format npz, without pickles."""
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **cast(Any, {f"_{name}": array for name, array in reference.arrays.items()}))
    return file.getvalue()


def from_bytes(model: str, content: bytes) -> Reference:
    """What `to_bytes` has written. model: id of the one that made it."""
    with np.load(io.BytesIO(content), allow_pickle=False) as found:
        arrays: dict[str, NDArray[np.generic]] = {name.removeprefix("_"): found[name] for name in found.files}
    return Reference(model, arrays)


def _name(model: str) -> str:
    return f"embedding {model}"


def _known(voice: SavedVoice | None, id: str) -> SavedVoice:
    if voice is None:
        raise UnknownVoice(id)
    return voice
