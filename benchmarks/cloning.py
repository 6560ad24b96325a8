"""Voices that Kokoro makes of recordings, and conversions by WORLD: how near they come, and whether the words are kept.

The speakers are blends of stock voices, and stock voices with another pitch and other formants, none of them known to
the search. Nearness is the cosine of speaker embeddings, of sentences that the speaker did not say.
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from statistics import mean

import numpy as np
from numpy.typing import NDArray
from tests.engines.voice_encoder import recorded
from tests.listening import Ear, wer

from benchmarks.bench import Bench
from benchmarks.report import Figure
from ttsai_server.audio.pitch import track
from ttsai_server.domain import Audio, Embedding, Preset, Reference, SpeechRequest
from ttsai_server.engines.base import Cancellation, LoadContext
from ttsai_server.engines.cards import read_card
from ttsai_server.engines.kokoro.adapter import Kokoro
from ttsai_server.engines.kokoro.stock import Stock
from ttsai_server.engines.shared.speaker_encoder import SpeakerEncoder
from ttsai_server.engines.world.adapter import World
from ttsai_server.engines.world.conversion import warped
from ttsai_server.engines.world.vocoder import analyse, synthesise
from ttsai_server.settings import Settings

RATE = 24_000
Sound = NDArray[np.float32]
BLENDS = (
    {"af_nicole": 0.55, "bm_george": 0.45},
    {"am_fenrir": 0.7, "jf_alpha": 0.3},
    {"if_sara": 0.4, "am_adam": 0.35, "zf_xiaoni": 0.25},
    {"am_onyx": 0.37, "bf_lily": 0.63},
    {"pm_alex": 0.5, "hm_psi": 0.2, "af_sky": 0.3},
    {"ff_siwis": 0.23, "af_kore": 0.77},
)
SHIFTED = (("af_bella", 0.82, 0.92), ("am_michael", 1.25, 1.08), ("bf_emma", 0.9, 0.95), ("bm_lewis", 1.15, 1.05))
"""(voice, ratio of its pitch, of its formants)."""
PAIRS = ((0, "af_heart"), (1, "af_bella"), (3, "am_adam"), (5, "am_michael"))
"""Conversions: number of the speaker that is the source, and the target."""
REFERENCE = (
    "Several neighbours have asked for longer opening hours, better lighting near the entrance, "
    "and a quiet room where children can finish their homework."
)
SAYINGS = (
    "In spring the gardens behind our house are full of birds, and the old postman stops to listen for a minute.",
    "Last week my sister and I walked along the river to the old mill, where a farmer sold us fresh bread.",
)


class Studio:
    def __init__(self) -> None:
        models = Settings().models
        cards = {id: read_card(models.cards / f"{id}.toml") for id in ("kokoro", "world")}
        self._kokoro = Kokoro.load(cards["kokoro"], LoadContext(models.dir / "kokoro"))
        self._world = World.load(cards["world"], LoadContext(models.dir / "world"))
        self._encoder = SpeakerEncoder(models.dir)
        self._ear = Ear(models.dir / "whisper-base", models.dir / "whisper-base")

    def said(self, text: str, *voices: Preset | Reference) -> Sound:
        spoken = self._kokoro.synthesize(SpeechRequest(text, voices, "en-us"), Cancellation())
        return np.concatenate([audio.samples for audio in spoken])[:, 0]

    def embedding(self, sound: Sound) -> Sound:
        return self._encoder.embed(sound, RATE, Cancellation())

    def misheard(self, text: str, sound: Sound) -> float:
        return wer(text, self._ear.listen(Audio(sound[:, None], RATE)))

    def cloned(self, sound: Sound) -> tuple[Reference, float]:
        """The voice, and the CPU-seconds that it took."""
        began = time.process_time()
        voice = self._voice(self._kokoro, sound)
        return voice, time.process_time() - began

    def converted(self, sound: Sound, target: Sound) -> Sound:
        with recorded(sound[:, None], RATE) as recording:
            made = self._world.convert(recording, self._voice(self._world, target), Cancellation())
            return np.concatenate([audio.samples for audio in made])[:, 0]

    def _voice(self, engine: Kokoro | World, sound: Sound) -> Reference:
        with recorded(sound[:, None], RATE) as recording:
            *_, last = engine.embed(recording, Cancellation())
        assert isinstance(last, Embedding)
        assert last.reference
        return last.reference


def run(bench: Bench) -> list[Figure]:
    """One round: nothing in it is left to chance."""
    del bench
    studio = Studio()
    blended = [studio.said(REFERENCE, *(Preset(*voice) for voice in blend.items())) for blend in BLENDS]
    shifted = [_shifted(studio.said(REFERENCE, Preset(voice)), *ratios) for voice, *ratios in SHIFTED]
    return [*_cloning(studio, blended, shifted), *_conversion(studio)]


def _shifted(sound: Sound, pitch: float, formants: float) -> Sound:
    parts = warped(analyse(sound, RATE), formants)
    return synthesise(replace(parts, hertz=parts.hertz * pitch), RATE, len(sound))


def _cloning(studio: Studio, blended: Sequence[Sound], shifted: Sequence[Sound]) -> list[Figure]:
    stock, near, gains, errors, costs = Stock.read(), list[float](), list[float](), list[float](), list[float]()
    for sound in (*blended, *shifted):
        voice, cost = studio.cloned(sound)
        speaker, said = studio.embedding(sound), [studio.said(text, voice) for text in SAYINGS]
        near.append(mean(float(studio.embedding(one) @ speaker) for one in said))
        nearest = Preset(stock.voices[int(np.argmax((stock.embeddings - stock.sentence) @ speaker))])
        gains.append(near[-1] - mean(float(studio.embedding(studio.said(text, nearest)) @ speaker) for text in SAYINGS))
        errors += [studio.misheard(text, one) for text, one in zip(SAYINGS, said, strict=True)]
        costs.append(cost)
    return [
        Figure("voices of blends: cosine", mean(near[: len(blended)]), "", least=0.85),
        Figure("voices of shifted speech: cosine", mean(near[len(blended) :]), ""),
        Figure("voices: cosine above the nearest stock voice's", mean(gains), "", least=0.05),
        Figure("voices: words misheard", 100 * mean(errors), "%", most=5),
        Figure("voices: the search, at most", max(costs), "CPU-s", most=20),
    ]


def _conversion(studio: Studio) -> list[Figure]:
    gains, errors, pitches = list[float](), list[float](), list[float]()
    for number, target in PAIRS:
        text = SAYINGS[1]
        source = studio.said(text, *(Preset(*voice) for voice in BLENDS[number].items()))
        wanted = studio.said(REFERENCE, Preset(target))
        made, speaker = studio.converted(source, wanted), studio.embedding(wanted)
        gains.append(float((studio.embedding(made) - studio.embedding(source)) @ speaker))
        errors.append(studio.misheard(text, made))
        pitches.append(_alike(source, made))
    return [
        Figure("conversions: cosine to the target above the source's", mean(gains), "", least=0.15),
        Figure("conversions: words misheard", 100 * mean(errors), "%", most=8),
        Figure("conversions: correlation of the pitch", mean(pitches), "", least=0.8),
    ]


def _alike(one: Sound, other: Sound) -> float:
    """The correlation of the logarithms of the pitch, where both have one."""
    tracks = [track(sound, RATE) for sound in (one, other)]
    both = (tracks[0] > 0) & (tracks[1] > 0)
    return float(np.corrcoef(np.log(tracks[0][both]), np.log(tracks[1][both]))[0, 1])
