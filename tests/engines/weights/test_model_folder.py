"""The lock: checksums that no card gives are held to what the first pull found."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from tests.engines.weights.hub_server import Hub
from tests.engines.weights.sources import BIG, HUB_PATH, hub_source, make_card, sha256

from ttsai_server.engines.weights import missing_files, pull, verify
from ttsai_server.errors import PullFailed

CARD = make_card(hub_source(model_bin=sha256(BIG)))
CONFIG = f"{HUB_PATH}/config.json"


def test_the_first_pull_records_what_the_card_does_not_know(hub: Hub, models: Path) -> None:
    pull(CARD, models)
    assert json.loads((models / "m.lock").read_text()) == {"hub maker/voice @ c0ffee": {"config.json": sha256(b"{}")}}


def test_a_later_pull_is_held_to_the_record(hub: Hub, models: Path) -> None:
    pull(CARD, models)
    (models / "m/config.json").unlink()
    hub.files[CONFIG] = b"{changed}"
    with pytest.raises(PullFailed, match=r"config\.json: its sha256 is"):
        pull(CARD, models)
    assert missing_files(CARD, models) == ["config.json"]


def test_a_file_that_changed_here_is_noticed_by_the_record(hub: Hub, models: Path) -> None:
    pull(CARD, models)
    (models / "m/config.json").write_bytes(b"{changed}")
    assert verify(CARD, models) == ["config.json"]


def test_another_revision_has_a_record_of_its_own(hub: Hub, models: Path) -> None:
    pull(CARD, models)
    hub.files |= {path.replace("c0ffee", "beef"): content for path, content in hub.files.items()}
    hub.files[CONFIG.replace("c0ffee", "beef")] = b"{newer}"
    pull(make_card(replace(CARD.sources[0], revision="beef")), models)
    assert (models / "m/config.json").read_bytes() == b"{newer}"


def test_files_of_every_source_are_wanted(models: Path) -> None:
    one = replace(CARD.sources[0], files={"a": ("a",)})
    two = replace(CARD.sources[0], files={"b": ("b",), "a": ("x",)})
    assert missing_files(make_card(one, two), models) == ["a", "b"]
