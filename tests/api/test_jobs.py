"""Jobs over HTTP, in a live server that runs them with the tone engine."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from tests.live import Live, live
from tests.receivers import Receiver, receiver, says

from ttsai_server.audio.encode import Encoder
from ttsai_server.settings import Compat, Models, Settings
from ttsai_server.store.keys import PUBLISHABLE

TONE = {"model": "tone", "voice": "tone_a"}
HELLO = {**TONE, "text": "Hello there. How are you?", "format": "wav"}
BREAKING = {**HELLO, "text": "Oh, this breaks the engine."}
LONG = {**TONE, "text": "A sentence of some length, said for a while. " * 1000}
IDS = ("uuid", "job_id", "task_id")


def ended(client: httpx.Client, uuid: str, path: str = "/v1/speech/results/") -> dict[str, Any]:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        body = client.get(path, params={"uuid": uuid}).raise_for_status().json()
        if body["status"] in ("completed", "failed"):
            return body
        time.sleep(0.02)
    raise AssertionError("the job did not end")


def started(client: httpx.Client, body: dict[str, Any] = HELLO) -> str:
    return client.post("/v1/tts/", json={**body, "async": True}).raise_for_status().json()["uuid"]


def silence(seconds: float) -> bytes:
    encoder = Encoder("flac", 16_000)
    return encoder.push(np.zeros((round(16_000 * seconds), 1), np.float32)) + encoder.finish()


JOB_REQUESTS = {
    "the path": ("/api/v1/tts/", {}, {}),
    "Accept": ("/v1/tts/", {"Accept": "application/json, audio/*;q=0.5"}, {}),
    "Prefer": ("/v1/tts/", {"Prefer": "respond-async"}, {}),
    "async": ("/v1/tts/", {}, {"async": True}),
    "webhook_url": ("/v1/tts/", {}, {"webhook_url": "http://127.0.0.1:9/"}),
    "the Ruby SDK": ("/v1/tts/", {"User-Agent": "tts-ruby/1.0"}, {}),
    "the Rust SDK": ("/v1/tts/", {"User-Agent": "tts-rust/1.0"}, {}),
    "the Go SDK": ("/v1/tts/", {"User-Agent": "tts-go/1.0"}, {}),
    "the PHP SDK": ("/v1/tts/", {"User-Agent": "tts-php/1.0"}, {}),
    "the JavaScript SDK": ("/v1/tts/", {"User-Agent": "tts-js/1.0"}, {}),
}


@pytest.mark.parametrize(("path", "headers", "fields"), JOB_REQUESTS.values(), ids=JOB_REQUESTS)
def test_who_asks_for_a_job_gets_one(server: Live, path: str, headers: dict[str, str], fields: dict[str, Any]) -> None:
    answer = server.client().post(path, json={**HELLO, **fields}, headers=headers)
    body = answer.json()
    assert answer.status_code == 200
    assert body["status"] == "queued"
    assert len({body[name] for name in IDS}) == 1
    assert body["credits_used"] == 1


def test_what_a_request_is_told_in_a_header_is_told_with_the_job(server: Live) -> None:
    client = server.client()
    uuid = started(client, {**HELLO, "cfg_weight": 0.5})
    for body in (ended(client, uuid), client.get(f"/v1/tasks/{uuid}/").json()):
        assert len(body["warnings"]) == 1
        assert "cfg_weight" in body["warnings"][0]
    assert "warnings" not in ended(client, started(client))


def test_a_publishable_key_gets_a_job(server: Live) -> None:
    key = server.new_key(kind=PUBLISHABLE, origins=("https://a.example",))[1]
    answer = server.client(key).post("/v1/tts/", json=HELLO, headers={"Origin": "https://a.example"})
    assert answer.json()["status"] == "queued"


def test_a_setting_makes_a_job_the_answer(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, models=Models(demo=True), compat=Compat(tts_response="job"))
    with live(settings) as strict:
        assert strict.client().post("/v1/tts/", json=HELLO).json()["status"] == "queued"


def test_everyone_else_gets_the_sound(server: Live) -> None:
    answer = server.client().post("/v1/tts/", json=HELLO, headers={"Accept": "application/json, */*"})
    assert answer.headers["content-type"] == "audio/wav"


def test_the_preference_is_said_to_be_applied(server: Live) -> None:
    answer = server.client().post("/v1/tts/", json=HELLO, headers={"Prefer": "respond-async"})
    assert answer.headers["preference-applied"] == "respond-async"


def test_the_result_is_the_speech(server: Live) -> None:
    client = server.client()
    body = ended(client, started(client))
    assert body["status"] == "completed"
    assert body["progress"] == 1
    assert body["result_url"] == body["url"] == body["cdn_url"]
    sound = httpx.get(body["url"])
    assert sound.headers["content-type"] == "audio/wav"
    assert sound.content == client.post("/v1/tts/", json=HELLO).content


def test_state_and_result_need_no_key(server: Live) -> None:
    uuid = started(server.client())
    with httpx.Client(base_url=server.url) as stranger:
        assert ended(stranger, uuid)["status"] == "completed"
        assert stranger.get(f"/static/downloads/{uuid}/tts_output.wav").status_code == 200


def test_an_id_may_be_written_without_its_beginning(server: Live) -> None:
    uuid = started(server.client())
    assert ended(server.client(), uuid.removeprefix("task_"))["uuid"] == uuid


def test_an_unknown_id_is_not_found(server: Live) -> None:
    answer = server.client().get("/v1/speech/results/", params={"uuid": "task_" + "0" * 32})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


def test_a_job_is_paid_once(server: Live) -> None:
    account, key = server.new_key(credits=10)
    client = server.client(key)
    ended(client, started(client))
    after = server.account(account)
    assert (after.available, after.reserved) == (9, 0)


def test_what_can_not_be_paid_is_not_accepted(server: Live) -> None:
    account, key = server.new_key(credits=0)
    answer = server.client(key).post("/v1/tts/", json={**HELLO, "async": True})
    assert answer.status_code == 402
    assert (answer.json()["credits_needed"], answer.json()["credits_remaining"]) == (1, 0)
    assert server.account(account).reserved == 0


@pytest.mark.parametrize(
    ("fields", "status"),
    [({"model": "no-such"}, 404), ({"voice": "no-such"}, 404), ({"text": ""}, 400), ({"webhook_url": "ftp://a"}, 400)],
)
def test_what_is_wrong_is_told_at_once(server: Live, fields: dict[str, Any], status: int) -> None:
    answer = server.client().post("/v1/tts/", json={**HELLO, "async": True, **fields})
    assert answer.status_code == status


def test_a_job_that_fails_says_why_and_costs_nothing(server: Live) -> None:
    account, key = server.new_key(credits=10)
    client = server.client(key)
    uuid = started(client, BREAKING)
    body = ended(client, uuid)
    assert body["status"] == "failed"
    assert body["error"] == body["message"] != ""
    assert client.get(f"/v1/tasks/{uuid}").json()["error"]["code"] == "internal_error"
    assert server.account(account).available == 10
    assert client.get(f"/v1/results/{uuid}").status_code == 404


def test_a_job_can_be_cancelled(server: Live) -> None:
    account, key = server.new_key(credits=100)
    client = server.client(key)
    uuid = started(client, LONG)
    answer = client.delete(f"/v1/tasks/{uuid}/")
    assert answer.json()["status"] == "cancelled"
    after = server.account(account)
    assert (after.available, after.reserved) == (100, 0)
    assert client.get(f"/v1/results/{uuid}").status_code == 404


def test_a_job_under_way_stops_when_cancelled(server: Live) -> None:
    client = server.client(server.new_key(credits=100)[1])
    uuid = started(client, LONG)
    while client.get(f"/v1/tasks/{uuid}").json()["status"] == "queued":
        time.sleep(0.02)
    client.delete(f"/v1/tasks/{uuid}")
    until = time.monotonic() + 60
    while 'ttsai_model_leases{model="tone"} 0' not in client.get("/metrics").text:
        assert time.monotonic() < until
        time.sleep(0.05)
    assert client.get(f"/v1/tasks/{uuid}").json()["status"] == "cancelled"


def test_cancelling_what_has_ended_changes_nothing(server: Live) -> None:
    client = server.client()
    uuid = started(client)
    ended(client, uuid)
    assert client.delete(f"/v1/tasks/{uuid}").json()["status"] == "completed"


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_task_is_its_accounts_alone(server: Live, method: str) -> None:
    uuid = started(server.client())
    assert server.client(server.new_key()[1]).request(method, f"/v1/tasks/{uuid}").status_code == 404


def test_progress_is_told(server: Live) -> None:
    client = server.client(server.new_key(credits=100)[1])
    uuid = started(client, LONG)
    seen = 0.0
    until = time.monotonic() + 60
    while not 0 < seen < 1 and time.monotonic() < until:
        seen = client.get("/v1/speech/results/", params={"uuid": uuid}).json()["progress"]
    client.delete(f"/v1/tasks/{uuid}")
    assert 0 < seen < 1


@pytest.mark.parametrize(("format", "start"), [("srt", "1\n00:00:00,000 --> "), ("vtt", "WEBVTT\n\n00:00:00.000 --> ")])
def test_a_job_has_subtitles(server: Live, format: str, start: str) -> None:
    client = server.client()
    body = ended(client, started(client))
    answer = client.get("/v1/speech/subtitles/", params={"uuid": body["uuid"], "format": format}).json()
    assert answer["format"] == format
    assert answer["content"].startswith(start)
    assert answer["content"].count("Hello there.") == 1
    assert (answer["language"], answer["segment_count"]) == ("en", 1)
    assert answer["duration"] == pytest.approx(1.5, abs=0.01)


def test_subtitles_follow_the_speech(server: Live) -> None:
    client = server.client()
    sentences = [f"This is sentence number {number}, and it is of some length." for number in range(12)]
    body = ended(client, started(client, {**HELLO, "text": " ".join(sentences)}))
    answer = client.get("/v1/speech/subtitles/", params={"uuid": body["uuid"], "format": "vtt"}).json()
    clocks = re.findall(r"(\d\d):(\d\d):(\d\d\.\d{3})", answer["content"])
    times = [int(hours) * 3600 + int(minutes) * 60 + float(seconds) for hours, minutes, seconds in clocks]
    assert times == sorted(times)
    assert times[-1] == pytest.approx(answer["duration"], abs=0.01)
    assert [int(number) for number in re.findall(r"number\s(\d+)", answer["content"])] == list(range(12))


def test_subtitles_before_the_end_are_not_found(server: Live) -> None:
    client = server.client(server.new_key(credits=100)[1])
    uuid = started(client, LONG)
    assert client.get("/v1/speech/subtitles/", params={"uuid": uuid}).status_code == 404
    client.delete(f"/v1/tasks/{uuid}")


def batch(client: httpx.Client, *items: dict[str, Any], **fields: Any) -> httpx.Response:
    return client.post("/api/v1/tts/batch/", json={"texts": items, **fields})


def batch_ended(client: httpx.Client, batch_id: str) -> dict[str, Any]:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        body = client.get("/api/v1/tts/batch/result/", params={"batch_id": batch_id}).raise_for_status().json()
        if body["status"] == "completed":
            return body
        time.sleep(0.05)
    raise AssertionError("the batch did not end")


def test_a_batch_ends_with_every_item(server: Live) -> None:
    account, key = server.new_key(credits=10)
    client = server.client(key)
    answer = batch(client, *[HELLO] * 3).json()
    assert (answer["status"], answer["total"], answer["credits_charged"]) == ("processing", 3, 3)
    body = batch_ended(client, answer["batch_id"])
    assert [item["index"] for item in body["items"]] == [0, 1, 2]
    assert [item["uuid"] for item in body["items"]] == [item["uuid"] for item in answer["items"]]
    assert {httpx.get(item["url"]).status_code for item in body["items"]} == {200}
    assert server.account(account).available == 7


def test_a_wrong_item_of_a_batch_is_told_of_that_one(server: Live) -> None:
    account, key = server.new_key(credits=10)
    client = server.client(key)
    answer = batch(client, HELLO, {**HELLO, "model": "no-such"}, {"text": 3}, BREAKING).json()
    body = batch_ended(client, answer["batch_id"])
    assert [item["status"] for item in body["items"]] == ["completed", "failed", "failed", "failed"]
    assert [bool(item.get("error")) for item in body["items"]] == [False, True, True, True]
    assert (body["completed"], body["credits_charged"]) == (1, 1)
    assert server.account(account).available == 9


def test_a_batch_that_can_not_be_paid_is_not_begun(server: Live) -> None:
    account, key = server.new_key(credits=2)
    answer = batch(server.client(key), *[HELLO] * 3)
    assert answer.status_code == 402
    assert (answer.json()["credits_needed"], answer.json()["credits_remaining"]) == (3, 2)
    assert server.account(account).available == 2


@pytest.mark.parametrize("count", [0, 51])
def test_a_batch_has_1_to_50_items(server: Live, count: int) -> None:
    assert batch(server.client(), *[HELLO] * count).status_code == 400


def test_a_batch_is_its_accounts_alone(server: Live) -> None:
    id = batch(server.client(), HELLO).json()["batch_id"]
    answer = server.client(server.new_key()[1]).get("/api/v1/tts/batch/result/", params={"batch_id": id})
    assert answer.status_code == 404


def test_one_accounts_batch_does_not_hold_up_another(server: Live) -> None:
    greedy, other = (server.client(server.new_key(credits=500)[1]) for _ in range(2))
    item = {**TONE, "text": LONG["text"][:2000]}
    id = batch(greedy, *[item] * 50).json()["batch_id"]
    uuid = started(other)
    ended(other, uuid)
    body = greedy.get("/api/v1/tts/batch/result/", params={"batch_id": id}).json()
    for left in body["items"]:
        greedy.delete(f"/v1/tasks/{left['uuid']}")
    assert body["completed"] < 25


@pytest.fixture
async def ear() -> AsyncIterator[Receiver]:
    async with receiver(says("204 No Content")) as running:
        yield running


async def test_a_webhook_tells_of_the_end(server: Live, ear: Receiver) -> None:
    body = {**HELLO, "webhook_url": ear.url()}
    uuid = (await asyncio.to_thread(server.client().post, "/v1/tts/", json=body)).json()["uuid"]
    [told] = await heard(ear, 1)
    assert told["event"] == "task.completed"
    assert told["task_id"] == uuid
    assert told["result_url"] == f"{server.url}/v1/results/{uuid}.wav"
    assert told["credits_used"] == 1
    assert "warnings" not in told


async def test_a_webhook_tells_the_warnings_that_the_job_has(server: Live, ear: Receiver) -> None:
    client, body = server.client(), {**HELLO, "cfg_weight": 0.5, "webhook_url": ear.url()}
    uuid = (await asyncio.to_thread(client.post, "/v1/tts/", json=body)).json()["uuid"]
    [told] = await heard(ear, 1)
    assert "cfg_weight" in told["warnings"][0]
    assert told["warnings"] == (await asyncio.to_thread(ended, client, uuid))["warnings"]


async def test_a_webhook_tells_of_a_failure(server: Live, ear: Receiver) -> None:
    await asyncio.to_thread(server.client().post, "/v1/tts/", json={**BREAKING, "webhook_url": ear.url()})
    [told] = await heard(ear, 1)
    assert (told["event"], told["status"], told["error"]["code"]) == ("task.failed", "failed", "internal_error")


async def test_a_batchs_webhook_is_told_once(server: Live, ear: Receiver) -> None:
    client = server.client()
    id = (await asyncio.to_thread(batch, client, *[HELLO] * 4, webhook_url=ear.url())).json()["batch_id"]
    await asyncio.to_thread(batch_ended, client, id)
    [told] = await heard(ear, 1)
    assert (told["task_id"], told["credits_used"]) == (id, 4)


def test_a_transcription_that_is_no_sound_is_refused_at_once(server: Live, tiny_weights: object) -> None:
    files, data = {"file": ("a.wav", b"no sound")}, {"model": "whisper-tiny.en"}
    assert server.client().post("/v1/transcribe/", files=files, data=data).status_code == 400


def test_a_transcription_is_priced_by_its_length(server: Live, tiny_weights: object) -> None:
    account, key = server.new_key(credits=3)
    files, data = {"file": ("a.flac", silence(61))}, {"model": "whisper-tiny.en"}
    answer = server.client(key).post("/v1/transcribe/", files=files, data=data)
    assert (answer.status_code, answer.json()["credits_needed"]) == (402, 4)
    assert server.account(account).reserved == 0


def test_a_transcription_is_a_job(server: Live, tiny_weights: object) -> None:
    account, key = server.new_key(credits=3)
    client = server.client(key)
    files, data = {"file": ("a.flac", silence(2))}, {"model": "whisper-tiny.en"}
    uuid = client.post("/v1/transcribe/", files=files, data=data).raise_for_status().json()["uuid"]
    body = ended(client, uuid, "/v1/transcribe/results/")
    assert (body["status"], body["text"], body["duration"]) == ("completed", "", 2.0)
    transcript = httpx.get(body["result_url"]).json()
    assert transcript == {"text": "", "language": "en", "duration": 2.0, "segments": []}
    assert server.account(account).available == 1
    assert httpx.get(f"{server.url}/v1/results/{uuid}-input").status_code == 404


def test_a_transcription_with_a_webhook_is_a_job(server: Live, tiny_weights: object) -> None:
    files = {"file": ("a.flac", silence(1))}
    data = {"model": "whisper-tiny.en", "webhook_url": "http://127.0.0.1:9/"}
    assert server.client().post("/v1/stt/", files=files, data=data).json()["status"] == "queued"


def test_a_transcription_job_does_not_promise_what_it_does_not_give(server: Live, tiny_weights: object) -> None:
    files, data = {"file": ("a.flac", silence(1))}, {"model": "whisper-tiny.en", "response_format": "srt"}
    answer = server.client().post("/v1/transcribe/", files=files, data=data)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "response_format")


def test_under_api_a_transcription_is_not_a_job(server: Live, tiny_weights: object) -> None:
    files, data = {"file": ("a.flac", silence(1))}, {"model": "whisper-tiny.en"}
    assert server.client().post("/api/v1/stt/", files=files, data=data).json()["text"] == ""


async def heard(ear: Receiver, count: int) -> list[dict[str, Any]]:
    async with asyncio.timeout(120):
        while len(ear.received) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    await asyncio.sleep(0.3)
    return [json.loads(request.body) for request in ear.received]


def test_an_accounts_jobs_are_listed_newest_first_and_nobody_elses(server: Live) -> None:
    _, key = server.new_key()
    with server.client(key) as client, server.client(server.new_key()[1]) as other:
        first, second = (client.post("/v1/tts/", json={**HELLO, "async": True}).json()["task_id"] for _ in range(2))
        listed = client.get("/v1/tasks/").json()["tasks"]
        assert [task["task_id"] for task in listed] == [second, first]
        older = client.get("/v1/tasks/", params={"before": second}).json()["tasks"]
        assert [task["task_id"] for task in older] == [first]
        assert other.get("/v1/tasks/").json() == {"tasks": []}
