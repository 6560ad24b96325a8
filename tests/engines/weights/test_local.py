"""Import from a folder: no hub, no pip, no npm is asked."""

import tarfile
from io import BytesIO
from pathlib import Path

import pytest
from tests.engines.weights.hub_server import Hub
from tests.engines.weights.sources import BIG, hub_source, make_card, sha256, wheel_source

from ttsai_server.domain import Source
from ttsai_server.engines.weights import import_from, missing_files, verify
from ttsai_server.errors import PullFailed

KNOWN = {"model_bin": sha256(BIG), "config_json": sha256(b"{}")}
CARD = make_card(hub_source(**KNOWN), wheel_source(**KNOWN))


@pytest.fixture
def carried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that somebody carried here, on a machine where nothing can be started."""
    monkeypatch.setattr("subprocess.Popen", None)
    (tmp_path / "carried/onnx").mkdir(parents=True)
    return tmp_path / "carried"


def test_files_are_found_by_the_cards_names(hub: Hub, carried: Path, models: Path) -> None:
    (carried / "model.bin").write_bytes(BIG)
    (carried / "config.json").write_bytes(b"{}")
    import_from(CARD, models, carried)
    assert verify(CARD, models) == []
    assert hub.requests == []


def test_files_are_found_by_the_names_of_a_repositorys_copy(carried: Path, models: Path) -> None:
    (carried / "onnx/model.bin").write_bytes(BIG)
    (carried / "config.json").write_bytes(b"{}")
    import_from(CARD, models, carried)
    assert verify(CARD, models) == []


def test_files_are_found_in_wheels(index: Path, carried: Path, models: Path) -> None:
    import_from(CARD, models, index)
    assert verify(CARD, models) == []


def test_files_are_found_in_an_npm_tarball(carried: Path, models: Path) -> None:
    with tarfile.open(carried / "maker-voices-2.0.tgz", "w:gz") as archive:
        member = tarfile.TarInfo("package/a.bin")
        member.size = len(BIG)
        archive.addfile(member, BytesIO(BIG))
    card = make_card(Source("npm", "@maker/voices", "2.0", {"a.bin": ("package/a.bin",)}, {"a.bin": sha256(BIG)}))
    import_from(card, models, carried)
    assert (models / "m/a.bin").read_bytes() == BIG


def test_what_was_carried_is_left_as_it_was(index: Path, models: Path) -> None:
    before = sorted(index.iterdir())
    import_from(CARD, models, index)
    assert sorted(index.iterdir()) == before


def test_a_wrong_file_is_refused(carried: Path, models: Path) -> None:
    (carried / "model.bin").write_bytes(b"not it")
    (carried / "config.json").write_bytes(b"{}")
    with pytest.raises(PullFailed, match=r"model\.bin: its sha256 is"):
        import_from(CARD, models, carried)
    assert missing_files(CARD, models) == ["model.bin"]


def test_what_is_not_there_is_named(carried: Path, models: Path) -> None:
    with pytest.raises(PullFailed, match=r"not in .*carried: tiny-weights-1, tiny-weights-2 1\.0"):
        import_from(CARD, models, carried)
