"""Downloads files of a model hub's repository at a pinned revision, over HTTP.

The hub's address and the token for gated repositories are the user's settings: HF_ENDPOINT, HF_TOKEN, `hf auth login`.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from ttsai_server.domain import Source
from ttsai_server.engines.weights.base import Progress, Unavailable
from ttsai_server.engines.weights.http import download, opened


def fetch_hub(source: Source, wanted: Sequence[str], scratch: Path, progress: Progress) -> Iterator[tuple[str, Path]]:
    """Download each file, resuming an interrupted download. Raises Unavailable."""
    from huggingface_hub import get_token, hf_hub_url
    from huggingface_hub.constants import HF_HUB_OFFLINE

    if HF_HUB_OFFLINE:
        raise Unavailable("HF_HUB_OFFLINE is set")
    token = get_token()
    with opened({"Authorization": f"Bearer {token}"} if token else {}) as client:
        for file in wanted:
            (path,) = source.files[file]
            target = scratch / "hub" / source.name / source.revision / path
            url = hf_hub_url(source.name, path, revision=source.revision)
            download(client, url, target, progress, file)
            yield file, target
