"""What the server says, heard: Kokoro's speech over HTTP, transcribed by Whisper."""

import io
import threading
from collections.abc import Generator
from pathlib import Path
from statistics import mean

import av
import numpy as np
import pytest
from tests.listening import Ear, spoken, wer
from tests.live import Live, live

from ttsai_server.settings import Models, Settings

SENTENCES = [
    "The old lighthouse keeper climbed the stairs every evening, counting each step under his breath.",
    "Where did you put the keys to the garden shed?",
    "We sold 1,250 tickets in the first three hours.",
    "Dr. Smith will see you at 3:45 this afternoon.",
    "The temperature fell to minus 12 degrees during the night.",
    "She paid $49.99 for a second-hand bicycle.",
    "My grandmother was born in 1932, in a village by the sea.",
    "Could you please turn down the music?",
    "The train to Edinburgh leaves from platform nine.",
    "In the spring of 2019, Maria Gonzalez moved to Toronto with her two daughters and a very old cat.",
    "Nobody knew exactly how the fire had started.",
    "He ran the marathon in 4 hours and 12 minutes.",
    "If it rains tomorrow, the picnic will be moved to the school gym.",
    "The recipe calls for 250 grams of butter, two eggs and a pinch of salt.",
    "What a beautiful morning it is!",
    "Professor Tanaka's lecture on black holes was full to the last seat.",
    "I have read that book, but I would happily read it again.",
    "The company's profits rose by 15% in the second quarter.",
    "Turn left at the bank, then walk straight on until you reach the river.",
    "The children built a castle out of sand, shells and driftwood.",
    "Her flight from Paris was delayed by almost five hours.",
    "Although the bridge had been closed for repairs since early March, hundreds of drivers still tried to use it "
    "every day, only to find themselves turning around in a muddy field on the far side of the hill.",
    "The museum is open from Tuesday to Sunday.",
    "Please call me back before noon on Friday.",
    "A quick look at the map showed that we were lost.",
    "The first edition of the newspaper was printed on May 7th, 1851.",
    "The judge asked the witness to speak more slowly.",
    "Oranges, lemons and limes grow well in this valley.",
    "The doctor told him to drink more water and get some sleep.",
    "There are 365 days in a year, and 366 in a leap year.",
    "The orchestra tuned their instruments while the audience found their seats.",
    "Is there a pharmacy near the hotel?",
    "The wind blew so hard that three trees fell across the road.",
    "You can reach the summit in about two and a half hours.",
    "Michael forgot his umbrella on the bus again.",
    "The library has more than 80,000 books and a small collection of maps.",
    "Learning to play the violin takes patience, practice and forgiving neighbours.",
    "The winner will receive a prize of 10,000 dollars.",
    "They walked along the beach in silence, watching the sun go down.",
    "I would rather have tea than coffee, thank you.",
    "The new phone weighs only 170 grams.",
    "At the end of the day, what matters is that everybody came home safe.",
]
OTHERS = {
    "es": (
        "ef_dora",
        "Buenos días. El tren para Madrid sale a las ocho de la mañana. ¿Quiere usted un café con leche?",
    ),
    "fr": (
        "ff_siwis",
        "Bonjour à tous. Le musée est ouvert du mardi au dimanche. Nous avons mangé dans un petit restaurant.",
    ),
    "it": (
        "if_sara",
        "Buongiorno a tutti. La biblioteca apre alle nove di mattina. Mi piace molto il gelato al cioccolato.",
    ),
    "pt": (
        "pf_dora",
        "Bom dia a todos. A reunião começa às nove da manhã. Eu gosto muito de caminhar na praia.",
    ),
}
PLACES = ["island", "forest", "market", "castle", "station", "garden", "hospital", "mountain", "kitchen", "village"]
SLOW = pytest.mark.slow


@pytest.fixture(scope="module")
def speaking(kokoro_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Generator[Live]:
    models = Models(dir=kokoro_weights.parent, load_wait_seconds=300)
    with live(Settings(data_dir=tmp_path_factory.mktemp("speaking"), models=models)) as running:
        yield running


def say(speaking: Live, text: str, voice: str = "af_heart", **more: object) -> bytes:
    body = {"model": "kokoro", "voice": voice, "text": text, **more}
    answer = speaking.client().post("/v1/tts/", json=body)
    assert answer.status_code == 200, answer.text
    return answer.content


@pytest.mark.parametrize(
    ("model", "voice", "sentences", "most"),
    [
        ("kokoro", "af_heart", SENTENCES[:7], 0.05),
        pytest.param("kokoro", "af_heart", SENTENCES, 0.03, marks=SLOW),
        pytest.param("piper", "en_US-joe-medium", SENTENCES, 0.05, marks=SLOW),
    ],
    ids=["kokoro-7", "kokoro-42", "piper-42"],
)
def test_varied_sentences_are_heard_as_written(
    speaking: Live, ear: Ear, model: str, voice: str, sentences: list[str], most: float
) -> None:
    sounds = {sentence: say(speaking, sentence, voice, model=model) for sentence in sentences}
    errors = {sentence: wer(sentence, ear.listen(sound)) for sentence, sound in sounds.items()}
    assert mean(errors.values()) <= most, {text: error for text, error in errors.items() if error}


@pytest.mark.parametrize("characters", [600, pytest.param(5000, marks=SLOW)])
def test_a_long_passage_loses_no_sentence(speaking: Live, ear: Ear, characters: int) -> None:
    sentences = [
        f"On day {n}, the visitors reached the {PLACES[n % 10]} and wrote a letter about what they had found there."
        for n in range(1, 60)
    ]
    partial = " ".join(sentences)[:characters].rsplit(". ", 1)[0] + "."
    heard = ear.listen(say(speaking, partial, stream=True))
    assert wer(partial, heard) <= 0.05
    days = [n for n in range(1, partial.count(".") + 1) if spoken(f"On day {n}, the") not in spoken(heard)]
    assert not days


@pytest.mark.parametrize("language", OTHERS)
def test_another_language_is_heard_as_written(speaking: Live, ear: Ear, language: str) -> None:
    voice, text = OTHERS[language]
    assert wer(text, ear.listen(say(speaking, text, voice), language), language) <= 0.12


def test_three_texts_at_once_come_back_each_with_its_own_words(speaking: Live, ear: Ear) -> None:
    texts = [f"Nobody had been in the {place} for {n + 2} years." for n, place in enumerate(PLACES[:3])]
    sounds: dict[int, bytes] = {}

    def ask(n: int) -> None:
        sounds[n] = say(speaking, texts[n])

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(len(texts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for n, text in enumerate(texts):
        assert wer(text, ear.listen(sounds[n])) <= 0.1


def test_pronunciations_change_what_is_heard(speaking: Live, ear: Ear) -> None:
    text = "Please send me the GIF before lunch."
    sound = say(speaking, text, pronunciations={"GIF": "elephant"})
    assert wer(text.replace("GIF", "elephant"), ear.listen(sound)) == 0


def test_joins_do_not_click(speaking: Live) -> None:
    sound = say(speaking, f"{SENTENCES[1]} {SENTENCES[7]}", format="wav")
    with av.open(io.BytesIO(sound), "r") as container:
        samples = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)]) / 32768
    quiet = np.abs(samples) < 0.01
    steps = np.abs(np.diff(samples))[quiet[:-1] & quiet[1:]]
    assert steps.max() < 0.02


def test_the_vendors_sdk_speaks(speaking: Live, ear: Ear) -> None:
    from tts_ai import TTSClient

    with TTSClient(api_key=speaking.key, base_url=speaking.url, gpu_url=speaking.url) as client:
        sound = client.generate(SENTENCES[1], model="kokoro", voice="am_michael")
    assert wer(SENTENCES[1], ear.listen(sound)) <= 0.1
