"""Files of a session, read while they are written."""

import asyncio
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path

import httpx
import pytest
from starlette.responses import Response

from ttsai_server.audio.temp_disk import TempDisk
from ttsai_server.console import files
from ttsai_server.console import sessions as console_sessions
from ttsai_server.console.files import Files, KeptFile, playable
from ttsai_server.console.sessions import Sessions
from ttsai_server.domain import Caller
from ttsai_server.errors import DiskFull, NotFound, Unauthorized

ALICE = Caller("alice", "pro", "key_1")


def disk_of(caller: Caller) -> TempDisk:
    return TempDisk()


@pytest.fixture
def kept(tmp_path: Path) -> Files:
    return Files(tmp_path, TempDisk())


async def client(file: KeptFile, **query: bool) -> httpx.AsyncClient:
    async def app(scope: object, receive: object, send: object) -> None:
        response: Response = file.response(**query)
        await response(scope, receive, send)  # pyright: ignore[reportArgumentType]

    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here")  # pyright: ignore[reportArgumentType]


async def body(file: KeptFile) -> AsyncIterator[bytes]:
    async for part in file.response().body_iterator:  # pyright: ignore
        yield part  # pyright: ignore


async def test_a_reader_gets_what_is_written_later(kept: Files) -> None:
    file = kept.create("a.mp3", "audio/mpeg")
    await file.write(b"one")
    parts = body(file)
    assert await anext(parts) == b"one"
    later = asyncio.ensure_future(anext(parts))
    await file.write(b"two")
    assert await later == b"two"
    await file.end()
    assert [part async for part in parts] == []


async def test_a_reader_of_what_fails_does_not_take_it_for_whole(kept: Files) -> None:
    file = kept.create("a.mp3", "audio/mpeg")
    await file.write(b"one")
    parts = body(file)
    await anext(parts)
    await file.end(failed=True)
    with pytest.raises(OSError, match="incomplete"):
        await anext(parts)


async def test_a_whole_file_is_sent_in_ranges_and_saved_under_its_name(kept: Files) -> None:
    file = await kept.keep("é.wav", "audio/wav", BytesIO(b"0123456789"))
    async with await client(file, save=True) as asking:
        answer = await asking.get("/", headers={"Range": "bytes=2-4"})
    assert (answer.status_code, answer.content) == (206, b"234")
    assert answer.headers["Content-Disposition"].startswith("attachment; ")
    assert answer.headers["Content-Disposition"].endswith("filename*=UTF-8''%C3%A9.wav")


async def test_the_oldest_make_room(kept: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_FILES", 2)
    first, second, third = [await kept.keep("a", "audio/wav", b"x") for _ in range(3)]
    assert (kept.get(first.id), kept.get(second.id), kept.get(third.id)) == (None, second, third)
    assert not first.path.exists()


async def test_files_count_in_the_share_of_the_disk_until_they_are_deleted(tmp_path: Path) -> None:
    disk = TempDisk(10)
    kept = Files(tmp_path, disk)
    await kept.keep("a", "audio/wav", b"12345678")
    with pytest.raises(DiskFull):
        await kept.keep("b", "audio/wav", b"123")
    assert disk.used == 8
    kept.close()
    assert disk.used == 0


async def test_what_makes_room_while_it_is_written_ends(kept: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_FILES", 1)
    file = kept.create("a", "audio/wav")
    await file.write(b"x")
    kept.create("b", "audio/wav")
    with pytest.raises(NotFound):
        await file.write(b"y")
    kept.close()


def test_nothing_is_kept_for_a_session_that_has_ended(kept: Files, tmp_path: Path) -> None:
    kept.close()
    with pytest.raises(Unauthorized):
        kept.create("a", "audio/wav")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("audio/webm;codecs=opus", "audio/webm"),
        ("text/html", "application/octet-stream"),
        ("image/svg+xml", "application/octet-stream"),
        ("", "application/octet-stream"),
    ],
)
def test_only_sound_is_sent_back_as_what_it_was_called(given: str, sent: str) -> None:
    assert playable(given) == sent


def test_the_files_of_a_session_end_with_it(tmp_path: Path) -> None:
    sessions = Sessions(60, tmp_path, disk_of)
    cookie = sessions.open(ALICE)
    session = sessions.find(cookie)
    assert session
    asyncio.run(session.files.keep("a", "audio/wav", b"x"))
    sessions.end(cookie)
    assert (sessions.find(cookie), list(tmp_path.iterdir())) == (None, [])


def test_a_session_that_is_not_used_ends(tmp_path: Path) -> None:
    sessions = Sessions(0, tmp_path, disk_of)
    assert sessions.find(sessions.open(ALICE)) is None


def test_an_account_can_not_end_the_sessions_of_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console_sessions, "MOST_SESSIONS", 4)
    monkeypatch.setattr(console_sessions, "MOST_OF_ACCOUNT", 2)
    sessions = Sessions(60, tmp_path, disk_of)
    other = sessions.open(Caller("bob", "pro", "key_2"))
    cookies = [sessions.open(ALICE) for _ in range(5)]
    assert sessions.find(other)
    assert [sessions.find(cookie) is not None for cookie in cookies] == [False, False, False, True, True]
