"""Downloads files from plain URLs, `name`/`revision`/path; the card has to give their checksums."""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path

from ttsai_server.domain import Source
from ttsai_server.engines.weights.base import Progress
from ttsai_server.engines.weights.http import download, opened


def fetch_url(source: Source, wanted: Sequence[str], scratch: Path, progress: Progress) -> Iterator[tuple[str, Path]]:
    """Download each file, resuming an interrupted download. Raises Unavailable."""
    with opened({}) as client:
        for file in wanted:
            (path,) = source.files[file]
            url = f"{source.name}/{source.revision}/{path}"
            target = scratch / "url" / sha256(url.encode()).hexdigest()
            download(client, url, target, progress, file)
            yield file, target
