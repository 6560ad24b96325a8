"""Dereverberation: how many words Whisper tiny.en mishears in simulated rooms, before and after.

Sentences whose words can't be guessed, for of others it mishears hardly any even in a room of 1 s. In a room of .3 s it
does so only far from the talker.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import jiwer
import numpy as np
import soxr
from tests.engines.rooms import CORNER, FAR_EARS, Room, room
from tests.engines.unpredictable import sentences
from tests.listening import Ear, spoken

from benchmarks.bench import Bench
from benchmarks.report import Figure
from ttsai_server.audio.recording import Recording
from ttsai_server.domain import Audio, EnhancementRequest, Preset, SpeechRequest
from ttsai_server.engines.base import Cancellation, LoadContext
from ttsai_server.engines.cards import read_card
from ttsai_server.engines.kokoro.adapter import Kokoro
from ttsai_server.engines.wpe.adapter import Wpe
from ttsai_server.settings import Settings

RATE = 48_000
VOICES = (
    *("af_bella", "am_fenrir", "bf_isabella", "bm_fable", "af_kore", "am_eric", "af_aoede", "bm_daniel"),
    *("af_heart", "am_michael", "bf_emma", "bm_george", "af_nicole", "am_puck", "af_sarah", "bm_lewis"),
)
TALKS, SENTENCES = 2, 10
"""Of each voice; of each talk."""
STRENGTH = 0.6
"""Of intensity 3, the default."""


@dataclass(frozen=True, slots=True)
class Talk:
    text: str
    sound: np.ndarray
    """float (n,), dry."""


def run(bench: Bench) -> list[Figure]:
    """One round is enough: nothing in it is left to chance."""
    del bench
    models, talks = Settings().models.dir, _talks()
    ear = Ear(models / "whisper-tiny.en", models / "whisper-base")
    places = {
        "0.3 s, 6.7 m": room(0.3, RATE, CORNER, FAR_EARS),
        "0.6 s, 2.8 m": room(0.6, RATE),
        "1.0 s, 2.8 m": room(1.0, RATE),
    }
    return [figure for name, place in places.items() for figure in _figures(name, place, talks, ear)]


def _talks() -> list[Talk]:
    chance, settings = random.Random(1), Settings()
    engine = Kokoro.load(read_card(settings.models.cards / "kokoro.toml"), LoadContext(settings.models.dir / "kokoro"))
    talks: list[Talk] = []
    for voice in VOICES * TALKS:
        request = SpeechRequest(text := sentences(SENTENCES, chance), (Preset(voice),), "en-us")
        sound = np.concatenate([audio.samples for audio in engine.synthesize(request, Cancellation())])
        talks.append(Talk(text, soxr.resample(sound, 24_000, RATE)[:, 0]))
    engine.close()
    return talks


def _figures(name: str, place: Room, talks: Sequence[Talk], ear: Ear) -> list[Figure]:
    heard = [_halved(place.heard(talk.sound)) for talk in talks]
    words = sum(len(spoken(talk.text).split()) for talk in talks)
    before = _misheard(talks, heard, ear)
    figures = [Figure(f"{name}, before", 100 * before / words, "% misheard", note=f"of {words} words")]
    for channels in (1, 2):
        after = _misheard(talks, [_better(sound[:, :channels]) for sound in heard], ear)
        figures.append(
            Figure(f"{name}, {channels} ch", 100 * after / words, "% misheard", most=100 * (before - 1) / words)
        )
    return figures


def _halved(sound: np.ndarray) -> np.ndarray:
    return (0.5 * sound / np.max(np.abs(sound))).astype(np.float32)


def _better(sound: np.ndarray) -> np.ndarray:
    with Recording(RATE, sound.shape[1]) as recording:
        recording.append(sound)
        steps = Wpe(RATE).enhance(recording, EnhancementRequest(STRENGTH), Cancellation())
        return np.concatenate([audio.samples for audio in steps])


def _misheard(talks: Sequence[Talk], sounds: Sequence[np.ndarray], ear: Ear) -> int:
    """Words, in the first channel."""
    texts = [spoken(ear.listen(Audio(sound[:, :1], RATE))) for sound in sounds]
    found = jiwer.process_words([spoken(talk.text) for talk in talks], texts)
    return found.substitutions + found.deletions + found.insertions
