"""A chat model's answer, spoken sentence by sentence while the model still writes it.

deltas ──`GrowingText`──▶ sentences ──`NarrationRun`──▶ sound
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from anyio import to_thread

from ttsai_server.domain import Caller, ChatDelta
from ttsai_server.errors import EngineFailed
from ttsai_server.services.context import ServiceContext
from ttsai_server.services.merging import merged
from ttsai_server.services.narration import NarrationRun, Passage
from ttsai_server.services.speech_run import SpeechPlan
from ttsai_server.text.clean import speakable
from ttsai_server.text.growing import GrowingText
from ttsai_server.text.split import Cut


class SpokenAnswer:
    """Its speech charges nobody: it is part of a run that holds the credits."""

    def __init__(
        self, speech: SpeechPlan, speak: Callable[[str], SpeechPlan], caller: Caller, context: ServiceContext
    ) -> None:
        """speech: how to speak, of any text; speak: part of the answer → how it is spoken, or BadRequest."""
        self.text = ""
        """What the model has written so far, as it wrote it."""
        self.narration = NarrationRun(speech, caller, context.unbilled(), self._passages())
        """Its speech; nothing has been said in it before its first segment."""
        self._language = speech.language
        self._speak = speak
        self._calls = False
        """Whether the model wants a function called."""
        self._sentences: asyncio.Queue[str | None] = asyncio.Queue()
        """Parts of the answer that are complete, to be spoken; None: there are no more."""
        self._speaks = False

    @property
    def seconds(self) -> float:
        """Length of the sound made so far."""
        return self.narration.seconds if self._speaks else 0.0

    async def steps(self, answer: AsyncGenerator[ChatDelta]) -> AsyncGenerator[ChatDelta | bytes]:
        """What the model writes, and the encoded sound, as they are made. Must be closed (`aclosing`).

        Raises EngineFailed if it neither says anything nor wants a function called; and what the models raise.
        """
        async with aclosing(merged(self._write(answer), self._sound())) as steps:
            async for step in steps:
                yield step

    async def _write(self, answer: AsyncGenerator[ChatDelta]) -> AsyncGenerator[ChatDelta | bytes]:
        growing = GrowingText(self._language)
        async with aclosing(answer) as deltas:
            async for delta in deltas:
                self.text += delta.text
                self._calls = self._calls or delta.call is not None
                yield delta
                self._sentences.put_nowait(growing.add(delta.text))
        self._sentences.put_nowait(growing.end())
        self._sentences.put_nowait(None)
        if not speakable(self.text) and not self._calls:
            raise EngineFailed("The chat model did not say anything.")

    async def _sound(self) -> AsyncGenerator[ChatDelta | bytes]:
        async with aclosing(self.narration.chunks()) as chunks:
            async for chunk in chunks:
                if self._speaks and chunk:
                    yield chunk

    async def _passages(self) -> AsyncGenerator[Passage]:
        """The answer by all the sentences that are complete when the voice is free for more."""
        waiting = ""
        more: str | None = ""
        while more is not None:
            more = await self._sentences.get()
            waiting += more or ""
            if self._sentences.empty() and speakable(waiting):
                self._speaks = True
                ends = Cut.PARAGRAPH if waiting.endswith("\n") else Cut.SENTENCE
                yield Passage(await to_thread.run_sync(self._speak, waiting), ends)
                waiting = ""
