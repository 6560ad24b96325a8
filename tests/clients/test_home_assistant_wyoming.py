"""Wyoming, spoken by Home Assistant: its own integration, from its package, in an environment that has it.

It is the last release for Python 3.11. Later ones also send texts in parts, as test_wyoming.py does.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import soundfile
import soxr
from filelock import FileLock
from platformdirs import user_cache_path
from tests.clients.conftest import TEXT
from tests.listening import HEARING_RATE, Ear, wer
from tests.live import Live
from uv import find_uv_bin

from ttsai_server.engines.environments import where_pip_looks

CLIENT = Path(__file__).with_name("home_assistant.py")
RELEASE = "homeassistant==2024.3.3"
PACKAGES = (
    RELEASE,
    # what the manifests of `wyoming`, and of the integrations that it imports, require
    "wyoming==1.5.3",
    "ha-ffmpeg==3.1.0",
    "hassil==1.6.1",
    "home-assistant-intents==2024.3.12",
    "mutagen==1.47.0",
    "psutil-home-assistant==0.0.1",
    "webrtc-noise-gain==1.2.3",
)


def uv(*arguments: str) -> None:
    """Run uv; skips the test where it can't have the packages."""
    environment = where_pip_looks() | {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run([find_uv_bin(), *arguments], env=environment, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"uv can't install {RELEASE}: {' '.join(done.stderr.split())[:300]}")


@pytest.fixture(scope="module")
def interpreter() -> Path:
    """A Python that has Home Assistant; made once, in the user's cache."""
    if sys.version_info >= (3, 13):
        pytest.skip(f"{RELEASE} is for Python 3.11 and 3.12")
    folder = user_cache_path("ttsai-server") / "tests" / f"{RELEASE}-{sys.version_info.major}.{sys.version_info.minor}"
    whole = folder / "whole"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not whole.exists():
            uv("venv", "--clear", "--python", sys.executable, str(folder))
            uv("pip", "install", "--python", str(folder / "bin" / "python"), *PACKAGES)
            whole.touch()
    return folder / "bin" / "python"


@pytest.fixture(scope="module")
def port(real: Live) -> Iterator[str]:
    """Where `ttsai-server wyoming` listens, in front of the server with real voices and ears."""
    command = [sys.executable, "-m", "ttsai_server", "wyoming", "--port", "0", "--url", real.url]
    environment = os.environ | {"TTSAI_SERVER_KEY": real.key}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout
        try:
            found = re.fullmatch(r"Listening on tcp://127\.0\.0\.1:(\d+)\n", running.stdout.readline())
            assert found
            yield found[1]
        finally:
            running.terminate()


def test_home_assistant_finds_the_services_speaks_and_listens(
    interpreter: Path, port: str, clip: bytes, ear: Ear, tmp_path: Path
) -> None:
    recording, speech = tmp_path / "recording.wav", tmp_path / "speech.wav"
    (tmp_path / "clip.wav").write_bytes(clip)
    sound, rate = soundfile.read(tmp_path / "clip.wav")
    soundfile.write(recording, soxr.resample(sound, rate, HEARING_RATE), HEARING_RATE, "PCM_16")
    command = [interpreter, CLIENT, port, recording, TEXT, speech]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["platforms"] == ["stt", "tts"]
    assert "af_heart" in found["voices"]
    assert wer(TEXT, found["heard"]) <= 0.12
    assert wer(TEXT, ear.listen(speech.read_bytes())) <= 0.12
