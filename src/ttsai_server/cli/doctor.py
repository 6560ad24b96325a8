"""ttsai-server doctor: finds what is missing or misconfigured, and prints how to fix it."""

import asyncio
import importlib.util
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import typer
from sqlalchemy import inspect, make_url

from ttsai_server.cli.output import Json
from ttsai_server.engines.catalog import Catalog
from ttsai_server.errors import BadCard
from ttsai_server.runtime.gpus import gpus
from ttsai_server.runtime.loading import device
from ttsai_server.services.availability import listed, meant
from ttsai_server.services.model_facts import ModelFacts, all_facts
from ttsai_server.services.trials import Trials
from ttsai_server.settings import Settings
from ttsai_server.store.db import open_database

ROOM_GB = 2
"""Free disk space below which a download may fail, gigabytes."""
STATES = {
    "ready": "ready",
    "broken": "broken",
    "needs_pull": "weights are not on this machine",
    "needs_install": "packages are not installed",
}
TO_TELL = {"ready", "broken"}
"""States that are shown of every model, whether the settings ask for it or not."""


@dataclass(frozen=True, slots=True)
class Finding:
    what: str
    ok: bool
    detail: str
    mend: str = ""
    """How to fix it."""


def doctor(context: typer.Context, as_json: Json = False) -> None:
    """Check weights, device, disk and database; say how to mend what is wrong. Ends with 1 if something is."""
    findings = list(_findings(context.obj))
    if as_json:
        typer.echo(json.dumps({"findings": [asdict(finding) for finding in findings]}))
    else:
        for finding in findings:
            typer.secho(f"{'ok  ' if finding.ok else 'BAD '} {finding.what}: {finding.detail}")
            if finding.mend:
                typer.echo(f"     → {finding.mend}")
    raise typer.Exit(not all(finding.ok for finding in findings))


def _findings(settings: Settings) -> Iterator[Finding]:
    yield _database(settings)
    yield from (_disk(name, folder) for name, folder in (("data", settings.data_dir), ("weights", settings.models.dir)))
    yield _device(settings)
    yield from _models(settings)


def _database(settings: Settings) -> Finding:
    url = make_url(settings.store_url)
    where = settings.store_url.split("@")[-1]
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():  # opening it would create it
        return Finding("database", True, f"{where}: not there yet; the first start makes it")

    async def check_tables() -> bool:
        database = open_database(settings)
        try:
            return await database.read(lambda connection: inspect(connection).has_table("accounts"))
        finally:
            await database.close()

    try:
        has_tables = asyncio.run(check_tables())
    except Exception as error:  # whatever it is, report it
        return Finding("database", False, f"{where}: {error}".splitlines()[0], "Set store.url to one that answers.")
    return Finding("database", True, where if has_tables else f"{where}: empty; the first start makes its tables")


def _disk(name: str, folder: Path) -> Finding:
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(there).free / 1e9
    if not os.access(there, os.W_OK):
        return Finding(f"disk for {name}", False, f"{there} can't be written", "Choose another folder in the settings.")
    mend = "" if free > ROOM_GB else "Free some space, or choose another folder in the settings."
    return Finding(f"disk for {name}", not mend, f"{folder}: {free:.1f} GB free", mend)


def _device(settings: Settings) -> Finding:
    found = device(settings.models)
    if found == "cuda" and not importlib.util.find_spec("kokoro"):
        what = "there is an NVIDIA GPU, but Kokoro's package for torch is not installed: it runs on the processor"
        return Finding("device", False, what, "Run: pip install 'ttsai-server[torch]'")
    seen = gpus() if found == "cuda" else []
    free = "".join(f"; {gpu.name}, {gpu.free_mb} of {gpu.total_mb} MB free" for gpu in seen)
    return Finding("device", True, f"{found}, {os.cpu_count()} processors{free}")


def _models(settings: Settings) -> Iterator[Finding]:
    try:
        catalog = Catalog.of(settings)
    except BadCard as error:
        yield Finding("model cards", False, str(error), "Mend the card.")
        return
    models = settings.models
    named = _defaults(settings) & catalog.names()
    wanted = {card.id for name in named for card in meant(catalog.family(name), models)}
    trials, cards = Trials(settings), listed(catalog, models)
    for card in cards:
        if card.id in wanted:
            trials.check(card)
    facts = list(all_facts(settings, {card.id: [card] for card in cards}).values())
    yield from (_model(each) for each in facts if each.id in wanted or each.availability.status in TO_TELL)
    for status in STATES.keys() - TO_TELL:
        if others := [each.id for each in facts if each.id not in wanted and each.availability.status == status]:
            detail = f"{STATES[status]}; nothing in the settings asks for them"
            yield Finding(f"{len(others)} more models", True, f"{detail} (see: ttsai-server models list)")


def _model(facts: ModelFacts) -> Finding:
    found = facts.availability
    detail = found.reason or STATES[found.status]
    if facts.speed and facts.speed.real_time_factor:
        detail = f"{detail}, works {facts.speed.real_time_factor} s for a second of sound"
    mend = f"Run: {found.command}" if found.command else ""
    return Finding(f"model {facts.id}", not mend, detail, mend)


def _defaults(settings: Settings) -> set[str]:
    """Models used by requests that do not choose one, by aliases, and those to preload."""
    models, listening = settings.models, settings.transcription
    default = {
        settings.speech.default_model,
        listening.default_model,
        listening.diarizers[-1],
        settings.tools.denoiser,
    }
    return default.union(models.aliases.values(), models.preload)
