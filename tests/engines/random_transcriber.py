"""What every engine that hears must do with tiny random weights, which write no sense: where they write, and in what
form. A test of one is a class that inherits it, names its model and has a fixture `weights`.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from tests.engines.contract import EngineContract, assert_they_cover

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import ModelCard, PartialTranscript, Segment, TranscriptionRequest
from ttsai_server.engines.base import Cancellation, Cancelled, Transcriber
from ttsai_server.engines.shared.transcription.windows import RATE
from ttsai_server.errors import EngineFailed


def hear(engine: Transcriber, recording: Recording, **asked: object) -> list[PartialTranscript]:
    return list(engine.transcribe(recording, replace(TranscriptionRequest(words=True), **asked), Cancellation()))  # pyright: ignore[reportArgumentType]


def segments(partials: Sequence[PartialTranscript]) -> list[Segment]:
    return [segment for partial in partials for segment in partial.segments]


class RandomTranscriberContract(EngineContract):
    kind = Transcriber
    least: ClassVar[float]
    """Share of a sentence that the words written for it span at least."""

    @pytest.fixture(scope="class")
    @classmethod
    def heard(cls, engine: Transcriber, talk: Recording) -> list[PartialTranscript]:
        return hear(engine, talk)

    def test_words_lie_where_somebody_speaks_and_nowhere_else(
        self, heard: list[PartialTranscript], spoken: np.ndarray
    ) -> None:
        words = [word for segment in segments(heard) for word in segment.words]
        long = len(spoken) / RATE
        for begin in (1, 21 + long, 46 + 2 * long):
            own = [word for word in words if begin - 0.5 <= word.start <= word.end <= begin + long + 0.5]
            assert own[-1].end - own[0].start > self.least * long
            words = [word for word in words if word not in own]
        assert not words

    def test_words_are_in_order_inside_their_segment(self, heard: list[PartialTranscript]) -> None:
        found = segments(heard)
        times = [time for segment in found for word in segment.words for time in (word.start, word.end)]
        assert times == sorted(times)
        assert all(segment.start == segment.words[0].start for segment in found)
        assert all(segment.words[-1].end == segment.end for segment in found)

    def test_words_make_up_the_text(self, heard: list[PartialTranscript]) -> None:
        assert segments(heard)
        for segment in segments(heard):
            joined = "".join(word.text if word.joined else f" {word.text}" for word in segment.words)
            assert joined.strip() == segment.text

    def test_words_come_if_they_are_asked_for(
        self, engine: Transcriber, heard: list[PartialTranscript], talk: Recording
    ) -> None:
        plain = segments(hear(engine, talk, words=False))
        assert plain == [replace(segment, words=()) for segment in segments(heard)]

    def test_the_steps_cover_the_recording(self, heard: list[PartialTranscript], talk: Recording) -> None:
        assert len(heard) > 1
        assert_they_cover(heard, talk.seconds)

    @pytest.mark.parametrize("loudness", [0, 0.05], ids=["silence", "noise"])
    def test_where_nobody_speaks_there_is_no_segment(self, engine: Transcriber, loudness: float) -> None:
        with Recording(RATE) as recording:
            recording.append(np.random.default_rng(0).normal(0, loudness, (RATE * 40, 1)).astype(np.float32))
            partials = hear(engine, recording)
        assert segments(partials) == []
        assert partials[-1].end == 40

    def test_a_cancelled_request_is_not_heard(self, engine: Transcriber, talk: Recording) -> None:
        cancellation = Cancellation()
        partials = engine.transcribe(talk, TranscriptionRequest(), cancellation)
        next(partials)
        cancellation.cancel()
        with pytest.raises(Cancelled):
            list(partials)

    def test_it_can_be_closed_twice(self, card: ModelCard, weights: Path, talk: Recording) -> None:
        engine = self.loaded(card, weights)
        assert isinstance(engine, Transcriber)
        engine.close()
        engine.close()
        with pytest.raises(EngineFailed, match="closed"):
            hear(engine, talk)
