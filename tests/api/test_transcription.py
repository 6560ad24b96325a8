"""POST /v1/stt/ and OpenAI's two, on Whisper tiny.en and on speech that Kokoro made."""

import io
import json
import socket
import time
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from typing import Any

import av
import httpx
import numpy as np
import openai
import pytest
from tests.containers import KINDS, contained
from tests.listening import wer
from tests.live import Live, live
from tts_ai import TTSClient

from ttsai_server.audio.decode import Bounds, decode
from ttsai_server.audio.encode import Encoder
from ttsai_server.settings import Settings, Transcription

TEXT = "The rain has stopped. The children are playing in the garden. Their mother calls them for dinner."
TINY = {"model": "whisper-tiny.en"}
SILENCE = np.zeros((16_000 * 61, 1), np.float32)


@pytest.fixture(scope="module")
def clip(server: Live, kokoro_weights: Path) -> bytes:
    """TEXT, said by Kokoro; WAV."""
    body = {"model": "kokoro", "voice": "af_heart", "text": TEXT, "format": "wav"}
    return server.client().post("/v1/tts/", json=body).raise_for_status().content


@pytest.fixture(scope="module", autouse=True)
def weights(tiny_weights: Path) -> None:
    """Whisper tiny.en is here."""


def sent(server: Live, sound: bytes, path: str = "/v1/stt/", key: str | None = None, **fields: Any) -> httpx.Response:
    return server.client(key).post(path, files={"file": ("a.wav", sound)}, data={**TINY, **fields})


def encoded(samples: np.ndarray, rate: int = 16_000, format: str = "flac") -> bytes:
    encoder = Encoder(format, rate)
    return encoder.push(samples) + encoder.finish()


def test_the_answer_has_the_published_shape(server: Live, clip: bytes) -> None:
    answer = sent(server, clip)
    body = answer.json()
    assert answer.status_code == 200
    assert body.keys() == {"text", "language", "duration", "segments"}
    assert wer(TEXT, body["text"]) <= 0.06
    assert body["language"] == "en"
    with av.open(io.BytesIO(clip), "r") as file:
        assert body["duration"] == pytest.approx(float(file.duration or 0) / 1e6, abs=0.002)
    assert all(segment.keys() == {"start", "end", "text", "language"} for segment in body["segments"])


def test_timestamps_give_each_word_its_times(server: Live, clip: bytes) -> None:
    segments = sent(server, clip, timestamps="true").json()["segments"]
    words = [word for segment in segments for word in segment["words"]]
    assert [word["word"] for word in words] == " ".join(segment["text"] for segment in segments).split()
    assert all(word.keys() == {"word", "start", "end", "probability"} for word in words)


def test_timestamps_give_each_word_its_times_in_verbose_json_too(server: Live, clip: bytes) -> None:
    with_words = sent(server, clip, timestamps="true", response_format="verbose_json").json()
    assert [word["word"] for word in with_words["words"]] == with_words["text"].split()
    assert with_words["segments"]
    assert "words" not in sent(server, clip, response_format="verbose_json").json()


def test_speakers_are_told_apart_when_asked_for(server: Live, clip: bytes, speakers_weights: Path) -> None:
    segments = sent(server, clip, diarize="true").json()["segments"]
    assert {segment["speaker"] for segment in segments} == {"SPEAKER_00"}
    assert all("words" not in segment for segment in segments)


def test_with_a_speaker_a_channel_the_channels_tell_who_speaks(server: Live, clip: bytes) -> None:
    one = _samples(clip)
    other = np.concatenate([np.zeros_like(one), one])
    stereo = np.concatenate([np.pad(one, ((0, len(one)), (0, 0))), other], axis=1)
    body = sent(server, contained(KINDS["flac"], stereo, 16_000), diarize="channel").json()
    for speaker in ("SPEAKER_00", "SPEAKER_01"):
        said = [segment["text"] for segment in body["segments"] if segment["speaker"] == speaker]
        assert wer(TEXT, " ".join(said)) <= 0.06
    speakers = [segment["speaker"] for segment in body["segments"]]
    assert speakers == sorted(speakers)


@pytest.mark.parametrize("path", ["/v1/stt/", "/v1/transcribe/"])
def test_one_channel_tells_no_speakers_apart_and_costs_nothing(server: Live, path: str) -> None:
    account, key = server.new_key(credits=10)
    answer = sent(server, encoded(SILENCE), path, key=key, diarize="channel")
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "diarize")
    assert server.account(account).available == 10


def _samples(wav: bytes) -> np.ndarray:
    """Float32 (n, 1), 16 kHz."""
    with decode(io.BytesIO(wav), Bounds(60), rate=16_000, channels=1) as recording:
        return recording.read(0, recording.frames)


@pytest.mark.parametrize(
    ("form", "content_type", "begins"),
    [
        ("text", "text/plain; charset=utf-8", "The rain"),
        ("srt", "application/x-subrip; charset=utf-8", "1\n00:00:0"),
        ("vtt", "text/vtt; charset=utf-8", "WEBVTT\n"),
    ],
)
@pytest.mark.parametrize("path", ["/v1/stt", "/v1/audio/transcriptions"])
def test_a_transcript_comes_as_text_and_as_subtitles(
    server: Live, clip: bytes, path: str, form: str, content_type: str, begins: str
) -> None:
    answer = sent(server, clip, path, response_format=form)
    assert answer.headers["Content-Type"] == content_type
    name = "transcript.txt" if form == "text" else f"transcript.{form}"
    assert answer.headers["Content-Disposition"].startswith(f'inline; filename="{name}"')
    assert answer.text.startswith(begins)


def test_openais_client_gets_what_it_expects(server: Live, clip: bytes) -> None:
    client = openai.OpenAI(base_url=f"{server.url}/v1", api_key=server.key)
    with client:
        plain = client.audio.transcriptions.create(file=("a.wav", clip), model=TINY["model"])
        verbose = client.audio.transcriptions.create(
            file=("a.wav", clip),
            model=TINY["model"],
            response_format="verbose_json",
            timestamp_granularities=["word", "segment"],
        )
        events = list(client.audio.transcriptions.create(file=("a.wav", clip), model=TINY["model"], stream=True))
    assert wer(TEXT, plain.text) <= 0.06
    assert (verbose.language, verbose.text) == ("english", plain.text)
    assert verbose.words
    assert verbose.segments
    deltas = [event.delta for event in events if event.type == "transcript.text.delta"]
    assert "".join(deltas) == plain.text == getattr(events[-1], "text", None)


def test_the_vendors_client_transcribes(server: Live, clip: bytes) -> None:
    with TTSClient(api_key=server.key, base_url=server.url, gpu_url=server.url) as client:
        result = client.transcribe(clip, model=TINY["model"], language="en")
    assert wer(TEXT, result.text) <= 0.06


def test_a_started_minute_costs_two_credits(server: Live) -> None:
    account, key = server.new_key(credits=10)
    answer = sent(server, encoded(SILENCE), key=key)
    assert (answer.json()["text"], answer.json()["duration"]) == ("", 61)
    assert (answer.headers["X-Credits-Used"], answer.headers["X-Credits-Remaining"]) == ("4", "6")
    assert server.account(account).available == 6


def test_without_the_credits_nothing_is_heard(server: Live) -> None:
    answer = sent(server, encoded(SILENCE), key=server.new_key(credits=3)[1])
    assert answer.status_code == 402
    assert (answer.json()["credits_needed"], answer.json()["credits_remaining"]) == (4, 3)


BAD_FIELDS = [
    ({"language": "klingon"}, "language"),
    ({"language": "fr"}, "language"),
    ({"temperature": "1.5"}, "temperature"),
    ({"temperature": "nan"}, "temperature"),
    ({"diarize": "perhaps"}, "diarize"),
    ({"num_speakers": "0", "diarize": "true"}, "num_speakers"),
    ({"min_speakers": "3", "max_speakers": "2", "diarize": "true"}, "min_speakers"),
    ({"response_format": "xml"}, "response_format"),
]


@pytest.mark.parametrize(("fields", "param"), BAD_FIELDS)
def test_a_bad_field_is_told_and_costs_nothing(server: Live, fields: dict[str, str], param: str) -> None:
    account, key = server.new_key(credits=10)
    answer = sent(server, encoded(SILENCE[:16_000]), key=key, **fields)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
    assert server.account(account).available == 10


BAD_FILES = [
    (b"", "empty"),
    (b"This is a letter, not a sound. " * 50, "not audio"),
    (encoded(SILENCE[:0], format="wav"), "0 samples"),
]


@pytest.mark.parametrize(("file", "says"), BAD_FILES)
def test_a_file_without_sound_is_refused_with_the_reason(server: Live, file: bytes, says: str) -> None:
    account, key = server.new_key(credits=10)
    answer = sent(server, file, key=key)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "file")
    assert says in answer.json()["error"]["message"]
    assert server.account(account).available == 10


def test_a_file_that_was_cut_short_is_refused_with_the_reason(server: Live, clip: bytes) -> None:
    answer = sent(server, clip[: len(clip) // 2])
    assert answer.status_code == 400
    assert "truncated" in answer.json()["error"]["message"]


def test_a_form_without_a_file_is_refused(server: Live) -> None:
    answer = server.client().post("/v1/stt/", data=TINY)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "file")


def test_a_form_that_ends_in_the_middle_is_refused(server: Live) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = server.client().post(
        "/v1/stt/", content=b'--x\r\nContent-Disposition: form-data; name="fi', headers=headers
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request")


@pytest.mark.parametrize(("path", "status"), [("/v1/stt/", 404), ("/v1/audio/transcriptions", 400)])
def test_an_unknown_model_is_told_as_each_api_tells_it(server: Live, clip: bytes, path: str, status: int) -> None:
    answer = sent(server, clip, path, model="nope")
    assert answer.status_code == status
    assert answer.json()["error"]["message"].startswith("Unknown model")


def test_an_english_model_does_not_translate(server: Live, clip: bytes) -> None:
    answer = sent(server, clip, "/v1/audio/translations")
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "model")


def test_a_body_over_the_limit_is_refused_before_it_is_read(server: Live) -> None:
    length = Settings().transcription.max_file_bytes + 2_000_000
    host, port = server.url.removeprefix("http://").split(":")
    head = (
        f"POST /v1/stt/ HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.key}\r\nContent-Length: {length}\r\n\r\n"
    )
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(head.encode())
        assert connection.recv(4096).startswith(b"HTTP/1.1 413")


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Generator[Live]:
    """A server that takes little."""
    bounds = Transcription(max_file_bytes=100_000, max_seconds=10)
    with live(Settings(data_dir=tmp_path_factory.mktemp("strict"), transcription=bounds)) as running:
        yield running


def test_a_file_over_the_limit_is_too_large(strict: Live) -> None:
    answer = sent(strict, b"\0" * 100_001)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "file_too_large")


def test_a_recording_over_the_limit_is_too_large(strict: Live) -> None:
    answer = sent(strict, encoded(SILENCE))
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "file_too_large")


def test_a_client_that_leaves_stops_the_work_and_pays_for_what_was_heard(server: Live, clip: bytes) -> None:
    account, key = server.new_key(credits=1000)
    with av.open(io.BytesIO(clip), "r") as file:
        said = np.concatenate([frame.to_ndarray().reshape(-1, 1) for frame in file.decode(audio=0)])
    long = encoded(np.tile(said.astype(np.float32) / 32768, (100, 1)), 24_000, "mp3")
    fields = {**TINY, "stream": "true"}
    with server.client(key).stream("POST", "/v1/audio/transcriptions", files={"file": long}, data=fields) as answer:
        assert json.loads(next(line for line in answer.iter_lines() if line.startswith("data:"))[5:])["delta"]
    until = time.monotonic() + 20
    while server.account(account).reserved and time.monotonic() < until:
        time.sleep(0.1)
    assert 2 <= 1000 - server.account(account).available <= 8
    assert 'ttsai_unheard_seconds{model="whisper-tiny.en"} 0.0' in server.client().get("/metrics").text


def test_a_body_that_does_not_tell_its_length_is_refused_once_it_is_over_the_limit(strict: Live) -> None:
    sent_parts = 0

    def parts() -> Generator[bytes]:
        nonlocal sent_parts
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        while sent_parts < 2000:
            sent_parts += 1
            yield b"\0" * 10_000

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    with suppress(httpx.WriteError):  # the answer may be lost when the connection is closed
        answer = strict.client().post("/v1/stt/", content=parts(), headers=headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (413, "file_too_large")
    assert sent_parts < 1000
