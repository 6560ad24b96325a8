"""Results as clients fetch them, from a live server."""

import http.client
import re
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.live import Live, live

from ttsai_server.settings import Models, Settings
from ttsai_server.settings import Results as Bounds
from ttsai_server.store.db import Database
from ttsai_server.store.results import Result, new_id, open_results

SOUND = bytes(range(256)) * 6000


async def in_chunks(content: bytes) -> AsyncIterator[bytes]:
    yield content


def put(server: Live, content: bytes = SOUND, name: str = "speech.mp3", ttl: float | None = None) -> Result:
    async def work(database: Database) -> Result:
        store = open_results(server.settings, database)
        more: Any = {"account": "local", "name": name, "content_type": "audio/mpeg"}
        return await store.put(new_id("task"), in_chunks(content), ttl=ttl, **more)

    return server.on_database(work)


@pytest.fixture(scope="module")
def kept(server: Live) -> Result:
    return put(server)


@pytest.fixture(scope="module")
def client(server: Live) -> Iterator[httpx.Client]:
    """A client without a key."""
    with httpx.Client(base_url=server.url) as client:
        yield client


def spellings(result: Result) -> list[str]:
    downloads = f"/static/downloads/{result.id}"
    at = f"/v1/results/{result.id}"
    return [
        at,
        f"{at}/",
        f"/api{at}",
        f"{at}.mp3",
        f"{at}.MP3",
        f"{downloads}/tts_output.wav",
        f"{downloads}/output.mp3",
    ]


def test_a_result_is_served_under_all_its_addresses_without_a_key(client: httpx.Client, kept: Result) -> None:
    for path in spellings(kept):
        answer = client.get(path)
        assert (answer.status_code, answer.content) == (200, SOUND), path


def test_a_result_says_what_it_is(client: httpx.Client, kept: Result) -> None:
    headers = client.get(f"/v1/results/{kept.id}").headers
    assert {name: headers[name] for name in ("Content-Type", "Content-Length", "ETag", "Accept-Ranges")} == {
        "Content-Type": "audio/mpeg",
        "Content-Length": str(len(SOUND)),
        "ETag": kept.etag,
        "Accept-Ranges": "bytes",
    }
    assert (headers["Cache-Control"], headers["X-Content-Type-Options"]) == ("private", "nosniff")
    assert headers["Content-Disposition"] == "inline; filename=\"speech.mp3\"; filename*=UTF-8''speech.mp3"


def test_a_head_says_the_same_and_sends_nothing(client: httpx.Client, kept: Result) -> None:
    for path in spellings(kept):
        whole, head = client.get(path), client.head(path)
        assert (head.status_code, head.content) == (200, b"")
        assert {**whole.headers, "x-request-id": "", "date": ""} == {**head.headers, "x-request-id": "", "date": ""}


@pytest.mark.parametrize("name", ['Grüße "an" Zoë.mp3', "音声 100%.mp3", "a;b=c'd.mp3"])
def test_a_file_name_comes_through_whatever_is_in_it(server: Live, client: httpx.Client, name: str) -> None:
    told = client.head(f"/v1/results/{put(server, b'la', name).id}").headers["Content-Disposition"]
    plain, _, encoded = told.partition("; filename*=UTF-8''")
    assert unquote(encoded, errors="strict") == name
    assert re.fullmatch(r'inline; filename="[^"\\%]+\.mp3"', plain)
    assert told.isascii()


def test_an_empty_result_is_served(server: Live, client: httpx.Client) -> None:
    answer = client.get(f"/v1/results/{put(server, b'').id}")
    assert (answer.status_code, answer.headers["Content-Length"], answer.content) == (200, "0", b"")


@settings(max_examples=60)
@given(st.data())
def test_a_part_is_the_slice(client: httpx.Client, kept: Result, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(SOUND) - 1))
    last = data.draw(st.one_of(st.none(), st.integers(first, 2 * len(SOUND))))
    header = f"bytes={first}-{'' if last is None else last}"
    answer = client.get(f"/v1/results/{kept.id}", headers={"Range": header})
    stop = len(SOUND) if last is None else min(last + 1, len(SOUND))
    assert (answer.status_code, answer.content) == (206, SOUND[first:stop])
    assert answer.headers["Content-Range"] == f"bytes {first}-{stop - 1}/{len(SOUND)}"
    assert answer.headers["Content-Length"] == str(stop - first)


@given(st.integers(1, 2 * len(SOUND)))
@settings(max_examples=20)
def test_a_suffix_is_the_end(client: httpx.Client, kept: Result, length: int) -> None:
    answer = client.get(f"/v1/results/{kept.id}", headers={"Range": f"bytes=-{length}"})
    assert (answer.status_code, answer.content) == (206, SOUND[-length:])


def test_several_ranges_get_the_whole(client: httpx.Client, kept: Result) -> None:
    answer = client.get(f"/v1/results/{kept.id}", headers={"Range": "bytes=0-1,5-6"})
    assert (answer.status_code, answer.content) == (200, SOUND)


def test_a_range_outside_is_416_in_the_contracts_shape(client: httpx.Client, kept: Result) -> None:
    answer = client.get(f"/v1/results/{kept.id}", headers={"Range": f"bytes={len(SOUND)}-"})
    assert (answer.status_code, answer.headers["Content-Range"]) == (416, f"bytes */{len(SOUND)}")
    assert answer.json()["error"]["code"] == "bad_request"


def test_a_download_that_broke_off_goes_on_only_if_the_result_is_the_same(client: httpx.Client, kept: Result) -> None:
    path, part = f"/v1/results/{kept.id}", {"Range": "bytes=100-"}
    assert client.get(path, headers={**part, "If-Range": kept.etag}).content == SOUND[100:]
    assert client.get(path, headers={**part, "If-Range": '"other"'}).content == SOUND


def test_what_the_client_has_is_not_sent_again(client: httpx.Client, kept: Result) -> None:
    answer = client.get(f"/v1/results/{kept.id}", headers={"If-None-Match": kept.etag, "Range": "bytes=0-1"})
    assert (answer.status_code, answer.headers["ETag"], answer.content) == (304, kept.etag, b"")


def not_found(answer: httpx.Response) -> bool:
    return answer.status_code == 404 and answer.json()["error"]["code"] == "not_found"


@pytest.mark.parametrize("path", ["/v1/results/{}", "/v1/results/{}.mp3", "/static/downloads/{}/tts_output.wav"])
def test_an_unknown_result_is_404(client: httpx.Client, path: str) -> None:
    assert not_found(client.get(path.format(new_id("task"))))


@pytest.mark.parametrize("extension", [".wav", ".", ".mp3.mp3", ".mp"])
def test_the_extension_must_be_the_results_own(client: httpx.Client, kept: Result, extension: str) -> None:
    assert not_found(client.get(f"/v1/results/{kept.id}{extension}"))


def test_an_expired_result_is_404(server: Live, client: httpx.Client) -> None:
    assert not_found(client.get(f"/v1/results/{put(server, ttl=0.0001).id}"))


def test_a_result_whose_file_is_gone_is_404(server: Live, client: httpx.Client) -> None:
    made = put(server, b"la")
    (server.settings.data_dir / "results" / made.file).unlink()
    assert not_found(client.get(f"/v1/results/{made.id}"))


def test_the_files_own_name_is_no_address(client: httpx.Client, kept: Result) -> None:
    assert not_found(client.get(f"/v1/results/{kept.file}"))


def raw_get(server: Live, target: str) -> tuple[int, bytes]:
    """Sends the request target unchanged; an HTTP library would normalise it."""
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=30)
    try:
        connection.putrequest("GET", target, skip_host=False)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


STEPS = st.sampled_from(
    [
        "..",
        "%2e%2e",
        ".",
        "/",
        "%2f",
        "%5c",
        "\\",
        "%00",
        "etc",
        "passwd",
        "ttsai.db",
        "results",
        "%252e",
        "a" * 32,
        "~",
        "//",
    ]
)


@settings(max_examples=150)
@given(st.lists(STEPS, min_size=1, max_size=8), st.sampled_from(["/v1/results/", "/static/downloads/", "/static/"]))
def test_no_path_leads_out_of_the_store(server: Live, steps: list[str], root: str) -> None:
    (server.settings.data_dir / "results" / "planted").parent.mkdir(exist_ok=True)
    (server.settings.data_dir / "results" / "planted").write_bytes(b"planted")
    for target in (root + "".join(steps), root + "/".join(steps), root + "/".join([*steps, "planted"])):
        status, body = raw_get(server, target)
        assert status in (401, 404), target  # 401: a path under /v1 that is no result's
        assert b'"error"' in body


def test_the_server_deletes_what_has_expired_by_itself(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, models=Models(demo=True))
    with live(settings) as server:
        made = put(server, b"la", ttl=0.001)
        assert (tmp_path / "results" / made.file).exists()
    with live(settings):  # cleans up at its start, then every minute
        wait_until_gone(tmp_path / "results" / made.file)


def wait_until_gone(file: Path) -> None:
    deadline = time.monotonic() + 20
    while file.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_results_in_s3_are_served_alike(tmp_path: Path, s3_url: str) -> None:
    settings = Settings(data_dir=tmp_path, models=Models(demo=True), results=Bounds(url=s3_url))
    with live(settings) as server:
        made = put(server)
        path = f"{server.url}/v1/results/{made.id}"
        assert httpx.get(path).content == SOUND
        part = httpx.get(path, headers={"Range": "bytes=600000-"})
        assert (part.status_code, part.content) == (206, SOUND[600000:])
        assert httpx.head(path).headers["Content-Length"] == str(len(SOUND))
        assert not (tmp_path / "results").exists()
