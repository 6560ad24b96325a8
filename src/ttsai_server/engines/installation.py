"""Whether the packages that a model's engine needs are installed, and the command that installs them."""

import shlex
import subprocess
import sys
from pathlib import Path

from ttsai_server.domain import ModelCard
from ttsai_server.engines.catalog import load_class
from ttsai_server.engines.environments import Report, interpreter, is_whole, make
from ttsai_server.errors import PackagesMissing

IMPORT = """
import importlib, sys
for module in sys.argv[1:]:
    try:
        importlib.import_module(module)
    except BaseException as error:
        sys.exit(f"{module} can't be imported: {type(error).__name__}: {error}".replace(chr(10), " "))
"""
"""A program that imports the modules which its arguments name."""


def install_command(card: ModelCard, models: Path) -> str | None:
    """The command that installs the missing packages of the model's engine; None if none is missing.

    Args:
        card: the model.
        models: the folder of all weights, `models.dir`.
    """
    if card.environment:
        return None if is_whole(card, models) else f"ttsai-server models install {card.id}"
    engine = load_class(card)
    return None if engine.installed() else engine.install_command()


def import_fault(card: ModelCard, models: Path) -> str:
    """Why the packages of the model's engine can't be imported, in a process of their own; empty if they can. Seconds.

    The packages are known to be installed.
    """
    python = str(interpreter(card, models)) if card.environment else sys.executable
    modules = ("ttsai_server.runtime.worker",) if card.environment else load_class(card).packages
    done = subprocess.run([python, "-c", IMPORT, *modules], capture_output=True, text=True, check=False)
    if not done.returncode:
        return ""
    said = done.stderr.strip().splitlines()
    return said[-1] if done.returncode == 1 and said else f"importing {', '.join(modules)} ends with {done.returncode}"


def reinstall_command(card: ModelCard, models: Path) -> str:
    """The command that replaces the packages of the model's engine."""
    if card.environment:
        folder = shlex.quote(str(interpreter(card, models).parents[1]))
        return f"rm -r {folder} && ttsai-server models install {card.id}"
    return load_class(card).install_command().replace("pip install ", "pip install --force-reinstall ")


def install(card: ModelCard, models: Path, report: Report = lambda line: None) -> None:
    """Make the model's environment, if it has one of its own. Blocking, minutes.

    report: called with each line of uv's output. Raises InstallFailed; and PackagesMissing, with the command, if it
    needs packages that are to be installed beside this server's.
    """
    if card.environment:
        make(card, models, report)
    require_installed(card, models)


def require_installed(card: ModelCard, models: Path) -> None:
    """Raise PackagesMissing, with the command that installs them, if packages of the model's engine are missing."""
    if command := install_command(card, models):
        raise PackagesMissing(card.id, command)
