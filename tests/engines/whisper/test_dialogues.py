"""Talks of two by Kokoro, with short replies and hardly a pause: no sentence of them is left out.

Whisper without time stamps likes to follow one speaker of such a talk; faster-whisper's sequential decoding, with them,
loses next to nothing of it, and is what we are measured against.
"""

import random
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import jiwer
import numpy as np
import pytest
from faster_whisper import WhisperModel
from tests.engines.transcriber import recorded, segments_of, words_of
from tests.listening import spoken
from tests.speaker import Speaker

from ttsai_server.domain import PartialTranscript, TranscriptionRequest
from ttsai_server.engines.base import Cancellation, LoadContext
from ttsai_server.engines.cards import read_card
from ttsai_server.engines.shared.transcription.words import SHORTEST_WORD
from ttsai_server.engines.whisper.adapter import FasterWhisper
from ttsai_server.settings import Settings

RATE = 16_000
SHORTEST_PAUSE, LONGEST_PAUSE = 0.2, 0.7
"""Seconds between two turns."""
TEXTS = [block.splitlines() for block in (Path(__file__).parent / "dialogues.txt").read_text("utf-8").split("\n\n")[1:]]
"""The voices' names in the first line, then the turns."""
SAMPLE = 9
"""The dialogue that every run hears: half of it was left out once."""
MOST_LOST = 0.03
"""Share of its words, which are 100: a turn lost is more, and rounding loses a word or two."""
MORE_THAN_SEQUENTIAL = 2
"""Words of all dialogues, which are 2,500."""


@dataclass(frozen=True, slots=True)
class Dialogue:
    text: str
    sound: np.ndarray
    """Float32 (n,), 16 kHz."""


Make = Callable[[int], Dialogue]


@pytest.fixture(scope="module")
def make(speaker: Speaker) -> Make:
    """The number of a dialogue → it, said."""

    def made(number: int) -> Dialogue:
        names, *turns = TEXTS[number]
        voices, pauses = names.split(), random.Random(number)
        parts = [np.zeros(round(0.3 * RATE), np.float32)]
        for i, turn in enumerate(turns):
            pause = pauses.uniform(SHORTEST_PAUSE, LONGEST_PAUSE)
            parts += [speaker.trimmed(voices[i % 2], turn)[:, 0], np.zeros(round(pause * RATE), np.float32)]
        return Dialogue(" ".join(turns), np.concatenate(parts))

    return made


@pytest.fixture(scope="module")
def engine(base_weights: Path) -> Generator[FasterWhisper]:
    card = read_card(Settings().models.cards / "whisper-base.toml")
    loaded = FasterWhisper.load(card, LoadContext(base_weights))
    yield loaded
    loaded.close()


def heard(engine: FasterWhisper, dialogue: Dialogue) -> list[PartialTranscript]:
    with recorded(dialogue.sound, rate=RATE) as recording:
        return list(engine.transcribe(recording, TranscriptionRequest("en", words=True), Cancellation()))


def text_of(partials: Sequence[PartialTranscript]) -> str:
    return " ".join(segment.text for segment in segments_of(partials))


def lost(dialogue: Dialogue, text: str) -> int:
    """Words that are missing, not those heard as others."""
    return jiwer.process_words(spoken(dialogue.text), spoken(text)).deletions


def doubled(dialogue: Dialogue, text: str) -> list[str]:
    """Words too many that are those beside them, once more."""
    got = spoken(text).split()
    found = jiwer.process_words(spoken(dialogue.text), " ".join(got))
    extra = [
        i
        for chunk in found.alignments[0]
        if chunk.type == "insert"
        for i in range(chunk.hyp_start_idx, chunk.hyp_end_idx)
    ]
    return [got[i] for i in extra if got[i] in (*got[max(0, i - 1) : i], *got[i + 1 : i + 2])]


def assert_times_hold(partials: Sequence[PartialTranscript]) -> None:
    assert all(before.end <= after.start for before, after in pairwise(segments_of(partials)))
    assert all(word.end - word.start >= SHORTEST_WORD - 1e-6 for word in words_of(partials))


def test_no_sentence_of_a_dialogue_is_left_out(engine: FasterWhisper, make: Make) -> None:
    dialogue = make(SAMPLE)
    partials = heard(engine, dialogue)
    text = text_of(partials)
    assert lost(dialogue, text) <= MOST_LOST * len(dialogue.text.split())
    assert doubled(dialogue, text) == []
    assert_times_hold(partials)


@pytest.mark.slow
def test_no_more_of_28_dialogues_is_lost_than_by_sequential_decoding(
    engine: FasterWhisper, make: Make, base_weights: Path
) -> None:
    model = WhisperModel(str(base_weights), device="cpu", compute_type="int8", local_files_only=True)
    ours, sequential = list[int](), list[int]()
    for number in range(len(TEXTS)):
        dialogue = make(number)
        partials = heard(engine, dialogue)
        text = text_of(partials)
        assert_times_hold(partials)
        assert doubled(dialogue, text) == []
        ours.append(lost(dialogue, text))
        segments, _ = model.transcribe(dialogue.sound, language="en", beam_size=5)
        sequential.append(lost(dialogue, " ".join(segment.text.strip() for segment in segments)))
    assert sum(ours) <= sum(sequential) + MORE_THAN_SEQUENTIAL, list(zip(ours, sequential, strict=True))
