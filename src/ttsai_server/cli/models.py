"""ttsai-server models: lists models, downloads weights, installs packages, checks both, loads and unloads models."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from operator import attrgetter
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from ttsai_server.cli.administer import record
from ttsai_server.cli.engine_table import engine_table
from ttsai_server.cli.output import Columns, Json, fail, show
from ttsai_server.cli.progress import download_bar
from ttsai_server.domain import ModelCard
from ttsai_server.engines.catalog import Catalog
from ttsai_server.engines.installation import install, install_command
from ttsai_server.engines.weights import import_from, missing_files, pull
from ttsai_server.errors import ApiError, UnknownModel
from ttsai_server.services.availability import listed, meant
from ttsai_server.services.bench import measure
from ttsai_server.services.model_facts import ModelFacts, all_facts
from ttsai_server.services.trials import Speed, Trials
from ttsai_server.settings import Settings

app = typer.Typer(no_args_is_help=True)

Names = Annotated[list[str], typer.Argument(help="Ids of models, as `models list` shows them, or of families.")]
COLUMNS: Columns = {
    "id": attrgetter("id"),
    "type": lambda model: model.type.split(", ")[0],
    "state": lambda model: model.status.removeprefix("needs_"),
    "MB": lambda model: model.size_mb or "",
    "speed": lambda model: model.real_time_factor or "",
    "licence": lambda model: (
        model.licence.removeprefix("LicenseRef-") + ("" if model.commercial_use else NOT_COMMERCIAL)
    ),
}
NOT_COMMERCIAL = ", not for commercial use"


@dataclass(frozen=True, slots=True)
class Model:
    id: str
    name: str
    type: str
    tier: str
    licence: str
    commercial_use: bool
    languages: tuple[str, ...]
    voices: int
    sample_rate: int
    """Hz; 0: text only."""
    memory_mb: int | None
    size_mb: int | None
    """Of its files: here, or as its card says; None: it does not say."""
    device: str
    """cpu or cuda."""
    status: str
    """ready, needs_pull, needs_install or broken."""
    command: str | None
    """The command that makes it ready; None if it is."""
    reason: str | None
    """What is damaged, if it is broken."""
    real_time_factor: float | None
    """Seconds of work for a second of sound, as measured on this machine; None: not measured, or no sound."""
    measured: Speed | None
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


@dataclass(frozen=True, slots=True)
class Checked:
    id: str
    status: str
    """ready, needs_pull, needs_install or broken."""
    error: str | None
    """What is wrong, and the command that mends it."""


@app.command("list")
def list_models(
    context: typer.Context,
    as_json: Json = False,
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the table of engines, as README.md has it.")
    ] = False,
) -> None:
    """List the models: whether they are ready, their size, their speed if it was measured, and their licence."""
    settings: Settings = context.obj
    if as_markdown:
        typer.echo(engine_table(_catalog(settings).cards()))
        return
    cards = {card.id: card for card in listed(_catalog(settings), settings.models)}
    facts = all_facts(settings, {id: [card] for id, card in cards.items()})
    rows = [_model(cards[id], found, settings.models.dir) for id, found in facts.items()]
    show("models", rows, COLUMNS, as_json=as_json)


@app.command("pull")
def pull_models(
    context: typer.Context,
    models: Names,
    folder: Annotated[
        Path | None,
        typer.Option("--import", help="Take the files from this folder; no network.", exists=True, file_okay=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """Fetch the weights of models. Exit status: 0 all are here, 1 some could not be had, 2 unknown model."""
    settings: Settings = context.obj
    results = [_pull(card, settings, folder) for card in _cards(settings, models)]
    _report(results, as_json=as_json)


@app.command("install")
def install_models(
    context: typer.Context,
    models: Names,
    as_json: Json = False,
) -> None:
    """Make the environments of models that have one of their own. Exit status: 0 all are here, 1 some are not."""
    settings: Settings = context.obj
    results = [_install(card, settings) for card in _cards(settings, models)]
    _report(results, as_json=as_json)


@app.command("check")
def check_models(
    context: typer.Context,
    models: Names,
    as_json: Json = False,
) -> None:
    """Check the weights' checksums, and that the packages can be imported. Exit status: 0 all is well, 1 it is not."""
    settings: Settings = context.obj
    results = [_check(card, Trials(settings)) for card in _cards(settings, models)]
    _report(results, as_json=as_json)


@app.command("bench")
def bench_model(context: typer.Context, model: str, as_json: Json = False) -> None:
    """Measure how fast a model is on this machine, and keep that for the lists. Takes a minute."""
    settings: Settings = context.obj
    card = _cards(settings, [model])[0]
    try:
        speed = asyncio.run(measure(settings, _catalog(settings), card))
    except ApiError as error:
        raise fail(error.message) from None
    if as_json:
        typer.echo(json.dumps({"id": card.id, **asdict(speed), "real_time_factor": speed.real_time_factor}))
        return
    of_sound = f", {speed.real_time_factor} s for a second of sound" if speed.sound_seconds else ""
    typer.echo(f"{card.id}: {speed.seconds} s, {speed.cpu_seconds} processor seconds{of_sound}")


@app.command()
def load(context: typer.Context, model: str, as_json: Json = False) -> None:
    """Load a model into the server that runs on this machine."""
    answer = _ask_server(context.obj, model, "load")
    typer.echo(json.dumps(answer) if as_json else f"{answer['model']}: loaded")


@app.command()
def unload(context: typer.Context, model: str, as_json: Json = False) -> None:
    """Free a model's memory in the server that runs on this machine; one in use stays."""
    answer = _ask_server(context.obj, model, "unload")
    outcome = "unloaded" if answer["unloaded"] else "not loaded, or in use"
    typer.echo(json.dumps(answer) if as_json else f"{answer['model']}: {outcome}")


def _ask_server(settings: Settings, model: str, action: str) -> dict[str, Any]:
    import httpx

    note = settings.data_dir / "server.json"
    if not note.is_file():
        raise fail(f"No server runs on {settings.data_dir}.")
    server = json.loads(note.read_text())
    headers = {"Authorization": f"Bearer {server['token']}"}
    try:
        answer = httpx.post(f"{server['url']}/v1/admin/models/{model}/{action}", headers=headers, timeout=600)
    except httpx.TransportError as error:
        raise fail(f"The server at {server['url']} does not answer: {error}") from None
    if answer.is_error:
        raise fail(answer.json()["error"]["message"])
    return answer.json()


def _pull(card: ModelCard, settings: Settings, folder: Path | None) -> Pulled:
    models = settings.models.dir
    before = _weights(card, models)
    try:
        with download_bar(card.id) as progress:
            if folder:
                import_from(card, models, folder, progress)
            else:
                pull(card, models, progress)
    except (ApiError, OSError) as error:
        return Pulled(card.id, "missing", str(error))
    record(settings, "model.pull", card.id, {"weights": before}, {"weights": "ready"})
    return Pulled(card.id, "ready", None)


def _install(card: ModelCard, settings: Settings) -> Installed:
    models = settings.models.dir
    before = "missing" if install_command(card, models) else "ready"
    try:
        with download_bar(card.id) as progress:
            install(card, models, lambda line: progress(line, 0, None))
    except (ApiError, OSError) as error:
        return Installed(card.id, "missing", str(error))
    record(settings, "model.install", card.id, {"packages": before}, {"packages": "ready"})
    return Installed(card.id, "ready", None)


def _check(card: ModelCard, trials: Trials) -> Checked:
    with download_bar(card.id) as progress:
        found = trials.check(card, progress)
    wrong = f"{card.id}: {found.reason or found.status.replace('_', ' ')}. Run: {found.command}"
    return Checked(card.id, found.status, wrong if found.command else None)


def _report(results: Sequence[Pulled | Installed | Checked], *, as_json: bool) -> NoReturn:
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
    catalog = _catalog(settings)
    return [card for name in names for card in meant(_family(catalog, name), settings.models)]


def _family(catalog: Catalog, name: str) -> list[ModelCard]:
    try:
        return catalog.family(name)
    except UnknownModel:
        raise typer.BadParameter(f"There is no model {name!r}; `models list` shows what there is.") from None


def _weights(card: ModelCard, models: Path) -> str:
    """ready or missing."""
    return "missing" if missing_files(card, models) else "ready"


def _model(card: ModelCard, facts: ModelFacts, models: Path) -> Model:
    return Model(
        id=facts.id,
        name=facts.name,
        type=", ".join(facts.tasks),
        tier=facts.tier,
        licence=facts.licence,
        commercial_use=facts.commercial,
        languages=facts.languages,
        voices=facts.voices,
        sample_rate=facts.rate,
        memory_mb=facts.memory_mb,
        size_mb=facts.size_mb,
        device=facts.device,
        status=facts.availability.status,
        command=facts.availability.command,
        reason=facts.availability.reason,
        real_time_factor=facts.speed and facts.speed.real_time_factor,
        measured=facts.speed,
        weights=_weights(card, models),
        missing=missing_files(card, models),
        dir=str(models / card.id),
    )
