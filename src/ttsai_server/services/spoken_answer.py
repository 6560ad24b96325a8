"""A chat model's answer, spoken sentence by sentence while the model still writes it.

deltas ──`IncomingText`──▶ sentences ──`NarrationRun`──▶ sound
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from ttsai_server.domain import Caller, ChatDelta
from ttsai_server.errors import EngineFailed
from ttsai_server.services.context import ServiceContext
from ttsai_server.services.incoming_text import IncomingText
from ttsai_server.services.merging import merged
from ttsai_server.services.narration import NarrationRun
from ttsai_server.services.speech_run import SpeechPlan
from ttsai_server.text.clean import speakable


class SpokenAnswer:
    """Its speech charges nobody: it is part of a run that holds the credits."""

    def __init__(
        self, speech: SpeechPlan, speak: Callable[[str], SpeechPlan], caller: Caller, context: ServiceContext
    ) -> None:
        """speech: how to speak, of any text; speak: part of the answer → how it is spoken, or BadRequest."""
        self.text = ""
        """What the model has written so far, as it wrote it."""
        self._incoming = IncomingText(speech.language, speak)
        self.narration = NarrationRun(speech, caller, context.unbilled(), self._incoming.passages())
        """Its speech; nothing has been said in it before its first segment."""
        self._calls = False
        """Whether the model wants a function called."""

    @property
    def seconds(self) -> float:
        """Length of the sound made so far."""
        return self.narration.seconds if self._incoming.spoken else 0.0

    async def steps(self, answer: AsyncGenerator[ChatDelta]) -> AsyncGenerator[ChatDelta | bytes]:
        """What the model writes, and the encoded sound, as they are made. Must be closed (`aclosing`).

        Raises EngineFailed if it neither says anything nor wants a function called; and what the models raise.
        """
        async with aclosing(merged(self._write(answer), self._sound())) as steps:
            async for step in steps:
                yield step

    async def _write(self, answer: AsyncGenerator[ChatDelta]) -> AsyncGenerator[ChatDelta | bytes]:
        async with aclosing(answer) as deltas:
            async for delta in deltas:
                self.text += delta.text
                self._calls = self._calls or delta.call is not None
                yield delta
                self._incoming.add(delta.text)
        self._incoming.end()
        if not speakable(self.text) and not self._calls:
            raise EngineFailed("The chat model did not say anything.")

    async def _sound(self) -> AsyncGenerator[ChatDelta | bytes]:
        async with aclosing(self.narration.chunks()) as chunks:
            async for chunk in chunks:
                if self._incoming.spoken and chunk:
                    yield chunk
