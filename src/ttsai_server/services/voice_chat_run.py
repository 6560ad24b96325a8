"""A turn of a spoken conversation being carried out: heard, answered, and spoken while the model still writes.

upload ──transcription──▶ text ──chat model──▶ deltas ──`GrowingText`──▶ sentences ──speech──▶ sound
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

from ttsai_server.domain import Caller, ChatRequest, Message
from ttsai_server.errors import ApiError, BadRequest
from ttsai_server.services.chat import ChatModel
from ttsai_server.services.context import ServiceContext
from ttsai_server.services.flow import CompositeRun, Deliver, Outcome, OutputFile, Plan
from ttsai_server.services.speech_run import IN_MEMORY_BYTES, SpeechPlan
from ttsai_server.services.spoken_answer import SpokenAnswer
from ttsai_server.services.transcription_run import TranscriptionPlan
from ttsai_server.store.ledger import Used
from ttsai_server.text.clean import speakable

CUT = "The answer is cut: it is as long as the chat model may write, {tokens} tokens"
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
    """The next part of the encoded sound."""

    sound: bytes


class VoiceChatRun(CompositeRun[VoiceChatPlan, Heard | Written | Spoken]):
    """Its result is the sound of the answer; its price is that of one turn, once any sound has been made."""

    def __init__(self, plan: VoiceChatPlan, caller: Caller, context: ServiceContext, upload: BinaryIO | None) -> None:
        super().__init__(plan, caller, context)
        self.user_text = plan.text or ""
        self._upload = upload
        self._file = cast(BinaryIO, SpooledTemporaryFile[bytes](IN_MEMORY_BYTES))
        self._answer = SpokenAnswer(plan.speech, plan.speak, caller, context)
        self._answered = False

    @property
    def ai_text(self) -> str:
        """What was answered, as the model wrote it."""
        return self._answer.text

    @property
    def progress(self) -> float:
        return 1.0 if self._answered else 0.5 if self.ai_text else 0.0

    async def credits(self) -> int:
        return self.plan.price.of(1)

    def steps(self, deliver: Deliver | None = None) -> AsyncGenerator[Heard | Written | Spoken]:
        """What the user said, then words and sound as they are made."""
        return self._paid(self._work(), self.plan.price.of(1), deliver)

    def used(self) -> Used:
        seconds = self._answer.seconds
        turns = 1 if seconds or self._answered else 0
        return Used(self.plan.kind, self.plan.model, len(self.ai_text), seconds, self.plan.price.of(turns))

    async def outcome(self) -> Outcome:
        result = OutputFile(self.plan.result_name, self.plan.speech.content_type, self._file)
        return Outcome(
            self.used(), result, self.plan.speech.language, tuple(self._answer.narration.segments), self.ai_text
        )

    def close(self) -> None:
        self._file.close()

    async def _work(self) -> AsyncGenerator[Heard | Written | Spoken]:
        if self.plan.listening:
            await self._listen(self.plan.listening)
            yield Heard(self.user_text)
        plan, chat = self.plan, self._context.settings.chat
        messages = fitted(plan.system, plan.history, self.user_text, chat.context_tokens - chat.max_tokens)
        written = plan.chat.answer(ChatRequest(messages, chat.max_tokens))
        reported = plan.listening is not None
        async with aclosing(self._answer.steps(written)) as steps:
            async for step in steps:
                if not reported:
                    reported = True
                    yield Heard(self.user_text)  # not before: until then the answer may be an error
                if isinstance(step, bytes):
                    await asyncio.to_thread(self._file.write, step)
                    yield Spoken(step)
                    continue
                if step.cut:
                    self.warn(CUT.format(tokens=chat.max_tokens))
                if step.text:
                    yield Written(step.text)
        self.warn(*self._answer.narration.warnings)
        self._answered = True

    async def _listen(self, plan: TranscriptionPlan) -> None:
        with self._part(plan, self._upload) as run:
            try:
                await run.finish()
            except ApiError as error:
                error.param = "audio" if error.param == "file" else error.param
                raise
            self.warn(*run.warnings)
            self.user_text = (await run.outcome()).text or ""
        if not speakable(self.user_text):
            raise BadRequest("Nothing is said in the recording.", param="audio")


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
    calls = "".join(call.name + call.arguments for call in message.calls)
    return 8 + len((message.text + calls).encode()) // BYTES_PER_TOKEN
