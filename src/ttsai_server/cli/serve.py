"""ttsai-server serve, ttsai-server worker: starts a server, and stops it in time."""

import asyncio
import json
import logging
import os
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Timer
from types import FrameType
from typing import Annotated, Any

import typer
import uvicorn
from fastapi import FastAPI

from ttsai_server.api.deps import Services
from ttsai_server.app import create_app, create_worker_app
from ttsai_server.cli.connections import uvicorn_config
from ttsai_server.cli.websockets import WebSocketConnection
from ttsai_server.console.door import installed
from ttsai_server.engines.catalog import Catalog
from ttsai_server.engines.installation import install_command
from ttsai_server.jobs.node import NodeNameTaken
from ttsai_server.logs import configure
from ttsai_server.memory import spare_collector, use_one_arena
from ttsai_server.runtime.transfer import PIECE
from ttsai_server.settings import Settings

logger = logging.getLogger(__name__)

EVERYWHERE = {"127.0.0.1", "0.0.0.0", "::1", "::"}
"""Listening addresses that include `localhost`."""
REQUESTS_SHARE = 0.6
"""Share of `server.shutdown_seconds` that running requests have to finish; the rest is for cancelling the others."""


Host = Annotated[str | None, typer.Option(help="Address to listen on.")]
Port = Annotated[int | None, typer.Option(help="TCP port; 0 takes a free one.")]


def serve(context: typer.Context, host: Host = None, port: Port = None) -> None:
    """Start the server. The first start on an empty database prints a key."""
    settings = _configured(context.obj, host, port)
    token, keys = secrets.token_urlsafe(32), list[str]()
    app = _created(lambda: create_app(settings, admin_token=token, announce=keys.append))
    services: Services = app.state.services
    _server(app, settings, token, keys, missing_packages(services.catalog, settings)).run()


def worker(context: typer.Context, host: Host = None, port: Port = None) -> None:
    """Start a server that answers no client: it does jobs, sends webhooks, and runs models for nodes that name it in
    `models.workers`."""
    settings = _configured(context.obj, host, port)
    if settings.models.workers:
        raise typer.BadParameter("A worker runs models itself, so it may not have models.workers.")
    messages = settings.realtime.model_copy(update={"max_message_bytes": PIECE})  # the nodes' messages, no client's
    settings = settings.model_copy(update={"realtime": messages})
    token = secrets.token_urlsafe(32)
    _server(_created(lambda: create_worker_app(settings, admin_token=token)), settings, token).run()


def _configured(settings: Settings, host: str | None, port: int | None) -> Settings:
    use_one_arena()
    options: dict[str, Any] = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    server = settings.server.model_validate({**dict(settings.server), **options})
    configure(settings.log.level, settings.log.format)
    return settings.model_copy(update={"server": server})


def _created(create: Callable[[], FastAPI]) -> FastAPI:
    try:
        return create()
    except NodeNameTaken as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None


def _server(
    app: FastAPI,
    settings: Settings,
    token: str,
    keys: Sequence[str] | None = None,
    missing_packages: Sequence[str] = (),
) -> "Server":
    config = uvicorn_config(
        app,
        settings,
        host=settings.server.host,
        port=settings.server.port,
        timeout_graceful_shutdown=round(REQUESTS_SHARE * settings.server.shutdown_seconds),
    )
    return Server(config, settings, token, keys, missing_packages)


def missing_packages(catalog: Catalog, settings: Settings) -> list[str]:
    """Commands that install the packages which the default models for speech and transcription need and lack."""
    if settings.models.workers:  # the packages are theirs
        return []
    names = (settings.speech.default_model, settings.transcription.default_model)
    cards = [catalog.models[name] for name in names if name in catalog.models]
    commands = (install_command(card, settings.models.dir) for card in cards)
    return list(dict.fromkeys(command for command in commands if command))


class Server(uvicorn.Server):
    """Prints its address, and writes it with the token to `data_dir/server.json`, for `models load` on this machine."""

    def __init__(
        self,
        config: uvicorn.Config,
        settings: Settings,
        token: str,
        keys: Sequence[str] | None,
        missing_packages: Sequence[str],
    ) -> None:
        """Create a server; `run` starts it.

        Args:
            config: of uvicorn, with the application.
            settings: all settings.
            token: bearer token of /v1/admin/, for the command line.
            keys: contains the key of the first account once the start has created it; None: it is a worker.
            missing_packages: commands to run before the default models can be used.
        """
        super().__init__(config)
        self._shutdown_seconds = settings.server.shutdown_seconds
        self._data_dir = settings.data_dir
        self._note = settings.data_dir / "server.json"
        self._needs_key = settings.auth.enabled
        self._has_console = settings.console.enabled and installed()
        self._token = token
        self._keys = keys
        self._missing_packages = missing_packages

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop. After `server.shutdown_seconds` the process ends even if something hangs; the next start
        recovers the work that was interrupted."""
        if not self.should_exit:
            timer = Timer(self._shutdown_seconds, _end_now)
            timer.daemon = True
            timer.start()
        super().handle_exit(sig, frame)

    async def startup(self, sockets: Any = None) -> None:
        try:
            await super().startup(sockets)
        finally:  # also if the port is taken: the key is never shown again
            for key in self._keys or ():
                typer.echo(f"\nThe account 'local' was made. Its key, shown this once:\n\n    {key}\n")
        if self.started:
            spare_collector()
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            self._write({"url": _url(host, port), "token": self._token, "pid": os.getpid()})
            typer.echo(self._greeting(_url("localhost" if host in EVERYWHERE else host, port)))

    async def shutdown(self, sockets: Any = None) -> None:
        self._note.unlink(missing_ok=True)
        if self._keys is None:
            await self._end_streams()
        await super().shutdown(sockets)

    async def _end_streams(self) -> None:
        """Let the streams for other nodes end, as far as requests may; uvicorn closes every WebSocket at once."""
        for server in self.servers:
            server.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(REQUESTS_SHARE * self._shutdown_seconds):
                while self._has_streams():  # noqa: ASYNC110 uvicorn tells nobody
                    await asyncio.sleep(0.05)

    def _has_streams(self) -> bool:
        return any(isinstance(each, WebSocketConnection) for each in self.server_state.connections)

    def _greeting(self, url: str) -> str:
        if self._keys is None:
            return f"Listening on {url}, for other nodes"
        key = self._keys[0] if self._keys and self._needs_key else ""
        if key or not self._needs_key:
            usage = ["", "Try it:", "", *_example(url, key), ""]
        else:
            usage = [f"For another key: ttsai-server --data-dir {self._data_dir} keys create"]
        lacking = ["", "The default models need packages. Run first:", ""] if self._missing_packages else []
        commands = [f"  {command}" for command in self._missing_packages]
        console = [f"In a browser: {url}/console/"] if self._has_console else []
        docs = f"All that it does: {url}/docs"
        return "\n".join([f"Listening on {url}", *lacking, *commands, *usage, *console, docs])

    def _write(self, note: dict[str, Any]) -> None:
        self._note.parent.mkdir(parents=True, exist_ok=True)
        self._note.unlink(missing_ok=True)
        with os.fdopen(os.open(self._note, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w") as file:
            json.dump(note, file)


def _end_now() -> None:
    logger.error("something hangs, and the time for a stop is over: ending at once")
    os._exit(1)


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _example(url: str, key: str) -> list[str]:
    """A complete curl command, in lines that fit a terminal."""
    parts = [
        f"curl {url}/v1/tts/ -o hello.mp3",
        *([f'  -H "Authorization: Bearer {key}"'] if key else []),
        '  -H "Content-Type: application/json"',
        """  -d '{"model": "kokoro", "voice": "af_bella", "text": "Hello to you all."}'""",
    ]
    return ["  " + part for part in " \\\n".join(parts).splitlines()]
