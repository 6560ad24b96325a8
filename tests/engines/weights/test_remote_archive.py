"""Archives at plain addresses, on a real HTTP server on loopback."""

import io
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.engines.weights.hub_server import Hub, running
from tests.engines.weights.sources import BIG, make_card, sha256

from ttsai_server.domain import Source
from ttsai_server.engines.weights import import_from, missing_files, pull, verify
from ttsai_server.errors import PullFailed


def packed(*names: str) -> bytes:
    """A .tar.gz with these members, which are all BIG."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for name in names:
            info = tarfile.TarInfo(name)
            info.size = len(BIG)
            archive.addfile(info, io.BytesIO(BIG))
    return content.getvalue()


ARCHIVE = packed("./notes.txt", "./big/model.bin")


@pytest.fixture
def site() -> Iterator[Hub]:
    with running({"v1/all.tar.gz": ARCHIVE}) as server:
        yield server


def source(address: str) -> Source:
    return Source("archive", f"{address}/v1/all.tar.gz", sha256(ARCHIVE), {"model.bin": ("big/model.bin",)})


def test_a_file_is_taken_out_of_the_archive(site: Hub, models: Path) -> None:
    card = make_card(source(site.url))
    pull(card, models)
    assert verify(card, models) == []
    assert (models / "m/model.bin").read_bytes() == BIG


def test_nothing_is_taken_out_of_another_archive(site: Hub, models: Path) -> None:
    site.files["v1/all.tar.gz"] = packed("./big/model.bin")
    card = make_card(source(site.url))
    with pytest.raises(PullFailed, match=r"all\.tar\.gz: its sha256 is"):
        pull(card, models)
    assert missing_files(card, models) == ["model.bin"]


def test_a_file_that_it_lacks_is_named(site: Hub, models: Path) -> None:
    card = make_card(replace(source(site.url), files={"model.bin": ("small/model.bin",)}))
    with pytest.raises(PullFailed, match=r"no package has small/model\.bin"):
        pull(card, models)


def test_a_pull_goes_on_where_a_failed_one_stopped(site: Hub, models: Path) -> None:
    card = make_card(source(site.url))
    half = len(ARCHIVE) // 2
    site.cuts = [half, 0]
    with pytest.raises(PullFailed):
        pull(card, models)
    pull(card, models)
    assert site.requests[-1] == ("v1/all.tar.gz", f"bytes={half}-")
    assert verify(card, models) == []


def test_an_archive_that_was_carried_here_is_not_asked_for(site: Hub, models: Path, tmp_path: Path) -> None:
    card = make_card(source(site.url))
    (tmp_path / "all.tar.gz").write_bytes(ARCHIVE)
    import_from(card, models, tmp_path)
    assert verify(card, models) == []
    assert site.requests == []
