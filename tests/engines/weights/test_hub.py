"""Against a real HTTP server on loopback."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.engines.weights.hub_server import Hub
from tests.engines.weights.sources import BIG, HUB_PATH, hub_source, make_card, sha256

from ttsai_server.engines.weights import missing_files, pull, verify
from ttsai_server.errors import PullFailed

CARD = make_card(hub_source(model_bin=sha256(BIG), config_json=sha256(b"{}")))


def test_files_arrive_whole(hub: Hub, models: Path) -> None:
    pull(CARD, models)
    assert (models / "m/model.bin").read_bytes() == BIG
    assert (models / "m/config.json").read_bytes() == b"{}"


def test_the_pinned_revision_is_asked_for(hub: Hub, models: Path) -> None:
    pull(CARD, models)
    assert hub.requests == [(f"{HUB_PATH}/onnx/model.bin", None), (f"{HUB_PATH}/config.json", None)]


def test_nothing_is_fetched_when_all_is_right(hub: Hub, models: Path) -> None:
    pull(CARD, models)
    hub.requests.clear()
    pull(CARD, models)
    assert hub.requests == []


def test_only_a_damaged_file_is_fetched_again(hub: Hub, models: Path) -> None:
    pull(CARD, models)
    (models / "m/model.bin").write_bytes(BIG[:-1] + b"?")
    assert missing_files(CARD, models) == []
    assert verify(CARD, models) == ["model.bin"]
    hub.requests.clear()
    pull(CARD, models)
    assert hub.requests == [(f"{HUB_PATH}/onnx/model.bin", None)]
    assert verify(CARD, models) == []


def test_a_broken_connection_goes_on_where_it_stopped(hub: Hub, models: Path) -> None:
    hub.cuts = [1_000_000, 500_000]
    pull(CARD, models)
    assert [asked for _, asked in hub.requests[:3]] == [None, "bytes=1000000-", "bytes=1500000-"]
    assert (models / "m/model.bin").read_bytes() == BIG


def test_a_pull_goes_on_where_a_failed_one_stopped(hub: Hub, models: Path) -> None:
    hub.cuts = [1_000_000, 0]  # the second try brings nothing: given up
    with pytest.raises(PullFailed):
        pull(CARD, models)
    assert missing_files(CARD, models) == ["model.bin", "config.json"]
    hub.requests.clear()
    pull(CARD, models)
    assert hub.requests[0] == (f"{HUB_PATH}/onnx/model.bin", "bytes=1000000-")
    assert verify(CARD, models) == []


def test_a_server_without_ranges_sends_all_again(hub: Hub, models: Path) -> None:
    hub.cuts, hub.ranges = [1_000_000], False
    pull(CARD, models)
    assert (models / "m/model.bin").read_bytes() == BIG


def test_a_download_that_was_whole_but_not_placed_is_not_fetched_again(hub: Hub, models: Path) -> None:
    draft = models / "m/.partial/hub/maker/voice/c0ffee/onnx/model.bin"
    draft.parent.mkdir(parents=True)
    draft.write_bytes(BIG)
    pull(CARD, models)
    assert hub.requests[0] == (f"{HUB_PATH}/onnx/model.bin", f"bytes={len(BIG)}-")
    assert verify(CARD, models) == []


@pytest.mark.parametrize("draft", [BIG + b"more", b"x" * 1000], ids=["longer", "other"])
def test_a_wrong_start_is_dropped_by_the_next_try(hub: Hub, models: Path, draft: bytes) -> None:
    kept = models / "m/.partial/hub/maker/voice/c0ffee/onnx/model.bin"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(draft)
    with pytest.raises(PullFailed):
        pull(CARD, models)
    assert not (models / "m/model.bin").exists()
    pull(CARD, models)
    assert verify(CARD, models) == []


def test_a_wrong_checksum_places_nothing(hub: Hub, models: Path) -> None:
    card = make_card(hub_source(model_bin="0" * 64))
    with pytest.raises(PullFailed, match=rf"model\.bin: its sha256 is {sha256(BIG)}, which should be 0{{64}}"):
        pull(card, models)
    assert missing_files(card, models) == ["model.bin"]


def test_progress_counts_up_to_the_size(
    hub: Hub, models: Path, seen: list[tuple[str, int, int | None]], watch: Callable[[str, int, int | None], None]
) -> None:
    hub.cuts = [1_000_000]
    pull(CARD, models, watch)
    told = [(done, total) for what, done, total in seen if what == "model.bin"]
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1] == (len(BIG), len(BIG))
    assert {total for _, total in told} == {len(BIG)}


def test_a_missing_file_says_so(hub: Hub, models: Path) -> None:
    del hub.files[f"{HUB_PATH}/config.json"]
    with pytest.raises(PullFailed, match=r"hub maker/voice @ c0ffee: config\.json: .*404"):
        pull(CARD, models)
    assert missing_files(CARD, models) == ["config.json"]


def test_a_hub_switched_off_is_not_asked(hub: Hub, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(PullFailed, match="HF_HUB_OFFLINE is set"):
        pull(CARD, models)
    assert hub.requests == []
