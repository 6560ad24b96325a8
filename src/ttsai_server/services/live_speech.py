"""Speech of a text that its client is still writing: it is heard from the first complete sentence on."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from ttsai_server.domain import Caller, SpeechRequest
from ttsai_server.errors import ApiError, BadRequest
from ttsai_server.services.choice import AUTO
from ttsai_server.services.context import ServiceContext
from ttsai_server.services.incoming_text import IncomingText
from ttsai_server.services.narration import NarrationRun
from ttsai_server.services.speech import SpeechOrder, plan_speech
from ttsai_server.services.speech_run import SpeechPlan
from ttsai_server.text.split import Piece


class LiveSpeech(NarrationRun):
    """Says what is added, until `text` is ended, and costs what the whole text costs.

    If a part of it can't be spoken, or is not covered by the account's balance, it ends before that part, well, and
    with its price; `refusal` says why.
    """

    def __init__(self, plan: SpeechPlan, caller: Caller, context: ServiceContext, text: IncomingText) -> None:
        super().__init__(plan, caller, context, text.passages())
        self.text = text
        self.refusal: ApiError | None = None
        self._longest = context.settings.plans[caller.plan].max_characters
        self._written = 0

    def add(self, part: str) -> None:
        """The next part of the text. Raises BadRequest if that becomes longer than the plan allows."""
        self._written += len(part)
        if self._written > self._longest:
            raise BadRequest(f"The text is longer than the {self._longest} characters of the plan.", param="text")
        self.text.add(part)

    async def _pieces(self) -> AsyncGenerator[tuple[Piece, SpeechRequest]]:
        try:
            async with aclosing(super()._pieces()) as pieces:
                async for each in pieces:
                    yield each
        except ApiError as error:
            self.refusal = error


def start_live_speech(context: ServiceContext, caller: Caller, order: SpeechOrder) -> LiveSpeech:
    """order: its text does not matter. Blocking; raises as `plan_speech`."""
    plan = plan_speech(context, caller, replace(order, text=".", wordless=True))
    if order.voice == AUTO:  # one voice for all of it
        order = replace(order, model=plan.card.listed_as, voice=plan.request.presets[0].id)
    text = IncomingText(plan.language, lambda part: plan_speech(context, caller, replace(order, text=part)))
    return LiveSpeech(plan, caller, context, text)
