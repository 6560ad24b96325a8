"""ttsai-server wyoming: serves Wyoming's clients with the voices and models of a running server."""

import asyncio
import signal
from typing import Annotated

import typer

from ttsai_server.cli.output import fail
from ttsai_server.logs import configure
from ttsai_server.settings import Settings


def wyoming(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="Address to listen on: who reaches it needs no key.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="TCP port; 0 takes a free one.")] = 10300,
    url: Annotated[str | None, typer.Option(help="Address of the server; by default the one on this machine.")] = None,
    key: Annotated[
        str, typer.Option(envvar="TTSAI_SERVER_KEY", help="Key whose account pays; better in the variable.")
    ] = "",
    voice: Annotated[
        str, typer.Option(help="Voice for clients that ask for none; auto: one of the language.")
    ] = "auto",
) -> None:
    """Serve the Wyoming protocol, as Home Assistant speaks it, in front of a running server."""
    try:
        from ttsai_server.cli.wyoming.backend import Backend
        from ttsai_server.cli.wyoming.server import WyomingServer
    except ModuleNotFoundError as error:
        raise fail(f"{error}. Run: pip install 'ttsai-server[wyoming]'") from None
    settings: Settings = context.obj
    configure(settings.log.level, settings.log.format)
    backend = Backend(url or f"http://127.0.0.1:{settings.server.port}", key, voice)

    async def run() -> None:
        loop, stopped = asyncio.get_running_loop(), asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stopped.set)
        async with backend, WyomingServer(backend, settings).listening(host, port) as address:
            typer.echo(f"Listening on tcp://{address}")
            await stopped.wait()

    try:
        asyncio.run(run())
    except OSError as error:
        raise fail(f"{host}:{port}: {error.strerror}") from None
