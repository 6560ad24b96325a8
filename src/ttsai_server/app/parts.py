"""The parts of a server, wired together from its settings: the only place where that is done. None of them runs yet."""

from dataclasses import dataclass

from ttsai_server.api.deps import Services
from ttsai_server.api.listings import Listings
from ttsai_server.domain import Caller
from ttsai_server.engines.catalog import Catalog
from ttsai_server.jobs.node import Node
from ttsai_server.jobs.worker import Worker
from ttsai_server.metrics import Metrics
from ttsai_server.runtime.base import Runtime
from ttsai_server.runtime.placement import starter
from ttsai_server.runtime.pool import Pool
from ttsai_server.runtime.remote import RemotePool
from ttsai_server.runtime.workers import Workers
from ttsai_server.services.accounts import Accounts
from ttsai_server.services.administration import Administration
from ttsai_server.services.availability import meant
from ttsai_server.services.billing import open_billing
from ttsai_server.services.chat import ChatModels
from ttsai_server.services.client_secrets import ClientSecrets
from ttsai_server.services.context import ServiceContext
from ttsai_server.services.conversations import Conversations
from ttsai_server.services.flow import Flow
from ttsai_server.services.job_files import JobFiles
from ttsai_server.services.job_runner import JobRunner
from ttsai_server.services.jobs import Jobs
from ttsai_server.services.limits import open_limiter
from ttsai_server.services.model_administration import ModelAdministration
from ttsai_server.services.previews import Previews
from ttsai_server.services.readiness import Readiness
from ttsai_server.services.reference_cache import ReferenceCache
from ttsai_server.services.registry import PLANNERS
from ttsai_server.services.saved_voices import SavedVoices
from ttsai_server.services.sound_work import SoundWork
from ttsai_server.services.trials import Trials
from ttsai_server.services.voices import Voices
from ttsai_server.services.webhooks import SystemResolver, Webhooks
from ttsai_server.settings import Settings
from ttsai_server.store.audit import AuditLog
from ttsai_server.store.db import Database, open_database
from ttsai_server.store.idempotency import Idempotency
from ttsai_server.store.leases import Holder
from ttsai_server.store.ledger import Ledger
from ttsai_server.store.request_leases import RequestLeases
from ttsai_server.store.results import open_results
from ttsai_server.store.secret_box import SecretBox
from ttsai_server.tracing import Tracer, open_tracer

LOCAL_CALLER = Caller(account="local", plan="enterprise", key="")
"""The caller of every request on a server without keys."""
NODES = "nodes"
"""What the secret is for by which the nodes of one database know each other."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the application is made of, and what starts and stops with it."""

    services: Services
    context: ServiceContext
    database: Database
    answers: Idempotency
    leases: RequestLeases
    lease_seconds: float
    """How long a lease lasts if it is not renewed."""
    ledger: Ledger
    worker: Worker
    node: Node
    tracer: Tracer


def assemble(settings: Settings, *, for_nodes: bool = False) -> Parts:
    """Create the parts of a server, or of a worker for other nodes.

    Raises BadCard if a model card is invalid, NodeNameTaken if another server runs with this one's name.
    """
    database, catalogue, box = open_database(settings), Catalog.of(settings), SecretBox(settings)
    metrics, runtime = Metrics(), _runtime(settings, box)
    node = Node.of(settings)
    holder = Holder.of(node.name, settings.jobs.dead_seconds)
    leases = RequestLeases(database, holder)
    context = _context(settings, database, catalogue, runtime, leases, metrics, box)
    flow = Flow(context, PLANNERS)
    unbilled = flow.unbilled()
    accounts, answers = Accounts(settings, database), Idempotency(database, leases, settings.idempotency)
    results, webhooks = open_results(settings, database), Webhooks(settings.webhooks, database, box, SystemResolver())
    files = JobFiles(results, settings.jobs.hours * 3600)
    tracer = open_tracer(settings.tracing.endpoint, settings.tracing.share, settings.tracing.service)
    runner = JobRunner(database, files, unbilled, settings.jobs.attempts, tracer)
    worker = Worker(settings, database, node.name, runner, webhooks)
    preload = tuple(card for name in settings.models.preload for card in meant(catalogue.family(name), settings.models))
    services = Services(
        settings=settings,
        catalog=catalogue,
        voices=context.voices,
        listings=Listings(catalogue, settings),
        runtime=runtime,
        flow=flow,
        saved_voices=context.saved_voices,
        accounts=accounts,
        administration=Administration(settings, database, accounts),
        model_administration=ModelAdministration(settings, catalogue, runtime, AuditLog(database)),
        client_secrets=ClientSecrets(accounts, box),
        limiter=open_limiter(settings),
        webhooks=webhooks,
        results=results,
        jobs=Jobs(settings, database, worker, files, unbilled, webhooks),
        conversations=Conversations(settings, database, results, answers),
        readiness=Readiness(runtime, database, settings.data_dir, preload),
        metrics=metrics,
        node_token=box.derived(NODES) if for_nodes else "",
    )
    ledger = Ledger(database)
    return Parts(services, context, database, answers, leases, holder.seconds, ledger, worker, node, tracer)


def _context(
    settings: Settings,
    database: Database,
    catalogue: Catalog,
    runtime: Runtime,
    leases: RequestLeases,
    metrics: Metrics,
    box: SecretBox,
) -> ServiceContext:
    references = ReferenceCache()
    saved = SavedVoices(settings, database, catalogue, references, box)
    return ServiceContext(
        settings=settings,
        catalog=catalogue,
        voices=Voices(catalogue, saved),
        runtime=runtime,
        billing=open_billing(settings, database, leases),
        metrics=metrics,
        sound=SoundWork(settings),
        chat=ChatModels(settings, catalogue, runtime),
        references=references,
        saved_voices=saved,
        previews=Previews(LOCAL_CALLER, settings.data_dir / "previews"),
    )


def _runtime(settings: Settings, box: SecretBox) -> Runtime:
    pool = _pool(settings, box)
    if not settings.ray.address:
        return pool
    from ttsai_server.runtime.ray import RayRuntime

    return RayRuntime(settings, pool)


def _pool(settings: Settings, box: SecretBox) -> Pool:
    """The models on the workers, or on this machine."""
    if settings.models.workers:
        return RemotePool(settings.models, Workers(settings.models, box.derived(NODES)))
    return Pool(settings.models, Trials(settings).watching(starter(settings)))
