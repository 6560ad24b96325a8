"""How commands print: a table for people, one JSON object for programs; errors in one line."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from ttsai_server.errors import ApiError
from ttsai_server.settings import Settings
from ttsai_server.store.db import Database, open_database
from ttsai_server.store.migrate import upgrade

T = TypeVar("T")
Columns = Mapping[str, Callable[[Any], object]]
"""Header of a table's column → what a row shows in it."""
WIDEST = 1000
"""Columns of the screen that no table needs."""

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def on_database(settings: Settings, work: Callable[[Database], Awaitable[T]]) -> T:
    """Run on the database of the settings, made or brought up to date first. An ApiError ends the command."""

    async def run() -> T:
        await upgrade(settings)
        database = open_database(settings)
        try:
            return await work(database)
        finally:
            await database.close()

    try:
        return asyncio.run(run())
    except ApiError as error:
        raise fail(error.message) from None


def fail(message: str) -> typer.Exit:
    """Say what is wrong on standard error; raise what this returns."""
    typer.secho(message, fg="red", err=True)
    return typer.Exit(1)


def show(title: str, rows: Sequence[Any], columns: Columns, *, as_json: bool) -> None:
    """Print rows of dataclasses: `{title: [...]}` with every field, or a table, whose last column may be wrapped.

    The others are never cut, however narrow the terminal: an id is copied into the next command.
    """
    if as_json:
        typer.echo(json.dumps({title: [asdict(row) for row in rows]}))
        return
    table, last = Table(box=None, pad_edge=False), list(columns)[-1]
    for header in columns:
        table.add_column(header, no_wrap=header != last, overflow="fold")
    for row in rows:
        table.add_row(*(str(cell(row)) for cell in columns.values()))
    least = Console(width=WIDEST).measure(table).minimum
    Console(width=max(Console().width, least)).print(table)
