"""Texts being translated along a route."""

from contextlib import aclosing
from itertools import pairwise

from ttsai_server.domain import TranslationRequest, gap
from ttsai_server.engines.base import Translator
from ttsai_server.errors import EngineFailed
from ttsai_server.runtime.base import Runtime
from ttsai_server.services.translation.routes import Leg, Route
from ttsai_server.text.split import pieces, sentence_ends


async def translated(runtime: Runtime, text: str, route: Route) -> str:
    """The text, without line breaks, in the language where the route ends; by sentences.

    Raises ModelLoading, NotReady, or EngineFailed.
    """
    for leg in route:
        text = await _along(runtime, text, leg)
    return text


async def _along(runtime: Runtime, text: str, leg: Leg) -> str:
    request = TranslationRequest(_sentences(text, leg), leg.source, leg.target)
    if not request.sentences:
        return text
    async with (
        runtime.lease(leg.card) as handle,
        aclosing(handle.run(Translator.translate, request)) as translations,
    ):
        done = [translation.text.strip() async for translation in translations]
    if len(done) != len(request.sentences):
        raise EngineFailed(f"{leg.card.id!r} translated {len(done)} of {len(request.sentences)} sentences.")
    return done[0] + "".join(gap(before, after, leg.target) + after for before, after in pairwise(done))


def _sentences(text: str, leg: Leg) -> tuple[str, ...]:
    """One by one, since models learn from single sentences; one that is too long, in parts."""
    ends = sorted({0, *sentence_ends(text, leg.source), len(text)})
    parts: list[str] = []
    for start, end in pairwise(ends):
        sentence = text[start:end].strip()
        if len(sentence) <= leg.card.chunk_chars:
            parts.append(sentence)
        else:
            parts.extend(piece.text for piece in pieces(sentence, leg.card.chunk_chars, leg.source))
    return tuple(part for part in parts if part)
