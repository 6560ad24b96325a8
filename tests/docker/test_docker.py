"""The image as far as it can be checked without a Docker engine."""

import json
import os
import re
import shutil
import subprocess
import sys
from functools import reduce
from importlib import metadata
from itertools import dropwhile, takewhile
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.specifiers import SpecifierSet
from tests.live import Live
from tests.test_packaging import PROJECT, asked_for, name_of

from ttsai_server.settings import CHECKOUT, load_settings

DOCKERFILE = CHECKOUT / "docker" / "Dockerfile"
COMPOSE: dict[str, Any] = yaml.safe_load((CHECKOUT / "docker" / "compose.yaml").read_text())
SERVICE: dict[str, Any] = COMPOSE["services"]["ttsai-server"]


def steps() -> list[tuple[str, str]]:
    """(instruction, what follows it) of the Dockerfile."""
    text = re.sub(r"^#.*\n", "", DOCKERFILE.read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in text.splitlines() if line]


def all_of(instruction: str) -> list[str]:
    return [rest for name, rest in steps() if name == instruction]


def environment() -> dict[str, str]:
    """The variables that the image and compose set for the server."""
    words = " ".join(all_of("ENV")).split()
    image = dict(word.split("=", 1) for word in words if word.startswith("TTSAI_SERVER__"))
    return {**image, **SERVICE["environment"]}


def in_context(path: str) -> bool:
    """Whether .dockerignore lets a path of the checkout into the build; the last pattern that fits decides."""
    allowed = True
    for pattern in (CHECKOUT / ".dockerignore").read_text().split():
        glob = re.escape(pattern.removeprefix("!")).replace(r"\*\*/", "(.*/)?").replace(r"\*", "[^/]*")
        if re.fullmatch(rf"{glob}(/.*)?", path):
            allowed = pattern.startswith("!")
    return allowed


def tracked() -> list[str]:
    listed = subprocess.run(["git", "ls-files"], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    return listed.stdout.split()


def sources() -> list[str]:
    """What the COPY instructions take from the context."""
    copied = [rest.split()[:-1] for rest in all_of("COPY") if not rest.startswith("--from")]
    return [source for group in copied for source in group]


@pytest.mark.parametrize("source", sources())
def test_what_is_copied_is_in_the_context(source: str) -> None:
    assert any((path == source or path.startswith(f"{source}/")) and in_context(path) for path in tracked())


def test_what_the_package_needs_is_in_the_context() -> None:
    needed = [path for path in tracked() if path.startswith(("src/", "alembic/", "models/"))]
    assert [path for path in needed if not in_context(path)] == []


@pytest.mark.parametrize(
    "path",
    [".env", ".git/config", ".venv/bin/python", "data/ttsai.db", "models/kokoro/model.onnx", "models/kokoro.lock",
     "src/ttsai_server/__pycache__/app.pyc", "tests/live.py"],
)  # fmt: skip
def test_what_the_image_must_not_hold_is_not_in_the_context(path: str) -> None:
    assert not in_context(path)


@pytest.fixture
def first_stage(tmp_path: Path) -> Path:
    """A folder with what the first stage has when it installs the package."""
    before = takewhile(lambda step: not step[1].startswith("make setup"), steps())
    for *paths, target in [rest.split() for instruction, rest in before if instruction == "COPY"]:
        (tmp_path / target).mkdir(parents=True, exist_ok=True)
        for path in paths:
            shutil.copy(CHECKOUT / path, tmp_path / target)
    return tmp_path


def test_the_first_stage_holds_what_make_setup_reads(first_stage: Path) -> None:
    subprocess.run(["make", "--dry-run", "setup"], cwd=first_stage, check=True)


def test_the_first_stage_holds_what_the_build_of_the_package_reads(first_stage: Path) -> None:
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel:editable"], cwd=first_stage, check=True)


def test_the_package_is_installed_by_make_alone() -> None:
    installs = [run for run in all_of("RUN") if re.search(r"\b(pip|uv|setup|cuda)\b", run)]
    assert [run.partition(" EXTRAS=")[0] for run in installs] == ["make setup", "make setup", "make cuda"]


def extras(size: str) -> set[str]:
    """The extras that an image of this size is made with."""
    after = dropwhile(lambda step: step != ("FROM", f"build AS {size}-packages"), steps())
    return set(next(rest for name, rest in after if name == "RUN").split("EXTRAS=")[1].split(","))


@pytest.mark.parametrize("size", ["api", "cpu"])
def test_an_image_has_what_servers_share(size: str) -> None:
    assert {"postgres", "redis", "s3"} <= extras(size)


def test_the_image_of_an_api_node_has_no_engine() -> None:
    heavy = {"ctranslate2", "faster-whisper", "kokoro", "misaki", "onnxruntime", "openvino", "spacy", "torch"}
    lines = [f"ttsai-server[{','.join(sorted(extras('api')))}]"]
    assert not asked_for(*PROJECT["dependencies"], *lines) & heavy


def test_by_default_an_image_has_the_engines_that_need_no_pytorch() -> None:
    assert [rest for name, rest in steps() if name == "FROM"][-1] == "server AS cpu"
    assert "engines" in extras("cpu")


@pytest.mark.parametrize("size", ["api", "cuda", "cpu"])
def test_the_folders_that_make_setup_does_not_read_lie_where_it_expects_them(size: str) -> None:
    after = list(dropwhile(lambda step: step != ("FROM", f"server AS {size}"), steps()))[1:]
    copies = [rest for _, rest in takewhile(lambda step: step[0] != "FROM", after)]
    assert copies[0] == f"--from={size}-packages /app /app"
    assert set(copies[1:]) == {f"{name} {all_of('WORKDIR')[0]}/{name}" for name in ("alembic", "models", "src")}


def test_every_package_of_an_image_admits_its_python() -> None:
    """Of those that are installed here; of the engines that run on PyTorch, after `make torch`."""
    (python,) = {rest.split(":")[1].split("-")[0] for rest in all_of("FROM") if rest.startswith("python:")}
    of_torch = re.search(r"^TORCH := (.+)$", (CHECKOUT / "Makefile").read_text(), re.MULTILINE)
    assert of_torch
    asked = asked_for(*PROJECT["dependencies"], f"ttsai-server[{','.join(extras('cpu'))},{of_torch[1]}]")
    installed = {name_of(each.name): each.metadata["Requires-Python"] for each in metadata.distributions()}
    bounds = {name: SpecifierSet(installed[name] or "") for name in asked & installed.keys()}
    assert {name for name, admitted in bounds.items() if not admitted.contains(f"{python}.5")} == set()


def test_the_server_does_not_run_as_root() -> None:
    assert int(all_of("USER")[-1]) > 0


def test_every_variable_changes_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    before = load_settings()
    for name, value in environment().items():
        monkeypatch.setenv(name, value)
    after = load_settings()
    paths = [name.removeprefix("TTSAI_SERVER__").lower().split("__") for name in environment()]
    assert all(reduce(getattr, path, after) != reduce(getattr, path, before) for path in paths)


def test_every_variable_of_the_image_is_one_of_the_servers() -> None:
    names = re.findall(r"(\w+)=", " ".join(all_of("ENV")))
    assert {name for name in names if not name.startswith("TTSAI_SERVER__")} == {"PATH", "PYTHONUNBUFFERED"}


def test_the_data_and_the_weights_outlive_the_container() -> None:
    folders = json.loads(all_of("VOLUME")[0])
    settings = environment()
    assert folders == [settings["TTSAI_SERVER__DATA_DIR"], settings["TTSAI_SERVER__MODELS__DIR"]]
    mounts: list[str] = SERVICE["volumes"]
    assert [mount.split(":")[1] for mount in mounts] == folders
    assert [mount.split(":")[0] for mount in mounts] == list(COMPOSE["volumes"])


def test_compose_builds_this_dockerfile() -> None:
    context = (CHECKOUT / "docker" / SERVICE["build"]["context"]).resolve()
    assert context / SERVICE["build"]["dockerfile"] == DOCKERFILE


def test_compose_publishes_the_port_that_the_server_listens_on() -> None:
    port = load_settings().server.port
    assert all_of("EXPOSE") == [str(port)]
    assert SERVICE["ports"] == [f"{port}:{port}"]


def test_compose_waits_for_a_graceful_stop() -> None:
    assert float(SERVICE["stop_grace_period"].removesuffix("s")) > load_settings().server.shutdown_seconds


@pytest.mark.parametrize(("port", "healthy"), [("the server's", True), ("9", False)])
def test_the_health_check_tells_a_live_server_from_none(server: Live, port: str, healthy: bool) -> None:
    port = server.url.rsplit(":", 1)[1] if healthy else port
    command: list[str] = json.loads(all_of("HEALTHCHECK")[0].split("CMD", 1)[1])
    code = command[-1].replace(":8000/", f":{port}/")
    assert command[0] == "python"  # the image's; this machine may have none of this name
    done = subprocess.run([sys.executable, *command[1:-1], code], env=dict(os.environ), capture_output=True)
    assert (done.returncode == 0) is healthy
