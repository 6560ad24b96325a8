"""ttsai-server accounts …"""

import json
from dataclasses import asdict
from operator import attrgetter
from typing import Annotated

import typer

from ttsai_server.cli.output import Columns, Json, fail, on_database, show
from ttsai_server.settings import Settings
from ttsai_server.store.accounts import Account, Accounts

app = typer.Typer(no_args_is_help=True)

COLUMNS: Columns = {name: attrgetter(name) for name in ("id", "plan", "available", "reserved", "name")}


def check_plan(settings: Settings, plan: str) -> str:
    """→ the plan, if the settings have it; else end the command with an error."""
    if plan not in settings.plans:
        raise fail(f"There is no plan {plan!r}; there are {', '.join(settings.plans)}.")
    return plan


@app.command("list")
def list_(context: typer.Context, as_json: Json = False) -> None:
    """All accounts."""
    show("accounts", on_database(context.obj, lambda database: Accounts(database).list()), COLUMNS, as_json=as_json)


@app.command()
def create(
    context: typer.Context,
    name: str,
    plan: Annotated[str, typer.Option(help="A plan of the settings.")] = "pro",
    credits: Annotated[int, typer.Option(min=0, help="Opening balance.")] = 0,
    as_json: Json = False,
) -> None:
    """Make an account."""
    check_plan(context.obj, plan)
    _print(on_database(context.obj, lambda database: Accounts(database).create(name, plan, credits)), as_json)


@app.command()
def grant(context: typer.Context, account: str, credits: int, note: str = "", as_json: Json = False) -> None:
    """Add credits to an account; a negative number takes them back (after `--`)."""
    _print(on_database(context.obj, lambda database: Accounts(database).grant(account, credits, note)), as_json)


@app.command("set-plan")
def set_plan(context: typer.Context, account: str, plan: str, as_json: Json = False) -> None:
    """Move an account to another plan."""
    check_plan(context.obj, plan)
    _print(on_database(context.obj, lambda database: Accounts(database).set_plan(account, plan)), as_json)


def _print(account: Account, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(asdict(account)))
    else:
        typer.echo(f"{account.id} ({account.name}): plan {account.plan}, {account.available} credits")
