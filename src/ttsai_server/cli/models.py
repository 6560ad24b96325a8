"""`ttsai-server models …`: what there is, and its weights. The settings are the context's object."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from ttsai_server.cli.progress import download_bar
from ttsai_server.domain import ModelCard
from ttsai_server.engines.catalog import Catalog
from ttsai_server.engines.weights import import_from, missing, pull
from ttsai_server.errors import ApiError
from ttsai_server.settings import Settings

app = typer.Typer(help="Models and their weights.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command("list")
def list_models(context: typer.Context, as_json: Json = False) -> None:
    """List the models, and whether their weights are here."""
    settings = context.ensure_object(Settings)
    rows = [_row(card, settings.models.dir) for card in _catalog(settings).cards()]
    if as_json:
        typer.echo(json.dumps({"models": rows}))
    else:
        Console().print(_table(rows))


@app.command("pull")
def pull_models(
    context: typer.Context,
    models: Annotated[list[str], typer.Argument(help="Ids of models, as `models list` shows them.")],
    folder: Annotated[
        Path | None,
        typer.Option("--import", help="Take the files from this folder; no network.", exists=True, file_okay=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """Fetch the weights of models. Exit status: 0 all are here, 1 some could not be had, 2 unknown model."""
    settings = context.ensure_object(Settings)
    failures = {card.id: _fetch(card, settings.models.dir, folder) for card in _cards(settings, models)}
    results = [{"id": id, "weights": "missing" if why else "ready", "error": why} for id, why in failures.items()]
    if as_json:
        typer.echo(json.dumps({"models": results, "dir": str(settings.models.dir)}))
    else:
        for id, why in failures.items():
            typer.echo(why or f"{id}: ready in {settings.models.dir / id}", err=why is not None)
    raise typer.Exit(1 if any(failures.values()) else 0)


def _fetch(card: ModelCard, models: Path, folder: Path | None) -> str | None:
    """Why the weights could not be had, or None."""
    try:
        with download_bar(card.id) as progress:
            if folder:
                import_from(card, models, folder, progress)
            else:
                pull(card, models, progress)
    except (ApiError, OSError) as error:
        return str(error)
    return None


def _catalog(settings: Settings) -> Catalog:
    return Catalog.read(settings.models.cards, demo=settings.models.demo)


def _cards(settings: Settings, names: list[str]) -> list[ModelCard]:
    models = _catalog(settings).models
    try:
        return [models[name] for name in names]
    except KeyError as error:
        raise typer.BadParameter(f"unknown model {error}; `models list` shows them") from None


def _row(card: ModelCard, models: Path) -> dict[str, object]:
    lacking = missing(card, models)
    return {
        "id": card.id,
        "name": card.name,
        "type": card.task,
        "tier": card.tier,
        "licence": card.licence,
        "weights": "missing" if lacking else "ready",
        "missing": lacking,
        "dir": str(models / card.id),
    }


def _table(rows: list[dict[str, object]]) -> Table:
    shown = ("id", "name", "type", "tier", "licence", "weights")
    table = Table(*shown, box=None)
    for row in rows:
        table.add_row(*(str(row[key]) for key in shown))
    return table
