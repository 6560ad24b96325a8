"""ttsai-server config: prints all settings with their defaults, as TOML."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from pydantic import BaseModel

from ttsai_server.docstrings import field_docstrings
from ttsai_server.settings import Settings

HEAD = """\
# Every setting of ttsai-server with its default. Made by `ttsai-server config`.
# Use a copy with `ttsai-server --config FILE serve`; any value can also come from the environment,
# as TTSAI_SERVER__SERVER__PORT=9000.
"""


def config() -> None:
    """Print every setting with its default, as a settings file."""
    typer.echo(example(), nl=False)


def example() -> str:
    """The text of config.example.toml."""
    return HEAD + "\n".join(_lines(Settings(), ())) + "\n"


def _lines(group: BaseModel, path: tuple[str, ...]) -> Iterator[str]:
    fields = type(group).model_fields
    described = field_docstrings(type(group))
    values = {name: getattr(group, name) for name in fields}
    for name, value in values.items():
        if not isinstance(value, BaseModel | dict):
            yield from _setting(name, value, described.get(name))
    for name, value in values.items():
        if isinstance(value, BaseModel | dict):
            yield from _table(value, (*path, name), described.get(name))


def _setting(name: str, value: Any, description: str | None) -> Iterator[str]:
    if description:
        yield f"# {description}"
    if isinstance(value, Path):  # differs from machine to machine
        yield f'# {name} = "…"'
    else:
        yield f"{name} = {json.dumps(value, ensure_ascii=False)}"


def _table(value: Any, path: tuple[str, ...], description: str | None) -> Iterator[str]:
    if isinstance(value, BaseModel):
        yield from ("", f"[{'.'.join(path)}]")
        yield from _lines(value, path)
    elif any(isinstance(item, BaseModel) for item in value.values()):
        for name, item in value.items():
            yield from _table(item, (*path, name), description)
    else:
        yield from ("", f"[{'.'.join(path)}]")
        if description:
            yield f"# {description}"
        yield from (f"{json.dumps(name)} = {json.dumps(item, ensure_ascii=False)}" for name, item in value.items())
