"""ttsai-server serve"""

import json
import os
import secrets
from pathlib import Path
from typing import Annotated, Any

import typer
import uvicorn

from ttsai_server.app import create_app
from ttsai_server.logs import configure
from ttsai_server.memory import use_one_arena
from ttsai_server.settings import Settings


def serve(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="TCP port; 0 takes a free one.")] = None,
) -> None:
    """Start the server. The first start on an empty database prints a key."""
    use_one_arena()
    settings: Settings = context.obj
    given: dict[str, Any] = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    settings = settings.model_copy(
        update={"server": settings.server.model_validate({**dict(settings.server), **given})}
    )
    configure(settings.log.level, settings.log.format)
    token = secrets.token_urlsafe(32)
    config = uvicorn.Config(
        create_app(settings, admin_token=token, announce=_announce),
        host=settings.server.host,
        port=settings.server.port,
        log_config=None,
        access_log=False,
        server_header=False,
        ws="none",
        timeout_graceful_shutdown=round(settings.server.shutdown_seconds),
    )
    Server(config, settings.data_dir, token).run()


def _announce(key: str) -> None:
    typer.echo(f"\nThe account 'local' was made. Its key, shown this once:\n\n    {key}\n")


class Server(uvicorn.Server):
    """Says where it listens, on the screen and, for `models load` on the same machine, in `data_dir/server.json`."""

    def __init__(self, config: uvicorn.Config, data_dir: Path, token: str) -> None:
        super().__init__(config)
        self._note = data_dir / "server.json"
        self._token = token

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        if self.started:
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            self._write({"url": f"http://{host}:{port}", "token": self._token, "pid": os.getpid()})
            typer.echo(f"Listening on http://{'localhost' if host in ('127.0.0.1', '0.0.0.0') else host}:{port}")

    async def shutdown(self, sockets: Any = None) -> None:
        self._note.unlink(missing_ok=True)
        await super().shutdown(sockets)

    def _write(self, note: dict[str, Any]) -> None:
        self._note.parent.mkdir(parents=True, exist_ok=True)
        self._note.unlink(missing_ok=True)
        with os.fdopen(os.open(self._note, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w") as file:
            json.dump(note, file)
