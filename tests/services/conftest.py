"""The services as a server wires them, over a real database, without HTTP; the test does the jobs itself."""

from collections.abc import AsyncIterator

import pytest
from tests.services.dialogue import Dialogue, plan_dialogue

from ttsai_server.app.parts import LOCAL_CALLER
from ttsai_server.domain import Caller
from ttsai_server.engines.catalog import Catalog
from ttsai_server.metrics import Metrics
from ttsai_server.runtime.placement import starter
from ttsai_server.runtime.pool import Pool
from ttsai_server.services.billing import open_billing
from ttsai_server.services.chat import ChatModels
from ttsai_server.services.context import ServiceContext
from ttsai_server.services.flow import Flow
from ttsai_server.services.job_files import JobFiles
from ttsai_server.services.job_runner import JobRunner
from ttsai_server.services.jobs import Jobs, Queue
from ttsai_server.services.previews import Previews
from ttsai_server.services.reference_cache import ReferenceCache
from ttsai_server.services.registry import PLANNERS
from ttsai_server.services.saved_voices import SavedVoices
from ttsai_server.services.sound_work import SoundWork
from ttsai_server.services.voices import Voices
from ttsai_server.services.webhooks import SystemResolver, Webhooks
from ttsai_server.settings import Models, Settings
from ttsai_server.store.accounts import Accounts
from ttsai_server.store.db import Database
from ttsai_server.store.leases import Holder
from ttsai_server.store.request_leases import RequestLeases
from ttsai_server.store.results import open_results
from ttsai_server.store.secret_box import SecretBox
from ttsai_server.tracing import NoTracer

CREDITS = 100
ATTEMPTS = 3


class ByHand(Queue):
    """The test does the jobs itself."""

    def wake(self) -> None:
        pass

    def stop(self, id: str) -> None:
        pass


@pytest.fixture
def settings(store_settings: Settings) -> Settings:
    models = Models(demo=True, options={"tone": {"fail_on": "breaks the engine"}})
    return store_settings.model_copy(update={"models": models})


@pytest.fixture
async def flow(settings: Settings, database: Database) -> AsyncIterator[Flow]:
    pool = Pool(settings.models, starter(settings))
    billing = open_billing(settings, database, RequestLeases(database, Holder.of("a", 30)))
    catalog = Catalog.of(settings)
    references = ReferenceCache()
    saved = SavedVoices(settings, database, catalog, references, SecretBox(settings))
    context = ServiceContext(
        settings=settings,
        catalog=catalog,
        voices=Voices(catalog, saved),
        runtime=pool,
        billing=billing,
        metrics=Metrics(),
        sound=SoundWork(settings),
        references=references,
        saved_voices=saved,
        previews=Previews(LOCAL_CALLER, settings.data_dir / "previews"),
        chat=ChatModels(settings, catalog, pool),
    )
    yield Flow(context, {**PLANNERS, Dialogue: plan_dialogue})
    await pool.close()
    await billing.close()


@pytest.fixture
async def caller(database: Database) -> Caller:
    account = await Accounts(database).create("Ann", "pro", CREDITS)
    return Caller(account.id, account.plan, "key_1")


@pytest.fixture
def files(settings: Settings, database: Database) -> JobFiles:
    return JobFiles(open_results(settings, database), 3600)


@pytest.fixture
def runner(database: Database, files: JobFiles, flow: Flow) -> JobRunner:
    return JobRunner(database, files, flow.unbilled(), ATTEMPTS, NoTracer())


@pytest.fixture
def jobs(settings: Settings, database: Database, files: JobFiles, flow: Flow) -> Jobs:
    webhooks = Webhooks(settings.webhooks, database, SecretBox(settings), SystemResolver())
    return Jobs(settings, database, ByHand(), files, flow.unbilled(), webhooks)
