"""Against a real HTTP server on loopback."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.engines.weights.hub_server import Hub
from tests.engines.weights.sources import BIG, make_card, url_source

from ttsai_server.engines.weights import import_from, missing_files, pull, verify
from ttsai_server.errors import PullFailed

PATH = "releases/2024/big/model.bin"


def test_a_file_arrives_whole(site: Hub, models: Path) -> None:
    card = make_card(url_source(site.url))
    pull(card, models)
    assert verify(card, models) == []
    assert (models / "m/model.bin").read_bytes() == BIG


def test_a_pull_goes_on_where_a_failed_one_stopped(site: Hub, models: Path) -> None:
    card = make_card(url_source(site.url))
    site.cuts = [1_000_000, 0]  # the second try brings nothing: given up
    with pytest.raises(PullFailed):
        pull(card, models)
    assert missing_files(card, models) == ["model.bin"]
    pull(card, models)
    assert site.requests[-1] == (PATH, "bytes=1000000-")
    assert verify(card, models) == []


def test_a_wrong_checksum_places_nothing(site: Hub, models: Path) -> None:
    card = make_card(replace(url_source(site.url), sha256={"model.bin": "0" * 64}))
    with pytest.raises(PullFailed, match=r"model\.bin: its sha256 is"):
        pull(card, models)
    assert missing_files(card, models) == ["model.bin"]


def test_a_missing_file_says_so(site: Hub, models: Path) -> None:
    site.files.clear()
    with pytest.raises(PullFailed, match=r"url http://.*/releases @ 2024: model\.bin: .*404"):
        pull(make_card(url_source(site.url)), models)


def test_an_address_that_nobody_answers_is_named(models: Path) -> None:
    with pytest.raises(PullFailed, match=r"url http://127\.0\.0\.1:1/releases @ 2024: model\.bin: ConnectError"):
        pull(make_card(url_source("http://127.0.0.1:1")), models)


def test_a_file_that_was_carried_here_is_not_asked_for(site: Hub, models: Path, tmp_path: Path) -> None:
    card = make_card(url_source(site.url))
    (tmp_path / "model.bin").write_bytes(BIG)
    import_from(card, models, tmp_path)
    assert verify(card, models) == []
    assert site.requests == []
