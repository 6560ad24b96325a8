"""Cloning, conversion and speech to speech with real engines and real speech: Kokoro speaks, WORLD converts."""

from collections.abc import Generator
from pathlib import Path

import httpx
import numpy as np
import pytest
from tests.api.recordings import heard
from tests.listening import Ear, wer
from tests.live import Live, live
from tests.voices import flac

from ttsai_server.audio.pitch import mean_pitch, track
from ttsai_server.settings import Conversion, Models, Settings, Transcription

TEXT = "The rain has stopped. The children are playing in the garden. Their mother calls them for dinner."


@pytest.fixture(scope="module")
def real(
    tmp_path_factory: pytest.TempPathFactory, kokoro_weights: Path, tiny_weights: Path, speakers_weights: Path
) -> Generator[Live]:
    folder = tmp_path_factory.mktemp("models")
    for weights in (kokoro_weights, tiny_weights, speakers_weights):
        (folder / weights.name).symlink_to(weights)
    with live(Settings(data_dir=tmp_path_factory.mktemp("data"), models=Models(dir=folder))) as running:
        yield running


def said(real: Live, voice: str) -> bytes:
    body = {"model": "kokoro", "voice": voice, "text": TEXT, "format": "wav"}
    return real.client().post("/v1/tts/", json=body).raise_for_status().content


@pytest.fixture(scope="module")
def man(real: Live) -> bytes:
    return said(real, "am_michael")


@pytest.fixture(scope="module")
def woman(real: Live) -> bytes:
    return said(real, "af_heart")


def sent(real: Live, path: str, recording: bytes, **fields: str) -> httpx.Response:
    return real.client().post(path, files={"file": ("a.wav", recording)}, data={"model": "world", **fields})


@pytest.fixture(scope="module")
def converted(real: Live, man: bytes) -> httpx.Response:
    """The man with the voice of the woman."""
    return sent(real, "/v1/voice-convert/", man, target_voice="af_heart")


@pytest.fixture(scope="module")
def plain(real: Live, man: bytes) -> httpx.Response:
    """The same without an emotion."""
    return sent(real, "/v1/speech-to-speech/", man, voice="af_heart", emotion="neutral")


def pitch_of(sound: bytes) -> float:
    samples, recording = heard(sound)
    return mean_pitch(track(samples[:, 0], recording.rate))


def test_a_man_speaks_with_the_voice_of_a_woman(converted: httpx.Response, man: bytes, woman: bytes, ear: Ear) -> None:
    assert converted.status_code == 200, converted.text
    assert wer(TEXT, ear.listen(converted.content)) <= 0.08
    assert abs(np.log(pitch_of(converted.content) / pitch_of(woman))) < 0.5 * np.log(pitch_of(woman) / pitch_of(man))
    assert heard(converted.content)[1].seconds == pytest.approx(heard(man)[1].seconds, rel=0.02)


@pytest.mark.parametrize(("emotion", "pitch", "seconds"), [("sad", -1, 1), ("excited", 1, -1)])
def test_an_emotion_keeps_the_words(
    real: Live, man: bytes, plain: httpx.Response, ear: Ear, emotion: str, pitch: int, seconds: int
) -> None:
    moved = sent(real, "/v1/speech-to-speech/", man, voice="af_heart", emotion=emotion)
    assert moved.status_code == 200, moved.text
    assert wer(TEXT, ear.listen(moved.content)) <= 0.08
    assert pitch * np.log(pitch_of(moved.content) / pitch_of(plain.content)) > 0.04
    lengths = [heard(each.content)[1].seconds for each in (plain, moved)]
    assert seconds * np.log(lengths[1] / lengths[0]) > 0.04


def test_kokoro_speaks_with_the_voice_of_a_recording(real: Live, man: bytes, ear: Ear) -> None:
    """Its pitch and its words; how near it is to the speaker is a matter of the engine's own tests."""
    data = {"model": "kokoro-mix", "text": TEXT, "format": "wav"}
    answer = real.client().post("/v1/tts/clone/", files={"reference_audio": ("a.wav", man)}, data=data)
    assert answer.status_code == 200, answer.text
    assert wer(TEXT, ear.listen(answer.content)) <= 0.05
    assert pitch_of(answer.content) == pytest.approx(pitch_of(man), rel=0.15)
    assert 0.7 < float(answer.headers["X-Voice-Similarity"]) <= 1
    assert answer.headers["X-Model"] == "kokoro"
    assert "kokoro only approximates voices" in answer.headers["Warning"]


def test_the_default_model_is_the_first_that_is_ready(real: Live, man: bytes) -> None:
    """The contract's own default is not here: the next of the settings takes its place, and is named."""
    files = {"file": ("a.wav", man)}
    answer = real.client().post("/v1/voice-convert/", files=files, data={"target_voice": "af_heart"})
    assert answer.headers["X-Model"] == "world", answer.text
    assert "world only approximates voices" in answer.headers["Warning"]


def test_a_model_asked_for_by_name_is_not_replaced(real: Live, man: bytes) -> None:
    files, data = {"file": ("a.wav", man)}, {"target_voice": "af_heart", "model": "openvoice"}
    answer = real.client().post("/v1/voice-convert/", files=files, data=data)
    assert (answer.status_code, answer.headers["X-Should-Retry"]) == (503, "false")
    assert "openvoice" in answer.json()["message"]


def together(*sounds: bytes) -> bytes:
    parts = [heard(sound)[0] for sound in sounds]
    return flac(np.concatenate(parts), heard(sounds[0])[1].rate)


def test_two_speakers_are_told_by_a_warning(real: Live, converted: httpx.Response, man: bytes, woman: bytes) -> None:
    two = sent(real, "/v1/voice-convert/", together(man, woman), target_voice="af_heart")
    assert "2 speakers" in two.headers["Warning"]
    assert "speakers" not in converted.headers.get("Warning", "")


def test_a_reference_of_two_speakers_is_refused(real: Live, man: bytes, woman: bytes) -> None:
    files = {"file": ("a.wav", man), "reference_audio": ("b.flac", together(man, woman))}
    answer = real.client().post("/v1/voice-convert/", files=files, data={"model": "world"})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "reference_audio")
    assert "has 2 speakers" in answer.json()["message"]


def test_real_speech_is_a_good_reference(real: Live, man: bytes, woman: bytes) -> None:
    files = {"file": ("a.wav", man), "reference_audio": ("b.wav", woman)}
    answer = real.client().post("/v1/voice-convert/", files=files, data={"model": "world"})
    assert answer.status_code == 200, answer.text
    assert pitch_of(answer.content) > 1.3 * pitch_of(man)


@pytest.fixture(scope="module")
def dramatic(tmp_path_factory: pytest.TempPathFactory, kokoro_weights: Path, tiny_weights: Path) -> Generator[Live]:
    """A server whose model `tone` has the option `exaggeration`, so that it speaks a transcript anew."""
    folder, cards = tmp_path_factory.mktemp("models"), tmp_path_factory.mktemp("cards")
    for weights in (kokoro_weights, tiny_weights):
        (folder / weights.name).symlink_to(weights)
    for file in Settings().models.cards.glob("*.toml"):
        engine = "tests.api.dramatic:Dramatic"
        (cards / file.name).write_text(file.read_text().replace("ttsai_server.engines.tone:Tone", engine))
    models = Models(dir=folder, cards=cards, demo=True)
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("data"),
        models=models,
        transcription=Transcription(default_model="whisper-tiny.en"),
        conversion=Conversion(respeaking=("tone",)),
    )
    with live(settings) as running:
        yield running


def anew(server: Live, recording: bytes, **fields: str) -> httpx.Response:
    data = {"model": "tone", "voice": "tone_c", **fields}
    return server.client().post("/v1/speech-to-speech/", files={"file": ("a.wav", recording)}, data=data)


def test_the_words_are_spoken_anew_with_exaggeration(dramatic: Live, man: bytes) -> None:
    answers = [anew(dramatic, man, emotion=emotion) for emotion in ("neutral", "excited", "sad")]
    assert [answer.status_code for answer in answers] == [200] * 3, answers[0].text
    sounds = [heard(answer.content) for answer in answers]
    assert all(pitch_of(answer.content) == pytest.approx(262, rel=0.02) for answer in answers)
    # the tone engine takes .06 s for each character
    assert sounds[0][1].seconds == pytest.approx(0.06 * len(TEXT), rel=0.15)
    neutral, excited, sad = (float(np.max(np.abs(sound))) for sound, _ in sounds)
    assert sad < neutral < excited
    assert answers[0].headers["X-Credits-Used"] == "3"


def test_a_recording_without_words_cannot_be_spoken_anew(dramatic: Live) -> None:
    account, key = dramatic.new_key(credits=10)
    files = {"file": ("a.flac", flac(np.zeros((16_000, 1), np.float32), 16_000))}
    data = {"model": "tone", "voice": "tone_c"}
    answer = dramatic.client(key).post("/v1/speech-to-speech/", files=files, data=data)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "file")
    assert dramatic.account(account).available == 10
