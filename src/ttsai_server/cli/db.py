"""ttsai-server db …"""

import asyncio

import typer

from ttsai_server.store.migrate import upgrade

app = typer.Typer(no_args_is_help=True)


@app.command("upgrade")
def upgrade_(context: typer.Context) -> None:
    """Make the tables, or bring them up to date. `serve` does so by itself."""
    asyncio.run(upgrade(context.obj))
    typer.echo(f"The database is up to date: {context.obj.store_url.split('@')[-1]}")
