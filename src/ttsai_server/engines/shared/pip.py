"""The user's pip, whose configuration says where packages come from."""

import re
import subprocess
import sys
from ast import literal_eval
from importlib.util import find_spec
from shutil import which


def pip_command() -> list[str] | None:
    """The command that runs pip; None if there is none."""
    if find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    found = which("pip") or which("pip3")
    return [found] if found else None


def pip_setting(option: str) -> list[str]:
    """The words of an option that applies to `pip install`, such as `find-links`: from pip's files and environment
    variables, by pip's own precedence; none if it is not set, or there is no pip."""
    command = pip_command()
    if not command:
        return []
    listed = subprocess.run([*command, "config", "list"], capture_output=True, text=True).stdout
    found: list[str] = []
    for section in ("global", "install", ":env:"):  # a later one overrides an earlier one
        for value in re.findall(rf"^{section}\.{option}=(.+)$", listed, re.MULTILINE):
            found = str(literal_eval(value)).split()
    return found
