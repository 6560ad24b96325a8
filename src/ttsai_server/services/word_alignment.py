"""When the words of a text are said, heard by a model that transcribes: for engines that don't report it."""

from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from itertools import groupby, pairwise

import numpy as np

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import (
    Audio,
    Caller,
    Capability,
    ModelCard,
    PartialTranscript,
    SpeechRequest,
    SpokenWord,
    TranscriptionRequest,
    Word,
)
from ttsai_server.engines.base import Transcriber
from ttsai_server.errors import BadRequest
from ttsai_server.services.context import ServiceContext
from ttsai_server.services.reading import Reading
from ttsai_server.services.trials import Trials
from ttsai_server.text.clean import speakable
from ttsai_server.text.language import NAMES
from ttsai_server.text.words import align, is_gap, word_spans

Times = tuple[float, float]
"""Start and end, seconds."""


def choose_aligner(context: ServiceContext, readings: Iterable[Reading]) -> ModelCard:
    """The model that listens to what is read.

    Raises BadRequest if it does not understand a language of it, NotReady if it is not on this machine.
    """
    card = context.catalog.resolve(context.settings.transcription.default_model, Capability.STT)
    codes = [reading.language.split("-")[0] for reading in readings]
    if strange := next((code for code in codes if code not in card.languages), None):
        raise BadRequest(
            f"'timestamps' are found by listening with {card.id!r}, which does not understand {NAMES[strange]}.",
            param="timestamps",
        )
    return Trials(context.settings).first_ready([card], card)


async def heard_words(
    context: ServiceContext, caller: Caller, card: ModelCard, sound: Sequence[Audio], request: SpeechRequest
) -> list[SpokenWord]:
    """The words of the text of a request, in its sound. card: of the model that listens.

    Raises ModelLoading, DiskFull, or what the engine raises.
    """
    heard: list[Word] = []
    asked = TranscriptionRequest(language=request.language.split("-")[0], words=True)
    async with aclosing(_transcribed(context, caller, card, sound, asked)) as partials:
        async for partial in partials:
            heard.extend(word for segment in partial.segments for word in segment.words)
    return matched(request.text, heard, sum(audio.seconds for audio in sound))


def matched(text: str, heard: Sequence[Word], seconds: float) -> list[SpokenWord]:
    """The words of a text that is `seconds` long, with the times at which they, or what is most like them, were heard.

    A word that nothing heard is like lies between its neighbours.
    """
    spans = [span for span in word_spans(text) if speakable(text[slice(*span)])]
    letters = "".join(f"{word.text.casefold()} " for word in heard)
    starts, ends = _letter_times(heard)
    parts = align([text[slice(*span)].casefold() for span in spans], letters)
    known = [(starts[first], ends[last - 1]) if first < last else None for first, last in parts]
    return [
        SpokenWord(text[slice(*span)], *span, *times)
        for span, times in zip(spans, _filled(known, seconds), strict=True)
    ]


def _letter_times(heard: Sequence[Word]) -> tuple[list[float], list[float]]:
    """When each letter of the words, and the space after each word, begins and ends: a word is spread evenly."""
    starts, ends = list[float](), list[float]()
    for word in heard:
        text = word.text.casefold()
        own = [at for at, char in enumerate(text) if not is_gap(char)] or [0]
        places = np.interp(np.arange(len(text) + 1), [own[0], own[-1] + 1], [word.start, word.end]).tolist()
        starts += [*places[:-1], word.end]
        ends += [*places[1:], word.end]
    return starts, ends


def _filled(known: Sequence[Times | None], seconds: float) -> list[Times]:
    """The times of all words: those that are not known share what is between their neighbours."""
    filled = list[Times]()
    for unknown, run in groupby(range(len(known)), key=lambda number: known[number] is None):
        places = list(run)
        if not unknown:
            filled += [times for number in places if (times := known[number])]
            continue
        start = filled[-1][1] if filled else 0.0
        following = known[places[-1] + 1] if places[-1] + 1 < len(known) else None
        bounds = np.linspace(start, max(start, following[0] if following else seconds), len(places) + 1).tolist()
        filled += pairwise(bounds)
    return filled


async def _transcribed(
    context: ServiceContext, caller: Caller, card: ModelCard, sound: Sequence[Audio], request: TranscriptionRequest
) -> AsyncGenerator[PartialTranscript]:
    if not sound:
        return
    with Recording(sound[0].rate) as spoken:
        for audio in sound:
            spoken.append(audio.samples)
        recording = await context.sound.resample(caller, spoken, card.rate)
        with recording:
            async with (
                context.runtime.lease(card) as handle,
                aclosing(handle.run(Transcriber.transcribe, recording, request)) as partials,
            ):
                async for partial in partials:
                    yield partial
