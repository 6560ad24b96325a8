"""Steps of several requests that are done together are in the model's process at the same time."""

import asyncio
from collections.abc import Generator
from dataclasses import replace
from threading import Barrier

import numpy as np
from tests.runtime.misbehaving import Misbehaving

from ttsai_server.domain import Audio, ModelCard, Preset, SpeechRequest
from ttsai_server.engines.base import Cancellation, Synthesizer
from ttsai_server.engines.catalog import Catalog
from ttsai_server.runtime.placement import starter
from ttsai_server.runtime.pool import Pool
from ttsai_server.settings import Models, Settings

TOGETHER = 3
PATIENCE = 60
CARD = replace(
    Catalog.read(Settings().models.cards, demo=True).models["tone"], id="meeting", engine=f"{__name__}:Meeting"
)


class Meeting(Misbehaving):
    """Each step waits for two others."""

    def __init__(self) -> None:
        super().__init__()
        self._all = Barrier(TOGETHER, timeout=PATIENCE)

    @classmethod
    def batch(cls, card: ModelCard, device: str) -> int:
        return TOGETHER

    def synthesize(self, request: SpeechRequest, cancellation: Cancellation) -> Generator[Audio]:
        self._all.wait()
        yield Audio(np.full((100 * len(request.text), 1), 0.1, np.float32), 24_000, last=True)


async def test_steps_that_are_done_together_run_at_the_same_time() -> None:
    pool = Pool(Models(), starter(Settings()))

    async def length(text: str) -> int:
        request = SpeechRequest(text, (Preset("tone_a"),), "en")
        async with pool.lease(CARD) as handle:
            return sum([len(audio.samples) async for audio in handle.run(Synthesizer.synthesize, request)])

    try:
        assert await asyncio.gather(*map(length, ("a", "bb", "ccc"))) == [100, 200, 300]
    finally:
        await pool.close()
