"""ttsai-server accounts …"""

import json
from dataclasses import asdict
from operator import attrgetter
from typing import Annotated

import typer

from ttsai_server.cli.administer import administer, operator
from ttsai_server.cli.output import Columns, Json, show
from ttsai_server.store.accounts import Account

app = typer.Typer(no_args_is_help=True)

COLUMNS: Columns = {name: attrgetter(name) for name in ("id", "plan", "available", "reserved", "name")}


@app.command("list")
def list_(context: typer.Context, as_json: Json = False) -> None:
    """All accounts."""
    accounts = administer(context.obj, lambda desk: desk.accounts())
    show("accounts", accounts, COLUMNS, as_json=as_json)


@app.command()
def create(
    context: typer.Context,
    name: str,
    plan: Annotated[str, typer.Option(help="A plan of the settings.")] = "pro",
    credits: Annotated[int, typer.Option(min=0, help="Opening balance.")] = 0,
    as_json: Json = False,
) -> None:
    """Make an account."""
    _print(administer(context.obj, lambda desk: desk.create_account(operator(), name, plan, credits)), as_json)


@app.command()
def grant(context: typer.Context, account: str, credits: int, note: str = "", as_json: Json = False) -> None:
    """Add credits to an account; a negative number takes them back (after `--`)."""
    _print(administer(context.obj, lambda desk: desk.grant(operator(), account, credits, note)), as_json)


@app.command("set-plan")
def set_plan(context: typer.Context, account: str, plan: str, as_json: Json = False) -> None:
    """Move an account to another plan."""
    _print(administer(context.obj, lambda desk: desk.set_plan(operator(), account, plan)), as_json)


def _print(account: Account, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(asdict(account)))
    else:
        typer.echo(f"{account.id} ({account.name}): plan {account.plan}, {account.available} credits")
