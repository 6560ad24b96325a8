"""How commands print: a table for people, one JSON object for programs; errors in one line."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
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


def show(title: str, rows: Sequence[Any], columns: Sequence[str], *, as_json: bool) -> None:
    """Rows of dataclasses: `{title: [...]}` with every field, or a table of some columns."""
    if as_json:
        typer.echo(json.dumps({title: [asdict(row) for row in rows]}))
        return
    table = Table()
    for column in columns:
        table.add_column(column, overflow="fold")  # what is shown is copied into the next command
    for row in rows:
        table.add_row(*("" if getattr(row, name) is None else str(getattr(row, name)) for name in columns))
    Console().print(table)
