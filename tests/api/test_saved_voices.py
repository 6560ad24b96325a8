"""Saved voices over HTTP with the tone engine: made, listed, used, private to their account, deleted."""

import io
import json
import re
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from tests.api.test_cloning import pitch_of
from tests.api.test_jobs import ended
from tests.live import Live
from tests.voices import voice_file

from ttsai_server.engines.tone import HERTZ
from ttsai_server.store import saved_voices
from ttsai_server.store.db import Database
from ttsai_server.store.keys import PUBLISHABLE, Keys

STATEMENT = "I am the speaker, and I agree."
TEXT = "The rain has stopped."


def save(server: Live, key: str, hertz: float = 150, path: str = "/v1/voices/", **fields: Any) -> httpx.Response:
    files = {"reference_audio": ("me.flac", voice_file(hertz))}
    data = {"model": "tone", "name": "Me", "consent": STATEMENT, **fields}
    return server.client(key).post(path, files=files, data=data)


def saved(server: Live, key: str, hertz: float = 150, **fields: Any) -> dict[str, Any]:
    answer = save(server, key, hertz, **fields)
    assert answer.status_code == 200, answer.text
    return answer.json()


def said(server: Live, key: str, voice: str, **fields: Any) -> httpx.Response:
    body = {"model": "tone", "voice": voice, "text": TEXT, "format": "wav", **fields}
    return server.client(key).post("/v1/tts/", json=body)


def listed(server: Live, key: str, path: str = "/v1/voices/") -> list[str]:
    return [voice["id"] for voice in server.client(key).get(path).json()["voices"]]


@pytest.fixture
def key(server: Live) -> str:
    return server.new_key()[1]


def test_a_voice_is_saved_with_what_was_said_of_consent(server: Live) -> None:
    account, key = server.new_key(credits=5)
    voice = saved(server, key, gender="male", language="en")
    assert {name: voice[name] for name in ("name", "model", "language", "gender", "similarity")} == {
        "name": "Me",
        "model": "tone",
        "language": "en",
        "gender": "male",
        "similarity": None,
    }
    assert voice["consent"]["statement"] == STATEMENT
    assert re.fullmatch(r"key_[0-9a-f]{16}", voice["consent"]["key"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", voice["consent"]["at"])
    assert server.account(account).available == 5


def test_its_id_has_128_random_bits(server: Live, key: str) -> None:
    ids = {saved(server, key)["id"] for _ in range(2)}
    assert len(ids) == 2
    assert all(re.fullmatch(r"voice_[0-9a-f]{32}", id) for id in ids)


@pytest.mark.parametrize("field", ["name", "consent"])
def test_name_and_consent_are_required(server: Live, key: str, field: str) -> None:
    fields: dict[str, Any] = {field: " "}
    answer = save(server, key, **fields)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, field)


def test_a_statement_that_can_not_be_stored_is_refused(server: Live, key: str) -> None:
    answer = save(server, key, consent="I agree\0")
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "consent")


def test_the_recording_is_kept_if_that_is_asked_for(server: Live, key: str) -> None:
    assert not saved(server, key)["reference_kept"]
    voice = saved(server, key, keep_reference="true")
    assert voice["reference_kept"]
    assert server.client(key).get(f"/v1/voices/{voice['id']}").json()["reference_kept"]


def test_no_recording_is_kept_without_a_voice(server: Live, key: str) -> None:
    answer = save(server, key, path="/v1/voice-clone/", text=TEXT, name="", keep_reference="true")
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "name")


def test_a_bad_recording_is_refused(server: Live, key: str) -> None:
    files = {"reference_audio": ("me.flac", voice_file(seconds=2))}
    data = {"model": "tone", "name": "Me", "consent": STATEMENT}
    answer = server.client(key).post("/v1/voices/", files=files, data=data)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "reference_audio")


def test_it_speaks_on_every_path_that_speaks(server: Live, key: str) -> None:
    voice = saved(server, key, 140)["id"]
    openai = {"model": "tone", "voice": {"id": voice}, "input": TEXT, "response_format": "wav"}
    answers = [
        said(server, key, voice),
        said(server, key, voice, stream=True),
        server.client(key).post("/v1/audio/speech", json=openai),
    ]
    for answer in answers:
        assert answer.status_code == 200, answer.text
        assert pitch_of(answer.content) == pytest.approx(140, rel=0.03)


def test_it_speaks_in_jobs_and_batches(server: Live, key: str) -> None:
    voice, client = saved(server, key, 140)["id"], server.client(key)
    job = said(server, key, voice, **{"async": True}).json()["uuid"]
    texts = [{"model": "tone", "voice": voice, "text": TEXT, "format": "wav"}]
    batch = client.post("/api/v1/tts/batch/", json={"texts": texts}).json()["items"][0]["uuid"]
    for uuid in (job, batch):
        assert pitch_of(httpx.get(ended(client, uuid)["result_url"]).content) == pytest.approx(140, rel=0.03)


def test_it_blends_with_the_models_voices(server: Live, key: str) -> None:
    voice = saved(server, key, 140)["id"]
    answer = said(server, key, f"tone_a(1)+{voice}(3)")
    assert pitch_of(answer.content) == pytest.approx((220 + 3 * 140) / 4, rel=0.03)


def test_it_is_no_voice_of_another_model(server: Live, key: str) -> None:
    answer = said(server, key, saved(server, key)["id"], model="kokoro")
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "voice")


def test_it_is_listed_first_to_its_owner(server: Live, key: str) -> None:
    voice = saved(server, key)["id"]
    for path in ("/v1/voices/", "/v1/voices/?model=tone&language=en", "/v1/speech/voices/", "/api/v1/voices/"):
        assert listed(server, key, path)[0] == voice
    assert voice not in listed(server, key, "/v1/voices/?model=kokoro")
    assert voice not in listed(server, key, "/v1/audio/voices/")


def test_its_preview_plays_without_a_key_and_its_address_does_not_tell_its_id(server: Live, key: str) -> None:
    voice = saved(server, key, 140)
    assert voice["id"] not in voice["preview_url"]
    answer = httpx.get(voice["preview_url"], timeout=60)
    assert answer.headers["Content-Type"] == "audio/mpeg"
    assert pitch_of(answer.content) == pytest.approx(140, rel=0.03)
    assert httpx.get(f"{server.url}/v1/voices/preview/{voice['id']}.mp3").status_code == 404


def test_a_publishable_key_speaks_with_it_but_neither_sees_it_nor_saves_one(server: Live) -> None:
    account, key = server.new_key()
    voice = saved(server, key, 140)["id"]

    async def publishable(database: Database) -> str:
        return (await Keys(database).create(account, kind=PUBLISHABLE, origins=("https://example.org",)))[1]

    headers = {"Origin": "https://example.org", "Authorization": f"Bearer {server.on_database(publishable)}"}
    with httpx.Client(base_url=server.url, headers=headers, timeout=60) as page:
        uuid = page.post("/v1/tts/", json={"model": "tone", "voice": voice, "text": TEXT}).json()["uuid"]
        assert ended(page, uuid)["status"] == "completed"
        assert voice not in [each["id"] for each in page.get("/v1/voices/").json()["voices"]]
        refused = [page.post("/v1/voices/", data={"name": "Me"}), page.get(f"/v1/voices/{voice}")]
        assert [answer.status_code for answer in refused] == [403, 403]


def test_name_language_and_gender_can_be_changed(server: Live, key: str) -> None:
    voice = saved(server, key)["id"]
    changed = server.client(key).patch(f"/v1/voices/{voice}", json={"name": "You", "gender": "female"}).json()
    assert (changed["name"], changed["gender"], changed["language"]) == ("You", "female", "en")
    assert server.client(key).get(f"/v1/voices/{voice}").json() == changed


@pytest.mark.parametrize(
    "changes", [{"name": ""}, {"name": "a" * 101}, {"name": "a\nb"}, {"gender": "other"}, {"language": "fr"}]
)
def test_a_bad_change_is_refused(server: Live, key: str, changes: dict[str, str]) -> None:
    voice = saved(server, key)["id"]
    answer = server.client(key).patch(f"/v1/voices/{voice}", json=changes)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, next(iter(changes))), answer.text


def test_another_account_can_neither_see_nor_use_nor_change_it(server: Live, key: str) -> None:
    voice, (_, other) = saved(server, key)["id"], server.new_key()
    client = server.client(other)
    assert voice not in listed(server, other)
    assert voice not in listed(server, other, "/v1/speech/voices/")
    openai = {"model": "tone", "voice": voice, "input": TEXT}
    refused = [
        said(server, other, voice),
        said(server, other, f"tone_a+{voice}"),
        said(server, other, voice, **{"async": True}),
        client.post("/v1/audio/speech", json=openai),
        client.get(f"/v1/voices/{voice}"),
        client.patch(f"/v1/voices/{voice}", json={"name": "Mine"}),
        client.delete(f"/v1/voices/{voice}"),
    ]
    unknown = said(server, other, "voice_" + "0" * 32)
    assert [answer.status_code for answer in refused] == [404, 404, 404, 400, 404, 404, 404]
    assert refused[0].json()["message"].replace(voice, "") == unknown.json()["message"].replace("voice_" + "0" * 32, "")
    assert server.client(key).get(f"/v1/voices/{voice}").json()["name"] == "Me"


def test_a_deleted_voice_is_gone_and_so_is_its_preview(server: Live, key: str) -> None:
    voice, client = saved(server, key), server.client(key)
    assert httpx.get(voice["preview_url"], timeout=60).status_code == 200
    assert client.delete(f"/v1/voices/{voice['id']}").json() == {"id": voice["id"], "deleted": True}
    assert httpx.get(voice["preview_url"]).status_code == 404
    assert said(server, key, voice["id"]).status_code == 404
    assert client.get(f"/v1/voices/{voice['id']}").status_code == 404
    assert client.delete(f"/v1/voices/{voice['id']}").status_code == 404
    assert voice["id"] not in listed(server, key)


def found_in(folder: Path, wanted: list[bytes]) -> list[str]:
    files = [file for file in folder.rglob("*") if file.is_file()]
    return [file.name for file in files if any(each in file.read_bytes() for each in wanted)]


def test_nothing_of_a_deleted_voice_is_left_on_the_disk(server: Live, key: str) -> None:
    voice = saved(server, key, 163.7, name="Somebody who is to be forgotten", keep_reference="true")
    preview = httpx.get(voice["preview_url"], timeout=60).content

    async def data(database: Database) -> list[bytes | None]:
        return [await database.read(saved_voices.data, voice["id"], name) for name in ("embedding tone", "recording")]

    embedding, recording = server.on_database(data)
    hertz = np.load(io.BytesIO(embedding))[f"_{HERTZ}"].tobytes()
    plain = voice_file(163.7)[-2064:-2000]
    traces = [hertz, voice["id"].encode(), b"Somebody who is to be forgotten", preview[2000:2064], recording[-164:-100]]
    assert found_in(server.settings.data_dir, traces[:3])
    assert found_in(server.settings.data_dir, [plain]) == []
    server.client(key).delete(f"/v1/voices/{voice['id']}")
    assert found_in(server.settings.data_dir, traces) == []


def test_a_clone_with_a_name_is_saved_too(server: Live, key: str) -> None:
    answer = save(server, key, 180, "/v1/voice-clone/", text=TEXT, format="wav").json()
    body = ended(server.client(key), answer["uuid"])
    assert pitch_of(httpx.get(body["result_url"]).content) == pytest.approx(180, rel=0.03)
    assert pitch_of(said(server, key, answer["voice_id"]).content) == pytest.approx(180, rel=0.03)


def test_a_clone_without_a_text_is_only_saved_and_free(server: Live) -> None:
    account, key = server.new_key(credits=5)
    answer = save(server, key, 180, "/v1/voice-clone/").json()
    body = ended(server.client(key), answer["uuid"])
    result = json.loads(httpx.get(body["result_url"]).content)
    assert result == {"voice_id": answer["voice_id"], "name": "Me", "model": "tone", "similarity": None}
    assert pitch_of(said(server, key, answer["voice_id"]).content) == pytest.approx(180, rel=0.03)
    assert server.account(account).available == 5 - 1


def test_a_voice_may_be_saved_in_a_job(server: Live, key: str) -> None:
    answer = save(server, key, 180, **{"async": "true"}).json()
    assert ended(server.client(key), answer["uuid"])["status"] == "completed"
    assert answer["voice_id"] in listed(server, key)


def test_a_failed_clone_saves_nothing(server: Live, key: str) -> None:
    answer = save(server, key, 180, "/v1/voice-clone/", text="Oh, this breaks the engine.").json()
    assert ended(server.client(key), answer["uuid"])["status"] == "failed"
    assert answer["voice_id"] not in listed(server, key)
