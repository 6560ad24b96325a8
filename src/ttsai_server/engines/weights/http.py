"""Resumable downloads over HTTP."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ttsai_server.engines.weights.base import Corrupt, Progress, Unavailable

if TYPE_CHECKING:
    import httpx

CONNECT_SECONDS = 10
READ_SECONDS = 60
WHOLE_ALREADY = 416
PART = 206


def opened(headers: Mapping[str, str]) -> "httpx.Client":
    """A client for `download`, which the caller has to close."""
    import httpx

    timeout = httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
    headers = {"Accept-Encoding": "identity", **headers}
    return httpx.Client(headers=headers, timeout=timeout, follow_redirects=True)


def download(client: "httpx.Client", url: str, target: Path, progress: Progress, what: str) -> None:
    """Download the rest of `target`, retrying as long as each attempt makes progress. Raises Unavailable, Corrupt."""
    import httpx

    target.parent.mkdir(parents=True, exist_ok=True)
    while True:
        before = _size(target)
        try:
            return _request(client, url, target, progress, what)
        except httpx.TransportError as error:
            if _size(target) <= before:
                raise Unavailable(f"{what}: {type(error).__name__}: {error}") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unavailable(f"{what}: {error}") from error


def _request(client: "httpx.Client", url: str, target: Path, progress: Progress, what: str) -> None:
    done = _size(target)
    with client.stream("GET", url, headers={"Range": f"bytes={done}-"} if done else {}) as answer:
        if done and answer.status_code == WHOLE_ALREADY:
            _check_whole(answer.headers.get("Content-Range", ""), done, what)
        else:
            _append(answer.raise_for_status(), target, progress, what)


def _append(answer: "httpx.Response", target: Path, progress: Progress, what: str) -> None:
    resumed = answer.status_code == PART
    done = _size(target) if resumed else 0
    total = done + int(answer.headers["Content-Length"]) if "Content-Length" in answer.headers else None
    with target.open("ab" if resumed else "wb") as out:
        for block in answer.iter_bytes():
            done += out.write(block)
            progress(what, done, total)


def _check_whole(content_range: str, held: int, what: str) -> None:
    """The server has no bytes beyond the `held` ones: raise Corrupt unless they are exactly the whole file."""
    if content_range != f"bytes */{held}":
        raise Corrupt(f"{what}: the download is longer than the file; it begins anew next time")


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
