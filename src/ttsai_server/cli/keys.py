"""ttsai-server keys …"""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from ttsai_server.cli.administer import administer, operator
from ttsai_server.cli.output import Columns, Json, fail, show
from ttsai_server.services.administration import Administration, NewKey
from ttsai_server.store.keys import PUBLISHABLE, SECRET, Key, KeyChanges

app = typer.Typer(no_args_is_help=True)

COLUMNS: Columns = {
    "id": lambda key: key.id,
    "begins": lambda key: key.prefix,
    "account": lambda key: key.account,
    "until": lambda key: _until(key),
    "admin": lambda key: "admin" if key.admin else "",
    "label": lambda key: key.label,
}

Origins = Annotated[list[str] | None, typer.Option("--origin", help="Web origin that may use it; repeatable.")]
Expires = Annotated[str | None, typer.Option(help="Last moment, ISO 8601, as 2027-01-31T00:00:00Z.")]


@app.command()
def create(
    context: typer.Context,
    account: Annotated[str | None, typer.Option(help="Account of the key; without it, a new one is made.")] = None,
    plan: Annotated[str, typer.Option(help="Plan of the new account.")] = "pro",
    credits: Annotated[int, typer.Option(min=0, help="Opening balance of the new account.")] = 0,
    label: Annotated[str, typer.Option(help="What the key is for.")] = "",
    publishable: Annotated[bool, typer.Option("--publishable", help="A key for web pages (pk-tts-…).")] = False,
    origins: Origins = None,
    expires: Expires = None,
    admin: Annotated[bool, typer.Option("--admin", help="A key that may administer the server.")] = False,
    as_json: Json = False,
) -> None:
    """Make a key. It is shown this once; only its hash is kept."""
    kind = PUBLISHABLE if publishable else SECRET
    new = NewKey(kind, label, tuple(origins or ()), _moment(expires), admin)

    async def make(desk: Administration) -> tuple[Key, str]:
        new.check()
        owner = account or (await desk.create_account(operator(), label or "cli", plan, credits)).id
        return await desk.create_key(operator(), owner, new)

    key, plain = administer(context.obj, make)
    if as_json:
        typer.echo(json.dumps({"key": plain, **asdict(key)}))
    else:
        typer.echo(f"{plain}\nKeep it: it is not shown again. Key {key.id} of account {key.account}.")


@app.command("list")
def list_(
    context: typer.Context,
    account: Annotated[str | None, typer.Option(help="Only this account's.")] = None,
    as_json: Json = False,
) -> None:
    """Keys, by their first characters."""
    show("keys", administer(context.obj, lambda desk: desk.keys(account)), COLUMNS, as_json=as_json)


@app.command()
def restrict(
    context: typer.Context,
    key: str,
    label: Annotated[str | None, typer.Option(help="What the key is for.")] = None,
    origins: Origins = None,
    expires: Expires = None,
    as_json: Json = False,
) -> None:
    """Change a key, by its id: its label, the origins of a publishable one, or to an earlier last moment."""
    changes = KeyChanges(label, tuple(origins) if origins else None, _moment(expires))
    changed = administer(context.obj, lambda desk: desk.restrict_key(operator(), key, changes))
    typer.echo(json.dumps(asdict(changed)) if as_json else f"{changed.id} is changed.")


@app.command()
def revoke(context: typer.Context, key: str, as_json: Json = False) -> None:
    """Stop a key for good, by its id."""
    revoked = administer(context.obj, lambda desk: desk.revoke_key(operator(), key))
    typer.echo(json.dumps(asdict(revoked)) if as_json else f"{revoked.id} is revoked.")


def _until(key: Key) -> str:
    """The date on which a key expires, UTC; `revoked`; or empty."""
    if key.revoked_at is not None:
        return "revoked"
    return "" if key.expires_at is None else f"{datetime.fromtimestamp(key.expires_at, UTC):%Y-%m-%d}"


def _moment(text: str | None) -> float | None:
    """An ISO 8601 time, by default in UTC → Unix seconds."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise fail(f"--expires: {text!r} is not an ISO 8601 time.") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
