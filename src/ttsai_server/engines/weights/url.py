"""Files that a publisher keeps at plain addresses: `name`/`revision`/path. The card knows their checksums."""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path

from ttsai_server.domain import Source
from ttsai_server.engines.weights.base import Progress
from ttsai_server.engines.weights.http import download, opened


def fetch_url(source: Source, wanted: Sequence[str], scratch: Path, progress: Progress) -> Iterator[tuple[str, Path]]:
    """Download each file, going on where an earlier try stopped. Raises Unavailable."""
    with opened({}) as client:
        for file in wanted:
            (path,) = source.files[file]
            url = f"{source.name}/{source.revision}/{path}"
            target = scratch / "url" / sha256(url.encode()).hexdigest()
            download(client, url, target, progress, file)
            yield file, target
