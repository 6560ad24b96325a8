"""What every engine that hears must do. A test of an engine is a class that inherits the suite and names its model."""

import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from tests.engines.contract import EngineContract, assert_they_cover
from tests.engines.talk import Talk
from tests.listening import wer

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import ModelCard, PartialTranscript, Segment, TranscriptionRequest, Word
from ttsai_server.engines.base import Cancellation, Cancelled, LoadContext, Transcriber
from ttsai_server.engines.catalog import load_class

MOST_GROWTH = 90
"""Megabytes that forty minutes, 154 MB of samples, may take beyond four: kernels' memory settles within 65."""


def recorded(*sounds: np.ndarray, rate: int) -> Recording:
    """Mono sounds of shape (n,), one after another."""
    recording = Recording(rate)
    for sound in sounds:
        recording.append(sound.astype(np.float32)[:, None])
    return recording


def heard(engine: Transcriber, recording: Recording, **asked: Any) -> list[PartialTranscript]:
    return list(engine.transcribe(recording, TranscriptionRequest("en", **asked), Cancellation()))


def segments_of(partials: Sequence[PartialTranscript]) -> list[Segment]:
    return [segment for partial in partials for segment in partial.segments]


def words_of(partials: Sequence[PartialTranscript]) -> list[Word]:
    return [word for segment in segments_of(partials) for word in segment.words]


def text_of(partials: Sequence[PartialTranscript]) -> str:
    return " ".join(segment.text for segment in segments_of(partials))


class HearingContract(EngineContract):
    """What depends on the weights of a model."""

    kind = Transcriber
    steps: ClassVar[int] = 2

    @classmethod
    def place(cls, weights: Path) -> LoadContext:
        return LoadContext(weights, threads=1, steps=cls.steps)

    @pytest.fixture(scope="class")
    @classmethod
    def partials(cls, engine: Transcriber, known: Talk) -> list[PartialTranscript]:
        return heard(engine, known.recording, words=True)

    def test_it_writes_what_is_said(self, partials: list[PartialTranscript], known: Talk) -> None:
        assert wer(known.text, text_of(partials)) <= 0.05

    def test_words_begin_when_they_are_said(self, partials: list[PartialTranscript], known: Talk) -> None:
        assert known.near(words_of(partials), seconds=0.2) >= 0.9

    def test_its_steps_cover_the_recording(self, partials: list[PartialTranscript], known: Talk) -> None:
        assert_they_cover(partials, known.recording.seconds)

    def test_every_step_gets_further(self, partials: list[PartialTranscript]) -> None:
        ends = [partial.end for partial in partials]
        assert ends == sorted(set(ends))

    def test_segments_are_in_order_and_do_not_overlap(self, partials: list[PartialTranscript], known: Talk) -> None:
        times = [time for segment in segments_of(partials) for time in (segment.start, segment.end)]
        assert times == sorted(times)
        assert 0 <= times[0] <= times[-1] <= known.recording.seconds

    def test_segments_lie_within_what_is_done(self, partials: list[PartialTranscript]) -> None:
        for partial in partials:
            assert all(segment.end <= partial.end for segment in partial.segments)

    def test_words_are_in_order_inside_their_segment(self, partials: list[PartialTranscript]) -> None:
        for segment in segments_of(partials):
            times = [time for word in segment.words for time in (word.start, word.end)]
            assert times == sorted(times)
            assert segment.start <= times[0] <= times[-1] <= segment.end

    def test_words_make_up_the_text(self, partials: list[PartialTranscript]) -> None:
        for segment in segments_of(partials):
            assert "".join(f"{'' if word.joined else ' '}{word.text}" for word in segment.words).strip() == segment.text

    def test_probabilities_are_probabilities(self, partials: list[PartialTranscript]) -> None:
        assert all(0 <= word.probability <= 1 for word in words_of(partials))

    @pytest.mark.parametrize("noise", ["silence", "white", "pink", "hum", "music"])
    def test_nothing_is_written_where_nobody_speaks(
        self, engine: Transcriber, card: ModelCard, noise: str, noises: dict[str, np.ndarray]
    ) -> None:
        with recorded(noises[noise], rate=card.rate) as recording:
            partials = heard(engine, recording)
            assert segments_of(partials) == []
            assert partials[-1].end == recording.seconds


class TranscriberContract(HearingContract):
    """And what depends on the code of its engine: asked of one model of an engine."""

    def test_words_are_given_only_if_asked_for(self, engine: Transcriber, known: Talk) -> None:
        assert words_of(heard(engine, known.short)) == []

    def test_one_recording_has_one_transcript(
        self, engine: Transcriber, partials: list[PartialTranscript], known: Talk
    ) -> None:
        assert heard(engine, known.recording, words=True) == partials

    def test_an_empty_recording_has_no_steps(self, engine: Transcriber, card: ModelCard) -> None:
        with Recording(card.rate) as recording:
            assert heard(engine, recording) == []

    def test_two_at_once_get_their_own_words(self, engine: Transcriber, known: Talk) -> None:
        alone = [text_of(heard(engine, recording)) for recording in known.halves]
        together: dict[int, str] = {}

        def hear(number: int) -> None:
            together[number] = text_of(heard(engine, known.halves[number]))

        threads = [threading.Thread(target=hear, args=(number,)) for number in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [together[0], together[1]] == alone
        assert alone[0] != alone[1]

    def test_a_cancelled_request_hears_nothing(self, engine: Transcriber, known: Talk) -> None:
        cancellation = Cancellation()
        cancellation.cancel()
        with pytest.raises(Cancelled):
            next(engine.transcribe(known.recording, TranscriptionRequest("en"), cancellation))

    def test_told_to_stop_it_spends_no_more_than_a_step(self, engine: Transcriber, known: Talk) -> None:
        cancellation = Cancellation()
        steps = engine.transcribe(known.long, TranscriptionRequest("en"), cancellation)
        next(steps)
        threading.Timer(0.05, cancellation.cancel).start()
        begun = time.process_time()
        with pytest.raises(Cancelled):
            list(steps)
        assert time.process_time() - begun < 5

    def test_it_hears_on_after_a_stop(self, engine: Transcriber, known: Talk) -> None:
        before, cancellation = heard(engine, known.short), Cancellation()
        threading.Timer(0.1, cancellation.cancel).start()
        with pytest.raises(Cancelled):
            list(engine.transcribe(known.long, TranscriptionRequest("en"), cancellation))
        assert heard(engine, known.short) == before

    def test_forty_minutes_take_no_more_memory_than_four(
        self, engine: Transcriber, card: ModelCard, known: Talk
    ) -> None:
        # mostly silence, so that it is heard in seconds; what is read and searched for speech is all of it
        four = np.concatenate([known.sound[: 6 * card.rate], np.zeros(234 * card.rate, np.float32)])
        with recorded(four, rate=card.rate) as short, recorded(*[four] * 10, rate=card.rate) as long:
            heard(engine, short)
            before = _resident()
            partials = heard(engine, long)
        assert _resident() - before <= MOST_GROWTH
        assert {int(segment.start / 60) for segment in segments_of(partials)} == set(range(0, 40, 4))

    def test_it_can_be_closed_twice(self, card: ModelCard, weights: Path) -> None:
        engine = load_class(card).load(card, LoadContext(weights, threads=1))
        engine.close()
        engine.close()


def _resident() -> float:
    """Megabytes."""
    pages = int(Path("/proc/self/statm").read_text("utf-8").split()[1])
    return pages * 4096 / 1e6
