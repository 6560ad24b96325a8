"""A turn of a spoken conversation being carried out: heard, answered, and spoken while the model still writes.

upload ──transcription──▶ text ──chat model──▶ deltas ──`GrowingText`──▶ sentences ──speech──▶ sound
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

from anyio import to_thread

from ttsai_server.domain import Caller, ChatRequest, Message
from ttsai_server.errors import ApiError, BadRequest, EngineFailed
from ttsai_server.services.chat import ChatModel
from ttsai_server.services.context import ServiceContext
from ttsai_server.services.flow import CompositeRun, Deliver, Outcome, OutputFile, Plan
from ttsai_server.services.merging import merged
from ttsai_server.services.narration import NarrationRun, Passage
from ttsai_server.services.speech_run import IN_MEMORY_BYTES, SpeechPlan
from ttsai_server.services.transcription_run import TranscriptionPlan
from ttsai_server.store.ledger import Used
from ttsai_server.text.clean import speakable
from ttsai_server.text.growing import GrowingText
from ttsai_server.text.split import Cut

BYTES_PER_TOKEN = 3
"""Of UTF-8. In most languages a token has more, so that a conversation is rather cut too short than left too long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceChatPlan(Plan):
    chat: ChatModel
    system: Message
    history: tuple[Message, ...]
    text: str | None
    """What the user says; None: it is in the upload."""
    listening: TranscriptionPlan | None
    """How the upload is transcribed; None: there is none."""
    speech: SpeechPlan
    """How the answer is spoken; of its text."""
    speak: Callable[[str], SpeechPlan]
    """A part of the answer → how it is spoken. Raises BadRequest if the voice can't."""

    def run(self, caller: Caller, context: ServiceContext, upload: BinaryIO | None = None) -> "VoiceChatRun":
        return VoiceChatRun(self, caller, context, upload)


@dataclass(frozen=True, slots=True)
class Heard:
    """What the user said."""

    text: str


@dataclass(frozen=True, slots=True)
class Written:
    """The next words of the answer, as the model writes them."""

    text: str


@dataclass(frozen=True, slots=True)
class Spoken:
    """The next part of the encoded sound; may be empty."""

    sound: bytes


class VoiceChatRun(CompositeRun[VoiceChatPlan, Heard | Written | Spoken]):
    """Its result is the sound of the answer; its price is that of one turn, once any sound has been made."""

    def __init__(self, plan: VoiceChatPlan, caller: Caller, context: ServiceContext, upload: BinaryIO | None) -> None:
        super().__init__(plan, caller, context)
        self.user_text = plan.text or ""
        self.ai_text = ""
        self._upload = upload
        self._sentences: asyncio.Queue[str | None] = asyncio.Queue()
        """Parts of the answer that are complete, to be spoken; None: there are no more."""
        self._file = cast(BinaryIO, SpooledTemporaryFile[bytes](IN_MEMORY_BYTES))
        self._speech = NarrationRun(plan.speech, caller, context.unbilled(), self._passages())
        self._answered = False

    @property
    def progress(self) -> float:
        return 1.0 if self._answered else 0.5 if self.ai_text else 0.0

    async def credits(self) -> int:
        return self.plan.price.of(1)

    def steps(self, deliver: Deliver | None = None) -> AsyncGenerator[Heard | Written | Spoken]:
        """What the user said, then words and sound as they are made."""
        return self._paid(self._work(), self.plan.price.of(1), deliver)

    def used(self) -> Used:
        seconds = self._speech.seconds
        turns = 1 if seconds or self._answered else 0
        return Used(self.plan.kind, self.plan.model, len(self.ai_text), seconds, self.plan.price.of(turns))

    async def outcome(self) -> Outcome:
        result = OutputFile(self.plan.result_name, self.plan.speech.content_type, self._file)
        return Outcome(self.used(), result, self.plan.speech.language, tuple(self._speech.segments), self.ai_text)

    def close(self) -> None:
        self._file.close()

    async def _work(self) -> AsyncGenerator[Heard | Written | Spoken]:
        if self.plan.listening:
            await self._listen(self.plan.listening)
            yield Heard(self.user_text)
        async with aclosing(merged(self._write(), self._speak())) as steps:
            async for step in steps:
                yield step
        self._answered = True

    async def _listen(self, plan: TranscriptionPlan) -> None:
        with self._part(plan, self._upload) as run:
            try:
                await run.finish()
            except ApiError as error:
                error.param = "audio" if error.param == "file" else error.param
                raise
            self.user_text = (await run.outcome()).text or ""
        if not speakable(self.user_text):
            raise BadRequest("Nothing is said in the recording.", param="audio")

    async def _write(self) -> AsyncGenerator[Heard | Written | Spoken]:
        plan, chat = self.plan, self._context.settings.chat
        messages = fitted(plan.system, plan.history, self.user_text, chat.context_tokens - chat.max_tokens)
        growing = GrowingText(plan.speech.language)
        async with aclosing(plan.chat.answer(ChatRequest(messages, chat.max_tokens))) as parts:
            async for part in parts:
                if not self.ai_text and not plan.listening:
                    yield Heard(self.user_text)  # not before: until then the answer may be an error
                self.ai_text += part
                yield Written(part)
                self._sentences.put_nowait(growing.add(part))
        self._sentences.put_nowait(growing.end())
        self._sentences.put_nowait(None)
        if not speakable(self.ai_text):
            raise EngineFailed("The chat model did not say anything.")

    async def _speak(self) -> AsyncGenerator[Heard | Written | Spoken]:
        async with aclosing(self._speech.chunks()) as chunks:
            async for chunk in chunks:
                await asyncio.to_thread(self._file.write, chunk)
                yield Spoken(chunk)

    async def _passages(self) -> AsyncGenerator[Passage]:
        """The answer by all the sentences that are complete when the voice is free for more."""
        waiting = ""
        more: str | None = ""
        while more is not None:
            more = await self._sentences.get()
            waiting += more or ""
            if self._sentences.empty() and speakable(waiting):
                ends = Cut.PARAGRAPH if waiting.endswith("\n") else Cut.SENTENCE
                yield Passage(await to_thread.run_sync(self.plan.speak, waiting), ends)
                waiting = ""


def fitted(system: Message, history: Sequence[Message], said: str, most: int) -> tuple[Message, ...]:
    """The system prompt, the latest turns that fit into so many tokens, and what the user says now.

    Raises BadRequest if that alone does not fit.
    """
    last = Message("user", said)
    left = most - tokens(system) - tokens(last)
    if left < 0:
        raise BadRequest(
            f"What is said takes more than the {most} tokens that the chat model has for it.", param="text"
        )
    first = len(history)
    while first and (of_turn := sum(map(tokens, history[first - 2 : first]))) <= left:
        left -= of_turn
        first -= 2
    return (system, *history[first:], last)


def tokens(message: Message) -> int:
    """About how many a message takes in a model's context, with what surrounds it."""
    return 8 + len(message.text.encode()) // BYTES_PER_TOKEN
