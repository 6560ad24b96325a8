"""ttsai-server audit"""

import json
from datetime import UTC, datetime
from typing import Annotated

import typer

from ttsai_server.cli.administer import administer
from ttsai_server.cli.output import Columns, Json, show
from ttsai_server.store.audit import Facts

COLUMNS: Columns = {
    "at": lambda entry: f"{datetime.fromtimestamp(entry.at, UTC):%Y-%m-%d %H:%M:%S}",
    "who": lambda entry: entry.actor,
    "what": lambda entry: entry.action,
    "to": lambda entry: entry.target,
    "changes": lambda entry: f"{_shown(entry.before)} → {_shown(entry.after)}",
}


def audit(
    context: typer.Context,
    target: Annotated[str | None, typer.Option(help="Only changes of this account, key or model.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many, from the newest back.")] = 50,
    as_json: Json = False,
) -> None:
    """Who has changed which account, key or model, and when; times in UTC."""
    entries = administer(context.obj, lambda desk: desk.audit(limit, None, target))
    show("entries", entries, COLUMNS, as_json=as_json)


def _shown(facts: Facts | None) -> str:
    return "–" if facts is None else json.dumps(facts, ensure_ascii=False)
