"""The servers under test, each as its users start it: a command on a free port, with files of its own."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.client import request
from benchmarks.processes import running
from ttsai_server.engines.catalog import Catalog
from ttsai_server.engines.weights import missing_files
from ttsai_server.settings import Settings

COMMAND = Path(sys.executable).parent / "ttsai-server"
NO_LIMITS = json.dumps({"enterprise": {"requests_per_minute": 10_000_000, "concurrent": 10_000}})
CREDITS = 100_000_000
START_SECONDS = 120

PEER = "fastkokoro[cpu]==0.7.0"
PEER_RUNTIME = "onnxruntime==1.32.0"
"""Pinned beside it: older ones miscompute these weights."""
VENV = Path(__file__).parent / ".venvs" / "fastkokoro"


@dataclass(frozen=True, slots=True)
class Running:
    url: str
    pid: int
    key: str = ""
    account: str = ""
    data_dir: Path = Path()
    ready_after: float = 0.0
    """Seconds from the start of the process until `/health/live` answered."""


@contextmanager
def ours(*preloaded: str, settings: Mapping[str, str] | None = None) -> Generator[Running]:
    """`ttsai-server serve` on a fresh database, ready when these models are loaded.

    settings: variables of the environment, without their prefix.
    """
    env = {
        "TTSAI_SERVER__MODELS__DEMO": "true",
        "TTSAI_SERVER__MODELS__PRELOAD": json.dumps(preloaded),
        "TTSAI_SERVER__PLANS": NO_LIMITS,
        **{f"TTSAI_SERVER__{name}": value for name, value in (settings or {}).items()},
    }
    with TemporaryDirectory() as folder, (Path(folder) / "log").open("w") as log:
        base = [COMMAND, "--data-dir", folder]
        key = new_key(Path(folder))
        port = free_port()
        began = time.perf_counter()
        with running([*base, "serve", "--port", str(port)], env, log) as process:
            url = f"http://127.0.0.1:{port}"
            wait(process, url, "/health/live", Path(log.name))
            after = time.perf_counter() - began
            wait(process, url, "/health/ready", Path(log.name))
            yield Running(url, process.pid, key["key"], key["account"], Path(folder), after)


@contextmanager
def peer(voice: str) -> Generator[Running]:
    """fastkokoro in its own environment, at its own defaults, on the weights that our pull has fetched."""
    _install_peer()
    with TemporaryDirectory() as folder, (Path(folder) / "log").open("w") as log:
        port, url = free_port(), ""
        env = {
            "FASTKOKORO_MODEL_PATH": str(_export()),
            "FASTKOKORO_VOICES_PATH": str(_voices(Path(folder), voice)),
            "FASTKOKORO_CACHE_DIR": folder,
            "FASTKOKORO_HOST": "127.0.0.1",
            "FASTKOKORO_PORT": str(port),
        }
        with running([VENV / "bin" / "fastkokoro"], env, log) as process:
            url = f"http://127.0.0.1:{port}"
            wait(process, url, "/health", Path(log.name))
            yield Running(url, process.pid)


def weights_missing(model: str) -> str:
    """What to run first, if the model's weights are not there; else empty."""
    settings = Settings()
    card = Catalog.read(settings.models.cards, demo=True).family(model)[0]
    return f"run first: ttsai-server models pull {model}" if missing_files(card, settings.models.dir) else ""


def new_key(data_dir: Path) -> dict[str, str]:
    """Create an account on the server's database. → its id and key, `account` and `key`."""
    create = ["keys", "create", "--json", "--plan", "enterprise", "--credits", str(CREDITS)]
    command = [COMMAND, "--data-dir", data_dir, *create]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait(process: "subprocess.Popen[str]", url: str, path: str, log: Path | None = None) -> None:
    """Until the server answers. Raises RuntimeError, with the end of its log, if it ends first or takes too long."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with request(url, path):
                return
        except (OSError, RuntimeError) as error:
            if process.poll() is not None or time.monotonic() > deadline:
                said = log.read_text()[-3000:] if log else ""
                raise RuntimeError(f"{process.args} did not start: {error}\n{said}") from error
        time.sleep(0.01)


def _install_peer() -> None:
    done = VENV / ".installed"
    if not done.exists():
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
        subprocess.run([VENV / "bin" / "pip", "install", "-q", PEER, PEER_RUNTIME], check=True)
        done.touch()


def _export() -> Path:
    """The published ONNX export that the pull fetched."""
    settings = Settings()
    card = Catalog.read(settings.models.cards).models["kokoro"]
    files = [settings.models.dir / card.id / file for source in card.sources for file in source.files]
    return next(file for file in files if file.suffix == ".onnx" and file.exists())


def _voices(folder: Path, voice: str) -> Path:
    """The voice in the file format of kokoro-onnx: an array (510, 1, 256) under its name."""
    settings = Settings()
    style = np.fromfile(settings.models.dir / "kokoro" / "voices" / f"{voice}.bin", np.float32)
    target = folder / "voices.npz"
    np.savez(target, allow_pickle=False, **{voice: style.reshape(510, 1, 256)})
    return target
