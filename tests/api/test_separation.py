"""Separation of music over HTTP: stems as an answer, as a ZIP file and by a job."""

import io
import zipfile

import httpx
import numpy as np
import pytest
from tests.api.recordings import SONG, encoded, heard, sent
from tests.api.test_jobs import ended
from tests.containers import Samples, melody
from tests.live import Live


@pytest.mark.parametrize(
    ("stems", "names"),
    [
        ("2", {"vocals", "instrumental"}),
        ("4", {"vocals", "drums", "bass", "other"}),
        ("5", {"vocals", "drums", "bass", "other", "piano"}),
    ],
)
def test_a_mix_is_taken_apart_and_its_stems_sum_to_it(server: Live, stems: str, names: set[str]) -> None:
    answer = sent(server, "separate", encoded(SONG), model="spleeter", stems=stems)
    body = answer.json()
    assert body.keys() == {"task_id", "status", "model", "duration", "stems", "credits_used"}
    assert (body["status"], body["model"], body["duration"]) == ("completed", "spleeter", 1.5)
    assert body["stems"].keys() == names
    assert body["credits_used"] == int(answer.headers["X-Credits-Used"]) == (3 if stems == "2" else 4)
    sounds = [heard(httpx.get(address).content)[0] for address in body["stems"].values()]
    assert all(sound.shape == SONG.shape for sound in sounds)
    assert decibels(sum(sounds) - SONG, SONG) < -40


def test_where_demucs_is_not_ready_spleeter_takes_its_place(server: Live) -> None:
    body = sent(server, "separate", encoded(SONG)).json()
    assert (body["model"], set(body["stems"])) == ("spleeter", {"vocals", "instrumental"})


def test_what_was_taken_apart_can_be_looked_up_as_a_task(server: Live) -> None:
    body = sent(server, "separate", encoded(SONG), model="spleeter").json()
    task = server.client().get(f"/v1/tasks/{body['task_id']}").json()
    assert (task["kind"], task["status"], task["credits_used"]) == ("separate", "completed", 3)
    assert httpx.get(task["result_url"]).json() == body


def test_stems_come_in_one_zip_for_who_asks_for_it(server: Live) -> None:
    asked = {"model": "spleeter", "format": "flac"}
    answer = sent(server, "separate", encoded(SONG), headers={"Accept": "application/zip"}, **asked)
    assert answer.headers["Content-Type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        assert sorted(archive.namelist()) == ["instrumental.flac", "vocals.flac"]
        assert all(heard(archive.read(name))[0].shape == SONG.shape for name in archive.namelist())


def test_a_mix_may_be_taken_apart_by_a_job(server: Live) -> None:
    account, key = server.new_key(credits=10)
    fields = {"model": "spleeter", "stems": "4", "format": "mp3", "async": "true"}
    task = sent(server, "separate", encoded(SONG), key=key, **fields).json()["task_id"]
    body = ended(server.client(), task)
    stems = httpx.get(body["result_url"]).json()
    assert (stems["task_id"], stems["credits_used"], len(stems["stems"])) == (task, 4, 4)
    assert all(httpx.get(address).headers["Content-Type"] == "audio/mpeg" for address in stems["stems"].values())
    assert server.account(account).available == 6


def test_a_job_may_make_a_zip(server: Live) -> None:
    headers, fields = {"Accept": "application/zip"}, {"model": "spleeter", "async": "true"}
    task = sent(server, "separate", encoded(SONG), headers=headers, **fields).json()["task_id"]
    address = ended(server.client(), task)["result_url"]
    assert address.endswith(".zip")
    with zipfile.ZipFile(io.BytesIO(httpx.get(address).content)) as archive:
        assert len(archive.namelist()) == 2


def test_mono_stays_mono_and_at_its_rate(server: Live) -> None:
    answer = sent(server, "separate", encoded(melody(1.0, 16_000), 16_000), model="spleeter")
    for address in answer.json()["stems"].values():
        _, made = heard(httpx.get(address).content)
        assert (made.rate, made.channels, made.frames) == (16_000, 1, 16_000)


def decibels(part: Samples | int, whole: Samples) -> float:
    return 20 * float(np.log10(np.std(part) / np.std(whole) + 1e-12))
