"""Virtual environments for engines whose packages conflict with the server's.

A card's [environment] gives the Python version and the packages. `make` installs them with uv into models/<id>/.venv,
together with the packages that a model's process imports, and links this `ttsai_server` there, without its other
dependencies. Indexes and folders of packages are those that the user has configured for uv, else those for pip.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from secrets import token_hex

import ttsai_server
from ttsai_server.domain import Environment, ModelCard
from ttsai_server.engines.shared.pip import pip_setting
from ttsai_server.errors import InstallFailed

OUR_PYTHON = ">=3.11"
OUR_PACKAGES = (
    "msgspec>=0.19",
    "numpy>=1.26",
    "orjson>=3.10",
    "platformdirs>=4",
    "pydantic>=2.11",
    "pydantic-settings>=2.10",
    "regex>=2025.7",
    "sentencex>=1.0.32",
)
"""What `ttsai_server.runtime.worker` and `engines.base` import, with bounds as wide as they allow."""
OUR_CODE = Path(ttsai_server.__file__).parent.resolve()

OF_PIP = {
    "index-url": ("UV_DEFAULT_INDEX", " "),
    "extra-index-url": ("UV_INDEX", " "),
    "find-links": ("UV_FIND_LINKS", ","),
}
"""pip's option → uv's variable that means the same, and what separates its values."""


Report = Callable[[str], object]
"""Called with each line of uv's output."""


def is_whole(card: ModelCard, models: Path) -> bool:
    """Whether the card's environment exists, was made for the card's present requirements, and has this server's code.

    models: the folder of all weights, `models.dir`.
    """
    folder = _folder(card, models)
    stamp = _stamp(folder)
    return (
        interpreter(card, models).exists()
        and stamp.is_file()
        and stamp.read_text("utf-8") == _content(_of(card))
        and any(link.resolve() == OUR_CODE for link in folder.glob("lib/python*/site-packages/ttsai_server"))
    )


def damage(card: ModelCard, models: Path) -> str:
    """What is wrong with an environment that was begun; empty if it is whole, or not there as the card asks for it."""
    if is_whole(card, models):
        return ""
    folder = _folder(card, models)
    stamp = _stamp(folder)
    if any(folder.parent.glob(f"{folder.name}-*")) or (folder.exists() and not stamp.is_file()):
        return "its environment is only half made"
    if not folder.exists() or stamp.read_text("utf-8") != _content(_of(card)):
        return ""
    if not interpreter(card, models).exists():
        return "the Python of its environment is gone"
    return "its environment was made for another installation of this server"


def interpreter(card: ModelCard, models: Path) -> Path:
    """Path of the Python interpreter in the card's environment, whether it exists or not."""
    return _folder(card, models) / "bin" / "python"


def make(card: ModelCard, models: Path, report: Report = lambda line: None) -> None:
    """Create the card's environment unless `is_whole`. Blocking, minutes.

    Replaces one that is incomplete or has other requirements. Several processes may call it at the same time. Raises
    InstallFailed, with uv's output, or with the command that installs uv.
    """
    from filelock import FileLock

    folder = _folder(card, models)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.parent / ".installing"):
        if not is_whole(card, models):
            _make(card, folder, report)


def _make(card: ModelCard, folder: Path, report: Report) -> None:
    """Create it in a folder with a random name, since the uv of a killed process may still be running; then rename."""
    for draft in folder.parent.glob(f"{folder.name}-*"):
        shutil.rmtree(draft, ignore_errors=True)
    draft = folder.with_name(f"{folder.name}-{token_hex(4)}")
    wanted, uv = _of(card), _uv(card)
    _run([uv, "venv", "--relocatable", "--python", f"{wanted.python},{OUR_PYTHON}", str(draft)], card, report)
    python = str(draft / "bin" / "python")
    install = [uv, "pip", "install", "--python", python, *_without(wanted.omitted, draft)]
    _run([*install, *wanted.packages, *OUR_PACKAGES], card, report)
    (packages,) = draft.glob("lib/python*/site-packages")
    (packages / "ttsai_server").symlink_to(OUR_CODE)
    _stamp(draft).write_text(_content(wanted), "utf-8")
    if folder.exists():
        shutil.rmtree(folder)
    draft.rename(folder)


def _without(packages: Sequence[str], folder: Path) -> list[str]:
    """uv's arguments that leave these packages out, whatever requires them: they are for no version of Python."""
    if not packages:
        return []
    overrides = folder / "omitted.txt"
    overrides.write_text("".join(f"{name}; python_version < '0'\n" for name in packages), "utf-8")
    return ["--overrides", str(overrides)]


def _run(command: list[str], card: ModelCard, report: Report) -> None:
    said: list[str] = []
    environment = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}
    with subprocess.Popen(
        command,
        env=where_pip_looks() | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    ) as process:
        for line in process.stderr or ():
            said.append(line.rstrip())
            report(line.strip())
    if process.returncode:
        raise InstallFailed(card.id, "\n".join(said) or f"uv ended with {process.returncode}.")


def where_pip_looks() -> dict[str, str]:
    """uv's variables for the indexes and folders that pip is configured with; none if uv has to use no index."""
    if os.environ.get("UV_NO_INDEX"):
        return {}
    variables: dict[str, str] = {}
    for option, (variable, separator) in OF_PIP.items():
        if words := pip_setting(option):
            variables[variable] = separator.join(words)
    # as pip does: the best release of all indexes, not the best of the first index that has any
    return variables | ({"UV_INDEX_STRATEGY": "unsafe-best-match"} if "UV_INDEX" in variables else {})


def _uv(card: ModelCard) -> str:
    """Path of uv's executable: from its Python package, else from PATH."""
    if find_spec("uv"):
        from uv import find_uv_bin

        return find_uv_bin()
    if found := shutil.which("uv"):
        return found
    raise InstallFailed(card.id, "uv is not installed. Run: pip install 'ttsai-server[environments]'")


def _of(card: ModelCard) -> Environment:
    assert card.environment, f"{card.id} has no environment of its own"
    return card.environment


def _folder(card: ModelCard, models: Path) -> Path:
    return models / card.id / ".venv"


def _stamp(folder: Path) -> Path:
    """The file that records an environment's requirements."""
    return folder / "ttsai-server.json"


def _content(wanted: Environment) -> str:
    packages = [*wanted.packages, *OUR_PACKAGES]
    content = {"python": [wanted.python, OUR_PYTHON], "packages": packages, "omitted": wanted.omitted}
    return json.dumps(content, indent=2)
