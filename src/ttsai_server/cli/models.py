"""ttsai-server models: lists models, downloads their weights, installs their packages, loads and unloads them."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from operator import attrgetter
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from ttsai_server.cli.output import Columns, Json, fail, show
from ttsai_server.cli.progress import download_bar
from ttsai_server.domain import ModelCard
from ttsai_server.engines.catalog import Catalog
from ttsai_server.engines.environments import make
from ttsai_server.engines.installation import require_installed
from ttsai_server.engines.weights import import_from, missing_files, pull
from ttsai_server.errors import ApiError
from ttsai_server.services.availability import availability
from ttsai_server.settings import Models, Settings

app = typer.Typer(no_args_is_help=True)

COLUMNS: Columns = {
    "id": attrgetter("id"),
    "type": lambda model: model.type.split(", ")[0],
    "needs": lambda model: model.status.removeprefix("needs_") if model.command else "",
    "licence": attrgetter("licence"),
}


@dataclass(frozen=True, slots=True)
class Model:
    id: str
    name: str
    type: str
    tier: str
    licence: str
    status: str
    """ready, needs_pull or needs_install."""
    command: str | None
    """The command that makes it ready; None if it is."""
    weights: str
    """ready or missing."""
    missing: list[str]
    """Missing files."""
    dir: str
    """Folder of its weights."""


@dataclass(frozen=True, slots=True)
class Pulled:
    id: str
    weights: str
    """ready or missing."""
    error: str | None


@dataclass(frozen=True, slots=True)
class Installed:
    id: str
    packages: str
    """ready or missing."""
    error: str | None


@app.command("list")
def list_models(context: typer.Context, as_json: Json = False) -> None:
    """List the models, and whether their packages and weights are here."""
    settings: Settings = context.obj
    rows = [_model(card, settings.models) for card in _catalog(settings).cards()]
    show("models", rows, COLUMNS, as_json=as_json)


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
    settings: Settings = context.obj
    results = [_pull(card, settings.models.dir, folder) for card in _cards(settings, models)]
    _report(results, as_json=as_json)


@app.command("install")
def install_models(
    context: typer.Context,
    models: Annotated[list[str], typer.Argument(help="Ids of models, as `models list` shows them.")],
    as_json: Json = False,
) -> None:
    """Make the environments of models that have one of their own. Exit status: 0 all are here, 1 some are not."""
    settings: Settings = context.obj
    results = [_install(card, settings.models.dir) for card in _cards(settings, models)]
    _report(results, as_json=as_json)


@app.command()
def load(context: typer.Context, model: str, as_json: Json = False) -> None:
    """Load a model into the server that runs on this machine."""
    answer = _ask_server(context.obj, "POST", model)
    typer.echo(json.dumps(answer) if as_json else f"{answer['model']}: loaded")


@app.command()
def unload(context: typer.Context, model: str, as_json: Json = False) -> None:
    """Free a model's memory in the server that runs on this machine; one in use stays."""
    answer = _ask_server(context.obj, "DELETE", model)
    outcome = "unloaded" if answer["unloaded"] else "not loaded, or in use"
    typer.echo(json.dumps(answer) if as_json else f"{answer['model']}: {outcome}")


def _ask_server(settings: Settings, method: str, model: str) -> dict[str, Any]:
    import httpx

    note = settings.data_dir / "server.json"
    if not note.is_file():
        raise fail(f"No server runs on {settings.data_dir}.")
    server = json.loads(note.read_text())
    headers = {"Authorization": f"Bearer {server['token']}"}
    try:
        answer = httpx.request(method, f"{server['url']}/admin/models/{model}", headers=headers, timeout=600)
    except httpx.TransportError as error:
        raise fail(f"The server at {server['url']} does not answer: {error}") from None
    if answer.is_error:
        raise fail(answer.json()["error"]["message"])
    return answer.json()


def _pull(card: ModelCard, models: Path, folder: Path | None) -> Pulled:
    try:
        with download_bar(card.id) as progress:
            if folder:
                import_from(card, models, folder, progress)
            else:
                pull(card, models, progress)
    except (ApiError, OSError) as error:
        return Pulled(card.id, "missing", str(error))
    return Pulled(card.id, "ready", None)


def _install(card: ModelCard, models: Path) -> Installed:
    try:
        if card.environment:
            with download_bar(card.id) as progress:
                make(card, models, lambda line: progress(line, 0, None))
        require_installed(card, models)
    except (ApiError, OSError) as error:
        return Installed(card.id, "missing", str(error))
    return Installed(card.id, "ready", None)


def _report(results: Sequence[Pulled | Installed], *, as_json: bool) -> NoReturn:
    """Print the results and end the command, with exit status 1 if any failed."""
    if as_json:
        typer.echo(json.dumps({"models": [asdict(result) for result in results]}))
    else:
        for result in results:
            typer.echo(result.error or f"{result.id}: ready", err=result.error is not None)
    raise typer.Exit(any(result.error for result in results))


def _catalog(settings: Settings) -> Catalog:
    return Catalog.of(settings)


def _cards(settings: Settings, names: list[str]) -> list[ModelCard]:
    models = _catalog(settings).models
    if unknown := [name for name in names if name not in models]:
        raise typer.BadParameter(f"There is no model {unknown[0]!r}; `models list` shows what there is.")
    return [models[name] for name in names]


def _model(card: ModelCard, models: Models) -> Model:
    missing, found = missing_files(card, models.dir), availability(card, models)
    return Model(
        id=card.id,
        name=card.name,
        type=", ".join(card.tasks),
        tier=card.tier,
        licence=card.licence,
        status=found.status,
        command=found.command,
        weights="missing" if missing else "ready",
        missing=missing,
        dir=str(models.dir / card.id),
    )
