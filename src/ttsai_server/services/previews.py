"""What a voice sounds like: one sentence, made when it is first asked for, and kept in `data_dir`."""

import asyncio
import hashlib
import os
from collections import defaultdict
from contextlib import aclosing
from pathlib import Path
from tempfile import NamedTemporaryFile

from ttsai_server.domain import Caller, Voice
from ttsai_server.services.flow import Flow
from ttsai_server.services.speech import SpeechOrder
from ttsai_server.services.voices import Voices


class Previews:
    def __init__(self, voices: Voices, flow: Flow, caller: Caller, folder: Path) -> None:
        """flow: charges nobody. caller: in whose name voices are found and spoken with."""
        self._voices = voices
        self._flow = flow
        self._caller = caller
        self._folder = folder
        self._making = defaultdict[str, asyncio.Lock](asyncio.Lock)

    async def file(self, voice_id: str) -> Path:
        """The preview, MP3. Raises UnknownVoice, or what the engine raises."""
        voice = self._voices.find(self._caller, voice_id)
        said = hashlib.sha256(voice.preview.encode()).hexdigest()[:8]
        file = self._folder / f"{voice.id}-{said}.mp3"
        async with self._making[voice.id]:
            if not file.exists():
                await self._make(voice, file)
        return file

    async def _make(self, voice: Voice, file: Path) -> None:
        order = SpeechOrder(voice.model, voice.preview, voice.id, language=voice.language)
        run = await self._flow.start(self._caller, order)
        async with aclosing(run.chunks()) as chunks:
            sound = b"".join([chunk async for chunk in chunks])
        await asyncio.to_thread(_write, file, sound)


def _write(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=file.parent, delete=False) as part:
        part.write(content)
    os.replace(part.name, file)  # noqa: PTH105 atomic: no other request sees half a file
