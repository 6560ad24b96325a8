"""The server as `pip install ttsai-server` brings it: without engines."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import soundfile
from tests.cli.test_serve import Running

from ttsai_server.settings import CHECKOUT

pytestmark = pytest.mark.slow

MOST_MB = 350
OF_VENV = ("pip", "pip-", "setuptools", "pkg_resources", "_distutils_hack", "distutils-precedence")
"""Beginnings of what a virtual environment has before anything is installed."""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the server, from the package index, and no extra."""
    folder = tmp_path_factory.mktemp("bare") / "venv"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    pip = [folder / "bin/python", "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    subprocess.run([*pip, "-c", CHECKOUT / "constraints.txt", CHECKOUT], check=True)
    return folder


@pytest.fixture(scope="module")
def running(environment: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    data = tmp_path_factory.mktemp("data")
    settings = {"TTSAI_SERVER__MODELS__DIR": str(data / "models"), "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        [environment / "bin/ttsai-server", "--data-dir", data, "serve", "--port", "0"],
        cwd=data,
        env={**{name: value for name, value in os.environ.items() if name != "PYTHONPATH"}, **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield Running(process)
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five seconds of a chord that swells and fades twice a second."""
    file, time = tmp_path_factory.mktemp("sound") / "chord.wav", np.arange(5 * 22050) / 22050
    chord = sum(np.sin(2 * np.pi * tone * time) for tone in (262, 330, 392))
    soundfile.write(file, 0.2 * chord * np.abs(np.sin(2 * np.pi * time)), 22050)
    return file


def post(running: Running, path: str, **body: Any) -> httpx.Response:
    return httpx.post(f"{running.url}{path}", headers={"Authorization": f"Bearer {running.key}"}, timeout=60, **body)


def test_it_is_small(environment: Path) -> None:
    (packages,) = environment.glob("lib/python*/site-packages")
    files = (
        file
        for entry in packages.iterdir()
        if not entry.name.startswith(OF_VENV)
        for file in [entry, *entry.rglob("*")]
    )
    assert sum(file.stat().st_blocks * 512 for file in files) / 1e6 < MOST_MB


def test_it_starts_and_says_what_to_install(running: Running) -> None:
    assert httpx.get(f"{running.url}/health/live").status_code == 200
    assert "  pip install 'ttsai-server[kokoro]'\n  pip install 'ttsai-server[whisper]'\n" in running.said


def test_it_lists_its_models_and_what_they_need(running: Running) -> None:
    answer = httpx.get(f"{running.url}/v1/models/", headers={"Authorization": f"Bearer {running.key}"})
    models = {model["id"]: model for model in answer.json()["models"]}
    assert models["kokoro"]["status"] == models["whisper-base"]["status"] == "needs_install"
    assert models["clarity"]["status"] == "ready"


@pytest.mark.parametrize("language", [{}, {"language": "en"}])
def test_a_text_is_answered_with_the_command_that_installs_the_engine(
    running: Running, language: dict[str, str]
) -> None:
    text = "The rain has stopped, and the children are playing in the garden behind the old house again."
    answer = post(running, "/v1/tts/", json={"text": text, "model": "kokoro", "voice": "af_bella", **language})
    assert answer.status_code == 503
    assert "Run: pip install 'ttsai-server[kokoro]' && ttsai-server models pull kokoro" in answer.text


def test_a_recording_is_answered_with_the_command_that_installs_the_engine(running: Running, recording: Path) -> None:
    answer = post(running, "/v1/stt/", files={"file": recording.read_bytes()})
    assert answer.status_code == 503
    assert "Run: pip install 'ttsai-server[whisper]'" in answer.text


def test_an_engine_that_needs_no_package_works(running: Running, recording: Path) -> None:
    answer = post(running, "/v1/audio/analyze/", files={"file": recording.read_bytes()})
    assert answer.status_code == 200
