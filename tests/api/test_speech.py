"""POST /v1/tts/ and /v1/audio/speech with the tone engine; tests/test_hearing.py tests real voices."""

import base64
import io
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import av
import httpx
import pytest
from tests.live import Live

TEXT = "One sentence. Another sentence, a little longer. " * 4
TONE = {"model": "tone", "voice": "tone_a", "text": TEXT}
OPENAI = {"model": "tone", "voice": "tone_a", "input": TEXT}


def seconds_of(sound: bytes) -> float:
    """Length, seconds, found by decoding every frame instead of reading a header."""
    with av.open(io.BytesIO(sound), "r") as container:
        frames = list(container.decode(audio=0))
        return sum(frame.samples for frame in frames) / frames[0].sample_rate


def said(server: Live, body: dict[str, Any], path: str = "/v1/tts/") -> httpx.Response:
    _, key = server.new_key()
    with server.client(key) as client:
        return client.post(path, json=body)


@pytest.mark.parametrize(
    ("format", "content_type"),
    [("mp3", "audio/mpeg"), ("wav", "audio/wav"), ("flac", "audio/flac"), ("ogg", "audio/ogg")],
)
@pytest.mark.parametrize("stream", [False, True])
def test_every_format_streamed_or_not_has_the_whole_sound(
    server: Live, format: str, content_type: str, stream: bool
) -> None:
    answer = said(server, {**TONE, "format": format, "stream": stream})
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, content_type)
    expected = seconds_of(said(server, {**TONE, "format": "flac", "stream": stream}).content)
    assert seconds_of(answer.content) == pytest.approx(expected, abs=0.1)
    assert ("Content-Length" in answer.headers) is not stream


@pytest.mark.parametrize("format", ["mp3", "opus", "aac", "flac", "wav", "pcm"])
def test_openais_formats(server: Live, format: str) -> None:
    answer = said(server, {**OPENAI, "response_format": format}, "/v1/audio/speech")
    expected = seconds_of(said(server, {**TONE, "format": "flac", "stream": True}).content)
    seconds = len(answer.content) / 48_000 if format == "pcm" else seconds_of(answer.content)
    assert answer.status_code == 200
    assert seconds == pytest.approx(expected, abs=0.15)


@pytest.mark.parametrize(
    ("asked", "param"),
    [({"voice": "en_US-joe-medium+en_US-joe-medium"}, "voice"), ({"language": "fr"}, "language")],
)
def test_what_the_card_does_not_promise_is_refused_before_anything_costs(
    server: Live, asked: dict[str, str], param: str
) -> None:
    account, key = server.new_key(credits=100)
    with server.client(key) as client:
        answer = client.post(
            "/v1/tts/", json={"model": "piper", "voice": "en_US-joe-medium", "text": "Hello.", **asked}
        )
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
    assert server.account(account).available == 100


def test_a_whole_answer_says_its_length(server: Live) -> None:
    answer = said(server, {**TONE, "format": "wav"})
    assert seconds_of(answer.content) == pytest.approx(float(answer.headers["X-Audio-Seconds"]), abs=0.001)


def test_a_stream_is_the_whole_sent_as_it_is_made(server: Live) -> None:
    whole, streamed = (said(server, {**TONE, "format": "pcm", "stream": stream}).content for stream in (False, True))
    assert whole == streamed


@pytest.mark.parametrize(
    ("path", "body", "name"),
    [
        ("/v1/tts/", TONE, "speech.mp3"),
        ("/v1/tts/", {**TONE, "stream": True, "format": "ogg"}, "speech.ogg"),
        ("/v1/audio/speech", {**OPENAI, "response_format": "pcm"}, "speech.pcm"),
    ],
)
def test_speech_is_a_file_with_a_name(server: Live, path: str, body: dict[str, Any], name: str) -> None:
    assert said(server, body, path).headers["Content-Disposition"].startswith(f'inline; filename="{name}"')


def test_events_are_no_file(server: Live) -> None:
    answer = said(server, {**OPENAI, "stream_format": "sse"}, "/v1/audio/speech")
    assert "Content-Disposition" not in answer.headers


def test_mp3_is_the_default(server: Live) -> None:
    assert said(server, TONE).headers["Content-Type"] == "audio/mpeg"


def test_openais_events_carry_the_same_sound(server: Live) -> None:
    body = {**OPENAI, "response_format": "wav"}
    plain = said(server, body, "/v1/audio/speech").content
    answer = said(server, {**body, "stream_format": "sse"}, "/v1/audio/speech")
    events = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: ")]
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    assert b"".join(base64.b64decode(event["audio"]) for event in events[:-1]) == plain
    assert events[-1]["type"] == "speech.audio.done"


def test_double_speed_is_half_as_long(server: Live) -> None:
    length = [float(said(server, {**TONE, "speed": speed}).headers["X-Audio-Seconds"]) for speed in (1.0, 2.0)]
    assert length[1] == pytest.approx(length[0] / 2, rel=0.15)


@pytest.mark.parametrize(
    ("said", "credits"), [("word", 1), ("w" * 10, 3), ("a", 1)], ids=["as long", "longer", "shorter"]
)
def test_pronunciations_are_billed_by_what_is_spoken(server: Live, said: str, credits: int) -> None:
    _, key = server.new_key(credits=10)
    body = {**TONE, "text": "word " * 199, "pronunciations": {"word": said}, "format": "wav"}
    answer = server.client(key).post("/v1/tts/", json=body)
    assert int(answer.headers["X-Credits-Used"]) == credits


@pytest.mark.parametrize(("characters", "credits"), [(1, 1), (1000, 1), (1001, 2), (4999, 5)])
def test_each_started_1000_characters_is_billed(server: Live, characters: int, credits: int) -> None:
    account, key = server.new_key(credits=100)
    answer = server.client(key).post("/v1/tts/", json={**TONE, "text": "a" * characters, "format": "wav"})
    assert answer.headers["X-Credits-Used"] == str(credits)
    assert answer.headers["X-Credits-Remaining"] == str(100 - credits)
    assert server.account(account).available == 100 - credits


BAD: list[tuple[Callable[[dict[str, Any]], Any], int, str]] = [
    (lambda body: {**body, "model": "nobody"}, 404, "not_found"),
    (lambda body: {**body, "voice": "nobody"}, 404, "not_found"),
    (lambda body: {**body, "voice": "af_bella"}, 400, "bad_request"),
    (lambda body: {**body, "voice": "tone_a(0)+tone_c"}, 400, "bad_request"),
    (lambda body: {**body, "text": ""}, 400, "bad_request"),
    (lambda body: {**body, "text": " \n\t "}, 400, "bad_request"),
    (lambda body: {**body, "text": "\x00\x01\x02"}, 400, "bad_request"),
    (lambda body: {**body, "text": "😀🎉👩‍👩‍👧"}, 400, "bad_request"),
    (lambda body: {**body, "text": "a" * 50_001}, 400, "bad_request"),
    (lambda body: {**body, "text": 7}, 400, "bad_request"),
    (lambda body: {**body, "text": None}, 400, "bad_request"),
    (lambda body: {**body, "speed": 0}, 400, "bad_request"),
    (lambda body: {**body, "speed": 9}, 400, "bad_request"),
    (lambda body: {**body, "speed": "fast"}, 400, "bad_request"),
    (lambda body: {**body, "speed": float("nan")}, 400, "bad_request"),
    (lambda body: {**body, "format": "m5p"}, 400, "bad_request"),
    (lambda body: {**body, "stream": "yes"}, 400, "bad_request"),
    (lambda body: {**body, "language": "klingon"}, 400, "bad_request"),
    (lambda body: {**body, "pronunciations": ["GIF"]}, 400, "bad_request"),
    (lambda body: {name: value for name, value in body.items() if name != "voice"}, 400, "bad_request"),
    (lambda body: [body], 400, "bad_request"),
]


@pytest.mark.parametrize(("spoil", "status", "code"), BAD)
def test_bad_input_gets_the_contracts_error_and_costs_nothing(
    server: Live, spoil: Callable[[dict[str, Any]], Any], status: int, code: str
) -> None:
    account, key = server.new_key(credits=100)
    body = json.dumps(spoil(TONE))
    answer = server.client(key).post("/v1/tts/", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert answer.json()["message"] == answer.json()["error"]["message"]
    assert server.account(account).available == 100


@pytest.mark.parametrize("stream_format", ["audio", "sse"])
def test_punctuation_alone_is_a_pause_for_openais_clients(server: Live, stream_format: str) -> None:
    account, key = server.new_key(credits=100)
    body = {**OPENAI, "input": "…", "response_format": "wav", "stream_format": stream_format}
    assert server.client(key).post("/v1/audio/speech", json=body).status_code == 200
    assert server.account(account).available < 100


@pytest.mark.parametrize("body", [b"{", b"", b'{"text": "\xff\xfe"}', b"\x00" * 100, b"[]", b"null"])
def test_a_body_that_is_not_json_is_400(server: Live, body: bytes) -> None:
    _, key = server.new_key()
    answer = server.client(key).post("/v1/tts/", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request")


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_of_10_mb_is_413(server: Live, chunked: bool) -> None:
    _, key = server.new_key()
    body = b'{"text": "' + b"a" * 10_000_000 + b'"}'
    content = (body[i : i + 65536] for i in range(0, len(body), 65536)) if chunked else body
    answer = server.client(key).post("/v1/tts/", content=content, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "file_too_large")


def test_50_000_characters_without_a_space_are_spoken(server: Live) -> None:
    answer = said(server, {**TONE, "text": "a" * 50_000, "stream": True, "speed": 2, "format": "flac"})
    assert answer.status_code == 200
    assert seconds_of(answer.content) > 1000


def test_no_credits_is_402_with_both_counts(server: Live) -> None:
    _, key = server.new_key(credits=1)
    answer = server.client(key).post("/v1/tts/", json={**TONE, "text": "a" * 1001})
    told = answer.json()
    assert (answer.status_code, told["error"]["code"]) == (402, "insufficient_credits")
    assert (told["error"]["credits_required"], told["error"]["credits_available"]) == (2, 1)
    assert (told["credits_needed"], told["credits_remaining"]) == (2, 1)


def test_the_plan_limits_the_text(server: Live) -> None:
    _, key = server.new_key(plan="pro")
    asked = [{**TONE, "text": "a" * length, "format": "wav"} for length in (5000, 5001)]
    answers = [server.client(key).post("/v1/tts/", json=body) for body in asked]
    assert [answer.status_code for answer in answers] == [200, 400]


def test_an_unknown_model_on_openais_path_is_400_as_the_sdk_expects(server: Live) -> None:
    answer = said(server, {**OPENAI, "model": "nobody"}, "/v1/audio/speech")
    assert answer.status_code == 400
    assert answer.json()["message"].startswith("Unknown model")


def test_unknown_options_are_ignored_with_a_warning(server: Live) -> None:
    answer = said(server, {**TONE, "cfg_weight": 0.5})
    assert answer.status_code == 200
    assert "cfg_weight" in answer.headers["Warning"]


FOREIGN = {
    "Arabic": "مرحبا، كيف حالك اليوم؟",
    "Hebrew": "שלום, מה שלומך היום?",
    "Cyrillic": "Привет, как дела? OK.",
    "Thai": "สวัสดีครับ สบายดีไหม",
}
READERS = {
    "Arabic": "'vits' speaks ar (mms-ara)",
    "Hebrew": "'vits' speaks he (mms-heb)",
    "Cyrillic": "ru, uk (mms-rus, ",
    "Thai": "'vits' speaks th (mms-tha)",
}


@pytest.mark.parametrize("script", FOREIGN)
@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/v1/tts/", {}),
        ("/v1/tts/", {"stream": True}),
        ("/v1/tts/", {"async": True}),
        ("/v1/tts/", {"language": "en"}),
        ("/v1/audio/speech", {}),
        ("/v1/audio/speech", {"stream_format": "sse"}),
    ],
)
def test_a_text_in_letters_that_the_model_does_not_read_is_400_and_costs_nothing(
    server: Live, script: str, path: str, fields: dict[str, Any]
) -> None:
    account, key = server.new_key(credits=100)
    body = {"model": "tone", "voice": "tone_a", "text": FOREIGN[script], "input": FOREIGN[script], **fields}
    answer = server.client(key).post(path, json=body)
    assert answer.status_code == 400
    assert f"mostly in {script} letters" in answer.json()["message"]
    assert READERS[script] in answer.json()["message"]
    assert server.account(account).available == 100


def test_models_that_read_a_text_are_named(server: Live) -> None:
    answer = said(server, {**TONE, "text": "今日はいい天気ですね。"})
    assert answer.status_code == 400
    assert "'kokoro' speaks ja (jf_alpha, " in answer.json()["message"]


def test_models_that_speak_a_language_are_named(server: Live) -> None:
    told = [said(server, {**TONE, "language": code}).json()["message"] for code in ("fr", "la")]
    assert "'kokoro' speaks fr (ff_siwis, " in told[0]
    assert "No model of this server speaks it." in told[1]


def test_the_model_auto_is_that_of_the_voice(server: Live) -> None:
    assert said(server, {**TONE, "model": "auto"}).content == said(server, TONE).content


@pytest.mark.parametrize("fields", [{}, {"stream": True}, {"async": True}])
def test_a_few_foreign_words_are_read_with_a_warning(server: Live, fields: dict[str, Any]) -> None:
    answer = said(server, {**TONE, "text": "The Russian word привет means hello.", "cfg_weight": 1, **fields})
    assert answer.status_code == 200
    assert "Cyrillic" in answer.headers["Warning"]
    assert "cfg_weight" in answer.headers["Warning"]


def test_a_text_in_markdown_is_spoken_without_its_marks(server: Live) -> None:
    lengths = [
        said(server, {**TONE, "text": text}).headers["X-Audio-Seconds"]
        for text in ("**Two** words, a [link](https://example.com/very/long/address).", "Two words, a link.")
    ]
    assert lengths[0] == lengths[1]


def test_marks_alone_are_400(server: Live) -> None:
    assert said(server, {**TONE, "text": "![](https://example.com/a.png)\n\n---"}).status_code == 400


def test_200_at_once_against_credits_for_50_serve_exactly_50(server: Live) -> None:
    account, key = server.new_key(plan="crowd", credits=50)
    with server.client(key, limits=httpx.Limits()) as client, ThreadPoolExecutor(200) as clients:
        asked = [clients.submit(client.post, "/v1/tts/", json={**TONE, "text": "a"}) for _ in range(200)]
        statuses = [answer.result().status_code for answer in asked]
    assert sorted(statuses) == [200] * 50 + [402] * 150
    assert server.account(account).available == 0
    assert server.account(account).reserved == 0
