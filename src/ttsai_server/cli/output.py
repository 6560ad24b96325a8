"""Output of commands: a table for people, one JSON object for programs; errors in one line."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

Columns = Mapping[str, Callable[[Any], object]]
"""Header of a column → function from a row to the cell's value."""
WIDEST = 1000
"""A width in characters that no table exceeds."""

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def fail(message: str) -> typer.Exit:
    """Print an error to standard error. → the exception to raise, which ends the command with exit status 1."""
    typer.secho(message, fg="red", err=True)
    return typer.Exit(1)


def show(title: str, rows: Sequence[Any], columns: Columns, *, as_json: bool) -> None:
    """Print dataclasses: as JSON, `{title: [...]}` with every field, or as a table.

    Only the last column may be wrapped. The others are never cut, however narrow the terminal: users copy the ids.
    """
    if as_json:
        typer.echo(json.dumps({title: [asdict(row) for row in rows]}))
        return
    table, last = Table(box=None, pad_edge=False, collapse_padding=True), list(columns)[-1]
    for header in columns:
        table.add_column(header, no_wrap=header != last, overflow="fold")
    for row in rows:
        table.add_row(*(str(cell(row)) for cell in columns.values()))
    least = Console(width=WIDEST).measure(table).minimum
    Console(width=max(Console().width, least)).print(table)
