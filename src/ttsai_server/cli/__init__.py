"""The command `ttsai-server`."""

from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from ttsai_server.cli import accounts, audit, config, db, doctor, keys, models, serve
from ttsai_server.cli.wyoming.command import wyoming
from ttsai_server.settings import load_settings

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.command()(serve.serve)
app.command()(serve.worker)
app.command()(config.config)
app.command()(doctor.doctor)
app.command()(audit.audit)
app.command()(wyoming)
app.add_typer(keys.app, name="keys", help="Make, list and revoke API keys.")
app.add_typer(accounts.app, name="accounts", help="Accounts, their plans and credits.")
app.add_typer(db.app, name="db", help="The database.")
app.add_typer(models.app, name="models", help="Models and their weights.")


@app.callback()
def settings(
    context: typer.Context,
    config: Annotated[Path | None, typer.Option(help="Settings file (TOML).")] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Folder of the database and the results.")] = None,
) -> None:
    """A self-hosted speech server with the TTS.ai REST API."""
    given: dict[str, Any] = {"data_dir": data_dir} if data_dir else {}
    try:
        context.obj = load_settings(config, **given)
    except FileNotFoundError as error:
        raise typer.BadParameter(f"There is no file {error}.") from None
    except ValidationError as error:
        problems = "\n".join(f"  {'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise typer.BadParameter(f"The settings are wrong:\n{problems}") from None


def main() -> None:
    app()
