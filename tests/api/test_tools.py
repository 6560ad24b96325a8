"""The audio tools over HTTP: the contract's fields, prices and errors, as answers and as jobs."""

import asyncio
import time
from pathlib import Path

import httpx
import numpy as np
import pytest
from tests.api.recordings import SIXTY_ONE_SECONDS, SONG, encoded, heard, sent
from tests.api.test_jobs import ended
from tests.api.test_jobs import heard as told_to
from tests.containers import Samples
from tests.listening import Ear, wer
from tests.live import Live
from tests.receivers import receiver, says

from ttsai_server.api.schemas import MusicBody
from ttsai_server.audio.encode import CONTENT_TYPES

TEXT = "The rain has stopped. The children are playing in the garden. Their mother calls them for dinner."


@pytest.mark.parametrize("format", ["mp3", "wav", "flac", "ogg", "m4a", "aac"])
def test_a_recording_is_converted(server: Live, format: str) -> None:
    answer = sent(server, "convert", encoded(SONG), format=format)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, CONTENT_TYPES[format])
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    _, made = heard(answer.content)
    assert made.channels == 2
    assert made.seconds == pytest.approx(1.5, abs=0.05)


def test_a_converted_file_has_a_name(server: Live) -> None:
    answer = sent(server, "convert", encoded(SONG), format="m4a")
    assert answer.headers["Content-Disposition"].startswith('inline; filename="convert.m4a"')


@pytest.mark.parametrize(
    "name", ["UTF-8''%E9%9B%A8.flac", "utf-8'en'a%22%0Ab.flac", "ISO-8859-1''%E9.flac", "\"UTF-8''a.flac\""]
)
def test_a_file_with_an_extended_name_alone_is_taken(server: Live, name: str) -> None:
    form = [
        b'--x\r\nContent-Disposition: form-data; name="format"\r\n\r\nwav\r\n--x\r\n',
        f'Content-Disposition: form-data; name="file"; filename*={name}\r\n\r\n'.encode(),
        encoded(np.tile(SONG, (16, 1))),  # longer than a field of text may be
        b"\r\n--x--\r\n",
    ]
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = server.client().post("/v1/audio/convert/", content=b"".join(form), headers=headers)
    assert answer.status_code == 200, answer.text
    assert heard(answer.content)[1].seconds == pytest.approx(16 * 1.5)


def test_a_conversion_has_the_rate_the_channels_and_the_bit_rate_asked_for(server: Live) -> None:
    asked = {"format": "mp3", "bitrate": "256", "sample_rate": "48000", "channels": "mono"}
    answer = sent(server, "convert", encoded(np.tile(SONG, (4, 1))), **asked)
    _, made = heard(answer.content)
    assert (made.rate, made.channels) == (48_000, 1)
    assert 8 * len(answer.content) / made.seconds == pytest.approx(256_000, rel=0.05)


def test_a_conversion_keeps_tags_and_24_bits(server: Live) -> None:
    answer = sent(server, "convert", encoded(SONG, tags={"title": "Mine"}, depth=24), format="wav")
    sound, made = heard(answer.content)
    assert (made.tags, made.depth) == ({"title": "Mine"}, 24)
    assert np.max(np.abs(sound - SONG)) < 1e-6


def test_a_conversion_is_free(server: Live) -> None:
    account, key = server.new_key(credits=0)
    answer = sent(server, "convert", encoded(SIXTY_ONE_SECONDS, 8000), key=key, format="mp3")
    assert (answer.headers["X-Credits-Used"], answer.headers["X-Credits-Remaining"]) == ("0", "0")
    assert server.account(account).reserved == 0


def test_a_conversion_may_be_a_job(server: Live) -> None:
    answer = sent(server, "convert", encoded(SONG), format="wav", **{"async": "true"})
    body = ended(server.client(), answer.json()["uuid"])
    assert body["status"] == "completed"
    assert body["duration"] == pytest.approx(1.5)
    assert body["result_url"].endswith(".wav")
    result = httpx.get(body["result_url"])
    assert result.headers["Content-Type"] == "audio/wav"
    assert result.content == sent(server, "convert", encoded(SONG), format="wav").content


async def test_the_end_of_a_job_is_told_to_its_webhook(server: Live) -> None:
    async with receiver(says("200 OK")) as hook:
        fields = {"format": "mp3", "webhook_url": hook.url()}
        answer = await asyncio.to_thread(sent, server, "convert", encoded(SONG), **fields)
        [told] = await told_to(hook, 1)
    task = answer.json()["task_id"]
    assert (told["event"], told["task_id"], told["status"]) == ("task.completed", task, "success")
    assert told["result_url"] == f"{server.url}/v1/results/{task}.mp3"


def test_a_job_can_be_looked_up(server: Live) -> None:
    task = sent(server, "convert", encoded(SONG), format="wav", **{"async": "true"}).json()["task_id"]
    ended(server.client(), task)
    body = server.client().get(f"/v1/tasks/{task}").json()
    assert (body["kind"], body["model"], body["status"]) == ("convert", "convert", "completed")
    assert server.client().get("/v1/speech/subtitles", params={"uuid": task}).status_code == 404


@pytest.fixture(scope="module")
def noisy(server: Live, kokoro_weights: Path, denoiser_weights: Path) -> Samples:
    """Speech in white noise of 5 dB, (n, 2) at 24 kHz."""
    body = {"model": "kokoro", "voice": "af_heart", "text": TEXT, "format": "flac"}
    speech, _ = heard(server.client().post("/v1/tts/", json=body).raise_for_status().content)
    noise = np.random.default_rng(0).standard_normal((len(speech), 2)) * np.std(speech) * 10 ** (-5 / 20)
    return (0.7 * (speech + noise)).astype(np.float32)


@pytest.mark.parametrize(
    ("tool", "fields"),
    [
        ("enhance", {"strength": "3"}),
        ("/v1/audio-enhance/", {"enhance_clarity": "false"}),
        ("enhance", {"denoise": "false"}),
        ("dereverb", {"type": "echo"}),
        ("dereverb", {"type": "reverb", "intensity": "5"}),
        ("dereverb", {}),
    ],
)
def test_a_better_recording_is_as_long_and_says_the_same(
    server: Live, ear: Ear, noisy: Samples, tool: str, fields: dict[str, str]
) -> None:
    account, key = server.new_key(credits=3)
    answer = sent(server, tool, encoded(noisy, 24_000), key=key, **fields)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "audio/wav")
    assert (answer.headers["X-Credits-Used"], answer.headers["X-Credits-Remaining"]) == ("2", "1")
    sound, made = heard(answer.content)
    assert (made.rate, sound.shape) == (24_000, noisy.shape)
    assert wer(TEXT, ear.listen(answer.content)) <= 0.1
    after = server.account(account)
    assert (after.available, after.reserved) == (1, 0)


def test_what_is_denoised_has_softer_pauses(server: Live, noisy: Samples) -> None:
    fields = {"strength": "3", "enhance_clarity": "false", "format": "flac"}
    sound, _ = heard(sent(server, "enhance", encoded(noisy, 24_000), **fields).content)
    frames = [np.std(part) for part in np.array_split(sound[:, 0], 200)]
    before = [np.std(part) for part in np.array_split(noisy[:, 0], 200)]
    assert np.percentile(frames, 5) < 0.05 * np.percentile(before, 5)


def test_music_is_analysed(server: Live) -> None:
    time = np.arange(22_050 * 2) / 22_050
    chords = ((0, 4, 7), (5, 9, 12), (7, 11, 14), (0, 4, 7))
    bars = [sum(np.sin(2 * np.pi * 261.63 * 2 ** (s / 12) * time) for s in steps) for steps in chords]
    strokes = 0.6 + 0.4 * np.exp(-12 * (time % 0.5))
    music = np.concatenate([0.2 * bar * strokes for bar in bars] * 3)[:, None].astype(np.float32)
    answer = sent(server, "analyze", encoded(music, 22_050))
    body = answer.json()
    assert (body["key"], body["scale"], body["camelot"]) == ("C", "Major", "8B")
    assert body["compatible_keys"] == ["C Major", "G Major", "F Major", "A Minor"]
    assert body["candidates"][0] == {"bpm": body["bpm"], "confidence": body["confidence"]["bpm"]}
    assert body["duration"] == 24
    assert answer.headers["X-Credits-Used"] == "0"
    assert MusicBody.model_validate(body)


@pytest.mark.parametrize("asynchronous", ["false", "true"])
def test_silence_is_in_no_key_and_it_is_said_why(server: Live, asynchronous: str) -> None:
    answer = sent(server, "analyze", encoded(SIXTY_ONE_SECONDS, 8000), **{"async": asynchronous})
    if asynchronous == "true":
        answer = httpx.get(ended(server.client(), answer.json()["uuid"])["result_url"])
    body = answer.json()
    assert (body["key"], body["scale"], body["bpm"], body["time_signature"]) == (None, None, None, None)
    assert (body["camelot"], body["compatible_keys"]) == (None, [])
    assert body["reasons"].keys() == body["confidence"].keys() == {"key", "bpm", "time_signature"}
    assert set(body["confidence"].values()) == {0}


@pytest.mark.parametrize("rate", [8000, 192_000])
@pytest.mark.parametrize("tool", ["convert", "analyze", "enhance", "dereverb", "separate"])
def test_one_sample_is_a_recording_too(server: Live, denoiser_weights: Path, tool: str, rate: int) -> None:
    fields = {"model": "spleeter"} if tool == "separate" else {"format": "wav"}
    assert sent(server, tool, encoded(np.full((1, 1), 0.1, np.float32), rate), **fields).status_code == 200


PRICES = [
    ("separate", {"model": "spleeter"}, 3),
    ("separate", {"model": "spleeter", "stems": "4"}, 4),
    ("enhance", {"denoise": "false"}, 2),
    ("dereverb", {}, 2),
]


@pytest.mark.parametrize(("tool", "fields", "per_minute"), PRICES)
@pytest.mark.parametrize("asynchronous", ["false", "true"])
def test_a_started_minute_is_paid_and_not_done_without_the_credits(
    server: Live, tool: str, fields: dict[str, str], per_minute: int, asynchronous: str
) -> None:
    account, key = server.new_key(credits=2 * per_minute - 1)
    fields = {**fields, "async": asynchronous}
    answer = sent(server, tool, encoded(SIXTY_ONE_SECONDS, 8000), key=key, **fields)
    assert (answer.status_code, answer.json()["credits_needed"]) == (402, 2 * per_minute)
    after = server.account(account)
    assert (after.available, after.reserved) == (2 * per_minute - 1, 0)


async def test_a_client_that_leaves_stops_the_work_and_pays_for_the_minutes_done(server: Live) -> None:
    account, key = await asyncio.to_thread(server.new_key, credits=1000)

    def reserved(wanted: bool) -> None:
        until = time.monotonic() + 60
        while bool(server.account(account).reserved) is not wanted:
            assert time.monotonic() < until
            time.sleep(0.05)

    files, data = {"file": encoded(np.tile(SONG, (400, 1)))}, {"model": "spleeter"}
    async with httpx.AsyncClient(base_url=server.url, headers={"Authorization": f"Bearer {key}"}) as client:
        asking = asyncio.create_task(client.post("/v1/audio/separate/", files=files, data=data, timeout=300))
        await asyncio.to_thread(reserved, True)
        asking.cancel()
    await asyncio.to_thread(reserved, False)
    assert 0 <= 1000 - (await asyncio.to_thread(server.account, account)).available < 30
