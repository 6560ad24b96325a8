"""What a voice sounds like: one sentence, made when it is first asked for, and kept.

A model's voice has its preview in `data_dir`, a saved one beside its data, so that both are deleted together.
"""

import asyncio
import hashlib
import os
from collections import defaultdict
from contextlib import aclosing
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import BinaryIO

from anyio import to_thread

from ttsai_server.domain import Caller, Voice
from ttsai_server.services.context import ServiceContext
from ttsai_server.services.speech import SpeechOrder, plan_speech
from ttsai_server.store.saved_voices import SavedVoice


class Previews:
    def __init__(self, caller: Caller, folder: Path) -> None:
        """caller: in whose name models' voices speak."""
        self._caller = caller
        self._folder = folder
        self._making = defaultdict[str, asyncio.Lock](asyncio.Lock)

    async def file(self, context: ServiceContext, voice: Voice) -> Path:
        """The preview of a model's voice, MP3. Raises what the engine raises."""
        file = self._path(voice)
        async with self._making[voice.id]:
            if not file.exists():
                sound = await _speak(context, self._caller, voice)
                await asyncio.to_thread(_write, file, sound)
        return file

    def is_kept(self, voice: Voice) -> bool:
        """Whether the preview of a model's voice has been made."""
        return self._path(voice).exists()

    async def of_saved(self, context: ServiceContext, voice: SavedVoice) -> bytes:
        """The preview of a saved voice, MP3. Raises what the engine raises."""
        kept = await context.saved_voices.preview(voice)
        if kept is None:
            owner = replace(self._caller, account=voice.account)
            kept = await _speak(context, owner, context.saved_voices.shown(voice))
            await context.saved_voices.keep_preview(voice, kept)
        return kept

    async def open(self, context: ServiceContext, voice: Voice | SavedVoice) -> BinaryIO:
        """The preview of either, for the caller to close."""
        if isinstance(voice, SavedVoice):
            return BytesIO(await self.of_saved(context, voice))
        return BytesIO(await asyncio.to_thread((await self.file(context, voice)).read_bytes))

    def _path(self, voice: Voice) -> Path:
        said = hashlib.sha256(voice.preview.encode()).hexdigest()[:8]
        return self._folder / f"{voice.id}-{said}.mp3"


async def _speak(context: ServiceContext, caller: Caller, voice: Voice) -> bytes:
    order = SpeechOrder(voice.model, voice.preview, voice.id, language=voice.language)
    plan = await to_thread.run_sync(plan_speech, context, caller, order)
    async with aclosing(plan.run(caller, context.unbilled()).chunks()) as chunks:
        return b"".join([chunk async for chunk in chunks])


def _write(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=file.parent, delete=False) as part:
        part.write(content)
    os.replace(part.name, file)  # noqa: PTH105 atomic: no other request sees half a file
