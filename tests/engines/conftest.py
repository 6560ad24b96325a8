"""What the tests of engines that listen share: real speech, said by Kokoro once, and sounds in which nobody speaks."""

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import soxr
from tests.engines.unpredictable import sentences
from tests.speaker import Speaker
from tests.weights import card_of, pulled

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import Preset, SpeechRequest, Turn
from ttsai_server.engines.base import Cancellation, LoadContext
from ttsai_server.engines.catalog import Catalog, load_class
from ttsai_server.engines.piper.adapter import Piper
from ttsai_server.engines.shared.pytorch import import_torchaudio
from ttsai_server.settings import Settings

if find_spec("torchaudio"):
    import_torchaudio()  # tests import packages that would import it otherwise

CARDS = Catalog.read(Settings().models.cards, demo=True).models


def _lacks_packages(test: Path) -> bool:
    """Whether the packages of an engine that it tests are not installed."""
    models = re.findall(r'model_id = "(.+?)"', test.read_text("utf-8"))
    return any(not load_class(CARDS[model]).installed() for model in models)


HERE = Path(__file__).parent
collect_ignore = [str(test.relative_to(HERE)) for test in sorted(HERE.rglob("test_*.py")) if _lacks_packages(test)]

RATE = 16_000
SECONDS = 20
BEAT = RATE // 2
SENTENCE = "The rain has stopped, and the children are playing in the garden behind the old house again."


VOICES = ("af_heart", "am_michael", "bf_emma")
SAYINGS = (
    (0, "Did you hear that the old bridge will be closed until the spring?"),
    (1, "No, I had not heard. That is rather a nuisance for all of us, is it not?"),
    (0, "It is. I shall have to take the ferry, and the ferry is never on time."),
    (1, "You could share my car. I leave at seven every morning."),
    (0, "Are you sure? That would be very kind of you."),
    (1, "Of course. The more of us there are, the shorter the way."),
)
"""(speaker, what is said): a talk of two, of half a minute."""
THIRD = "May I come with you as well? I work right beside the station, and I always have time."


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if collect_ignore:
        terminalreporter.write_line(f"Not tested, for want of packages (see make torch): {', '.join(collect_ignore)}")


@pytest.fixture(scope="session")
def spoken(speaker: Speaker) -> np.ndarray:
    """SENTENCE, float32 (n, 1) at 16 kHz."""
    return speaker.say("af_heart", SENTENCE)


Riddles = list[tuple[str, np.ndarray]]
"""Words that can't be guessed: (text, float32 (n, 1) at 16 kHz)."""
RIDDLERS = ("af_bella", "am_fenrir", "bf_isabella", "bm_fable", "af_nicole", "am_puck", "bf_emma", "bm_george")


@pytest.fixture(scope="session")
def riddles(models_dir: Path) -> Riddles:
    """160 words by Piper, which takes a seventh of Kokoro's time: enough to see that a tool does no harm."""
    card, chance = card_of("piper-en_US-joe-medium"), random.Random(2)
    engine = Piper.load(card, LoadContext(pulled(card.id, models_dir)))
    said: Riddles = []
    for text in (sentences(10, chance) for _ in range(2)):
        request = SpeechRequest(text, (Preset(card.voices[0].id),), "en-us", options={"noise_scale": 0, "noise_w": 0})
        sound = np.concatenate([audio.samples for audio in engine.synthesize(request, Cancellation())])
        said.append((text, soxr.resample(sound, card.rate, RATE).astype(np.float32)))
    engine.close()
    return said


@pytest.fixture(scope="session")
def many_riddles(speaker: Speaker) -> Riddles:
    """2,400 words by Kokoro's eight voices: enough to see that a tool helps. For slow tests."""
    chances = [random.Random(seed) for seed in range(2, 6)]
    texts = [(voice, sentences(10, chance)) for chance in chances for voice in RIDDLERS]
    return [(text, speaker.say(voice, text)) for voice, text in texts]


@dataclass(frozen=True, slots=True)
class Dialogue:
    recording: Recording
    turns: tuple[Turn, ...]
    """The truth."""


@pytest.fixture(scope="session")
def sayings(speaker: Speaker) -> list[tuple[int, np.ndarray]]:
    """What each of three speakers says, without silence around it; the third speaks last."""
    return [(number, _trimmed(speaker.say(VOICES[number], text))) for number, text in (*SAYINGS, (2, THIRD))]


@pytest.fixture(scope="session")
def dialogue(sayings: list[tuple[int, np.ndarray]]) -> Iterator[Dialogue]:
    """A woman and a man, taking turns without much of a pause."""
    with Recording(RATE) as recording:
        yield Dialogue(recording, tuple(_tape(recording, sayings[:-1])))


@pytest.fixture(scope="session")
def trialogue(sayings: list[tuple[int, np.ndarray]]) -> Iterator[Dialogue]:
    """The same with another woman at the end."""
    with Recording(RATE) as recording:
        yield Dialogue(recording, tuple(_tape(recording, sayings)))


@pytest.fixture(scope="session")
def monologue(sayings: list[tuple[int, np.ndarray]]) -> Iterator[Dialogue]:
    """The woman alone."""
    with Recording(RATE) as recording:
        yield Dialogue(recording, tuple(_tape(recording, [saying for saying in sayings if saying[0] == 0])))


def _tape(recording: Recording, sayings: Sequence[tuple[int, np.ndarray]]) -> Iterator[Turn]:
    """Adds .3 s of silence and a saying, again and again."""
    for speaker, sound in sayings:
        recording.append(np.zeros((3 * RATE // 10, 1), np.float32))
        start = recording.seconds
        recording.append(sound)
        yield Turn(start, recording.seconds, speaker)


def _trimmed(sound: np.ndarray) -> np.ndarray:
    loud = np.flatnonzero(np.abs(sound[:, 0]) > 0.01 * np.abs(sound).max())
    return sound[loud[0] : loud[-1] + 1]


@pytest.fixture(scope="session")
def talk(spoken: np.ndarray) -> Iterator[Recording]:
    """SENTENCE three times in more than a minute, far apart, in quiet."""
    with Recording(RATE) as recording:
        for before in (1.0, 20.0, 25.0):
            recording.append(np.zeros((round(before * RATE), 1), np.float32))
            recording.append(spoken)
        recording.append(np.zeros((2 * RATE, 1), np.float32))
        yield recording


@pytest.fixture(scope="session")
def noises() -> dict[str, np.ndarray]:
    """Name → float32 (n,) at 16 kHz."""
    random, time = np.random.default_rng(0), np.arange(SECONDS * RATE) / RATE
    white = random.normal(size=len(time))
    spectrum = np.fft.rfft(white)
    pink = np.fft.irfft(spectrum / np.sqrt(np.maximum(1, np.arange(len(spectrum)))), len(time))
    hum = np.sin(2 * np.pi * 50 * time) + 0.3 * np.sin(2 * np.pi * 150 * time)
    sounds = {"silence": 0 * time, "white": 0.1 * white, "pink": pink, "hum": hum, "music": _music(random)}
    return {name: (0.5 * sound / max(1, np.abs(sound).max())).astype(np.float32) for name, sound in sounds.items()}


def _music(random: np.random.Generator) -> np.ndarray:
    """Four chords, a melody over them, and a drum on each beat."""
    time = np.arange(BEAT) / RATE
    beats: list[np.ndarray] = []
    for beat in range(SECONDS * 2):
        root = (220, 175, 262, 196)[beat // 4 % 4]
        tones = [root, root * 1.26, root * 1.5, 2 * root * (1, 1.12, 1.26, 1.5, 1.68)[beat * 3 % 5]]
        notes = sum(np.sin(2 * np.pi * tone * k * time) / k**1.5 for tone in tones for k in range(1, 6))
        drum = random.normal(size=BEAT) * np.exp(-time * 40)
        beats.append(notes * np.exp(-time * 2) + drum)
    return np.concatenate(beats)
