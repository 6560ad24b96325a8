"""librosa, whose import asks Numba for a folder to keep compiled code in."""

import os
from importlib import import_module
from tempfile import mkdtemp
from typing import Any

PARTS = ("beat", "core.spectrum", "decompose", "filters")
"""What is used of it; it imports its parts when they are first asked for."""


def open_librosa() -> Any:
    """librosa, with its parts imported.

    Numba keeps what it compiles beside librosa, or in the user's cache if it may not write there; with neither (a
    read-only image without a home) it refuses, and gets a folder of this process alone.
    """
    try:
        return _imported()
    except RuntimeError:  # "cannot cache function: no locator available"
        import numba

        numba.config.CACHE_DIR = mkdtemp(prefix="numba-")
        return _imported()


def _imported() -> Any:
    for part in PARTS:
        import_module(f"librosa.{part}")
    return import_module("librosa")
