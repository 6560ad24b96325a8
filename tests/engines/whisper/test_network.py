"""What several requests ask of Whisper at the same time is done together, and each gets its own words."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from tests.engines.talk import Talk
from tests.engines.transcriber import heard, text_of
from tests.listening import wer

from ttsai_server.engines.base import Cancellation, LoadContext
from ttsai_server.engines.cards import read_card
from ttsai_server.engines.whisper.adapter import FasterWhisper
from ttsai_server.settings import Settings


def test_requests_at_the_same_time_are_transcribed_together(tiny_weights: Path, known: Talk) -> None:
    card = replace(read_card(Settings().models.cards / "whisper-tiny.en.toml"), setup={"batch": 2, "chunks": 2})
    assert FasterWhisper.batch(card, "cpu") == 2
    engine = FasterWhisper.load(card, LoadContext(tiny_weights, threads=2, steps=2))
    alone = [text_of(heard(engine, recording)) for recording in known.halves]
    batcher: Any = engine._network._batcher  # pyright: ignore
    run, batches = batcher._run, list[tuple[str, ...]]()

    def noted(calls: Sequence[Any], cancellation: Cancellation) -> Any:
        batches.append(tuple(call.kind[0] if isinstance(call.kind, tuple) else call.kind for call in calls))
        return run(calls, cancellation)

    batcher._run, batcher._wait = noted, 3  # seconds: until both have come, however slow the machine
    with ThreadPoolExecutor(2) as pool:
        together = [text_of(partials) for partials in pool.map(partial(heard, engine), known.halves)]
    engine.close()
    assert {("encode", "encode"), ("generate", "generate"), ("align", "align")} <= set(batches)
    for one, other in zip(alone, together, strict=True):
        assert wer(one, other) <= 0.1
    assert wer(*together) > 0.5
