"""What is told of a model that is here, missing or damaged."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from tests.engines.weights.sources import BIG, make_card

from ttsai_server.domain import ModelCard, Source
from ttsai_server.engines.base import Engine
from ttsai_server.engines.weights import check, import_from, is_checked
from ttsai_server.services.trials import Trials
from ttsai_server.settings import Models, Settings


@pytest.fixture
def card() -> ModelCard:
    return make_card(Source("pypi", "tiny-weights", "1.0", {"model.bin": ("tiny_weights/model.bin",)}))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", models=Models(dir=tmp_path / "models"))


@pytest.fixture
def model(card: ModelCard, settings: Settings, tmp_path: Path) -> Path:
    """The file of weights, as a pull leaves it."""
    (tmp_path / "model.bin").write_bytes(BIG)
    import_from(card, settings.models.dir, tmp_path)
    return settings.models.dir / "m/model.bin"


def told(card: ModelCard, settings: Settings) -> tuple[str, str | None, str | None]:
    found = Trials(settings).availability(card)
    return found.status, found.command, found.reason


PULL = "ttsai-server models pull m"


def test_what_was_pulled_is_ready_and_checked(card: ModelCard, settings: Settings, model: Path) -> None:
    assert told(card, settings) == ("ready", None, None)
    assert is_checked(card, settings.models.dir)


@pytest.mark.parametrize("content", [BIG[:12], BIG + b"."])
def test_a_file_of_another_size_is_damaged(card: ModelCard, settings: Settings, model: Path, content: bytes) -> None:
    model.write_bytes(content)
    reason = f"model.bin has {len(content):,} bytes, and had {len(BIG):,} when it was checked"
    assert told(card, settings) == ("broken", PULL, reason)


def test_an_empty_file_is_damaged_though_it_was_never_checked(card: ModelCard, settings: Settings) -> None:
    (settings.models.dir / "m").mkdir(parents=True)
    (settings.models.dir / "m/model.bin").touch()
    assert told(card, settings) == ("broken", PULL, "model.bin is empty")


def test_a_file_that_was_only_copied_is_not_damaged(card: ModelCard, settings: Settings, model: Path) -> None:
    os.utime(model, (0, 0))
    assert told(card, settings)[0] == "ready"
    assert not is_checked(card, settings.models.dir)


def test_a_wrong_checksum_is_known_from_the_check_until_the_file_changes(
    card: ModelCard, settings: Settings, model: Path, tmp_path: Path
) -> None:
    model.write_bytes(BIG[::-1])
    assert told(card, settings)[0] == "ready"  # nobody has looked yet
    assert check(card, settings.models.dir) == ["model.bin"]
    assert told(card, settings) == ("broken", PULL, "model.bin has a wrong checksum")
    import_from(card, settings.models.dir, tmp_path)
    assert told(card, settings)[0] == "ready"


def test_one_that_could_not_be_used_is_broken_until_something_of_it_changes(
    card: ModelCard, settings: Settings, model: Path
) -> None:
    Trials(settings).failed(card, "it makes noise", "mend it")
    assert told(card, settings) == ("broken", "mend it", "it makes noise")
    os.utime(model, (0, 0))
    assert told(card, settings)[0] == "ready"


def test_a_fault_under_other_settings_is_none(card: ModelCard, settings: Settings, model: Path) -> None:
    Trials(settings).failed(card, "it makes noise", "mend it")
    other = settings.model_copy(
        update={"models": settings.models.model_copy(update={"options": {"m": {"noise": False}}})}
    )
    assert told(card, other)[0] == "ready"


@pytest.mark.parametrize("content", ["", "[]", "{", '{"fault": 1}', '{"fault": "it hums", "speed": {"seconds": 1}}'])
def test_a_note_that_another_version_or_a_broken_disk_has_left_counts_as_none(
    card: ModelCard, settings: Settings, model: Path, content: str
) -> None:
    Trials(settings).failed(card, "it makes noise", "mend it")
    (note,) = (settings.data_dir / "trials").iterdir()
    note.write_text(content)
    assert told(card, settings) == ("ready", None, None)
    assert Trials(settings).speed(card) is None


def test_of_several_one_that_could_not_be_used_is_passed_over(
    card: ModelCard, settings: Settings, model: Path, tmp_path: Path
) -> None:
    trials, other = Trials(settings), replace(card, id="n")
    import_from(other, settings.models.dir, tmp_path)
    assert trials.first_ready([card, other], card) == card
    trials.failed(card, "it makes noise", "mend it")
    assert trials.first_ready([card, other], card) == other


def test_one_that_could_not_be_used_is_tried_again_where_there_is_no_other(
    card: ModelCard, settings: Settings, model: Path
) -> None:
    missing = replace(card, id="n")
    Trials(settings).failed(card, "it makes noise", "mend it")
    assert Trials(settings).first_ready([missing, card], missing) == card


class Halved(Engine):
    extra, packages = "halved", ("half_installed",)


def test_a_package_that_is_there_and_cannot_be_imported_breaks_it(
    settings: Settings, card: ModelCard, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "half_installed.py").write_text("raise ImportError('libsound.so.2: no such file')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    halved = replace(card, engine=f"{__name__}:Halved")
    found = Trials(settings).check(halved)
    assert found.status == "broken"
    assert found.reason == "half_installed can't be imported: ImportError: libsound.so.2: no such file"
    assert found.command == "pip install --force-reinstall 'ttsai-server[halved]'"
    (tmp_path / "half_installed.py").write_text("")
    os.utime(tmp_path / "half_installed.py", (1, 1))
    assert Trials(settings).check(halved).status == "ready"
