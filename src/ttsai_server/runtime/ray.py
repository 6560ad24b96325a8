"""Models on a Ray cluster: Ray Serve starts their replicas, on any node, as many as there is work for.

A family of models is a deployment, and a model without a family is one of its own; `ray_replica` is what its replicas
run. Requests for one model of a family go to a replica that has loaded it, as long as that takes more (multiplexing).
The API stays outside Serve and calls it by handles; a client's deadlines go along as the seconds of sound that it still
has, since every replica orders the steps of all servers' runs. Recordings go through Ray's object store.
"""

import asyncio
import hashlib
import json
import logging
import mmap
import os
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from math import ceil
from threading import Lock
from time import monotonic
from typing import Any

import numpy as np
import ray
from numpy.typing import NDArray
from ray import ObjectRef, serve
from ray.exceptions import RayError
from ray.serve.config import ProxyLocation
from ray.serve.exceptions import BackPressureError, RayServeException
from ray.serve.handle import DeploymentHandle

from ttsai_server import __version__
from ttsai_server.domain import ModelCard
from ttsai_server.engines.base import Cancellation
from ttsai_server.errors import ModelCrashed, ModelLoading
from ttsai_server.runtime.base import Arguments, EngineHandle, ModelState, Playback, S
from ttsai_server.runtime.pool import LOADING_RETRY_SECONDS, Pool
from ttsai_server.runtime.ray_replica import Replica
from ttsai_server.runtime.slot import SATURATED_RETRY_SECONDS
from ttsai_server.runtime.wire import LENGTH_BYTES, Call, Reply, decode, encode
from ttsai_server.settings import Settings
from ttsai_server.tracing import span, traceparent

logger = logging.getLogger(__name__)

Handle = DeploymentHandle[Any]
RETRY_SECONDS = 0.5
"""Between two tries to load a model whose replica, or its node, has just been lost."""
LOOK_SECONDS = 5.0
"""Between two looks at which deployments still have replicas."""


@dataclass(slots=True)
class Model:
    """What this server knows of a model on the cluster."""

    card: ModelCard
    frame: bytes
    """The card, for a replica."""
    loaded: bool = False
    crashed: bool = False
    memory_mb: int = 0
    leases: int = 0
    waiting: int = 0
    """Runs that wait for their next step."""
    last_used: float = field(default_factory=monotonic)

    @property
    def family(self) -> str:
        return self.card.family or self.card.id

    def state(self) -> ModelState:
        return ModelState(
            id=self.card.id,
            loaded=self.loaded,
            loading=False,
            memory_mb=self.memory_mb if self.loaded else 0,
            leases=self.leases,
            waiting=self.waiting,
            idle_seconds=0 if self.leases else monotonic() - self.last_used,
            crashed=self.crashed,
        )

    def busy(self, why: str) -> ModelLoading:
        return ModelLoading(f"{self.card.id!r} is busy: {why}.", retry_after=SATURATED_RETRY_SECONDS)


class Cluster:
    """The connection to Ray, and the deployments; its methods block."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._connecting = Lock()
        self._connected = False

    def deploy(self, model: Model) -> Handle:
        """Deploy the model's family, unless it is deployed with the same settings. → a handle to it."""
        with self._connecting:
            if not self._connected:
                self._connect()
        replicas = self._settings.ray.of(model.family)
        card = b"" if model.card.family else model.frame
        arguments = self._replica_settings(replicas.cpus, replicas.gpus), card
        actor = {"num_cpus": replicas.cpus, "num_gpus": replicas.gpus}
        name = _application(model.family, __version__, arguments, replicas)
        if name in serve.status().applications:  # by another server, or before a restart
            return serve.get_app_handle(name)
        deployment = serve.deployment(
            name=model.family,
            ray_actor_options=actor,
            max_ongoing_requests=ceil(2 * replicas.runs),
            max_queued_requests=model.card.queue * replicas.most,
            autoscaling_config={
                "min_replicas": replicas.least,
                "max_replicas": max(replicas.least, replicas.most),
                "target_ongoing_requests": replicas.runs,
                "upscale_delay_s": replicas.upscale_seconds,
                "downscale_delay_s": self._settings.models.idle_seconds,
                "downscale_to_zero_delay_s": self._settings.models.idle_seconds,
            },
        )(Replica)
        return serve.run(deployment.bind(*arguments), name=name, route_prefix=None)

    def families(self) -> set[str]:
        """Those that have replicas."""
        applications = serve.status().applications
        return {
            family
            for application in applications.values()
            for family, deployment in application.deployments.items()
            if any(count for state, count in deployment.replica_states.items() if state == "RUNNING")
        }

    def close(self) -> None:
        """End the connection; the replicas stay as long as they have work, or other servers."""
        if self._connected:
            ray.shutdown()

    def _connect(self) -> None:
        logging.getLogger("ray").setLevel(logging.WARNING)
        logging.getLogger("ray.serve").setLevel(logging.WARNING)
        ray.init(self._settings.ray.address, namespace="ttsai-server", log_to_driver=False, configure_logging=False)
        serve.start(proxy_location=ProxyLocation.Disabled)
        self._connected = True

    def _replica_settings(self, cpus: float, gpus: float) -> str:
        models = self._settings.models
        device = ("cuda" if gpus else "cpu") if models.device == "auto" else models.device
        elsewhere = {"preload": (), "workers": ()}
        changed = models.model_copy(update={**elsewhere, "device": device, "threads": models.threads or ceil(cpus)})
        groups = {"models": changed, "log": self._settings.log, "tracing": self._settings.tracing}
        return json.dumps({name: group.model_dump(mode="json") for name, group in groups.items()})


class RayRuntime:
    """See `base.Runtime`."""

    def __init__(self, settings: Settings, pool: Pool) -> None:
        """pool: for the models of `ray.here`."""
        self._settings = settings
        self._pool = pool
        self._cluster = Cluster(settings)
        self._deploying = asyncio.Lock()
        self._models: dict[str, Model] = {}
        self._handles: dict[str, Handle] = {}
        """By family."""

    def lease(self, card: ModelCard) -> AbstractAsyncContextManager[EngineHandle]:
        return self._pool.lease(card) if self._is_here(card) else self._lease(card)

    async def load(self, card: ModelCard) -> None:
        if self._is_here(card):
            return await self._pool.load(card)
        async with self._lease(card):
            return None

    async def unload(self, card: ModelCard) -> bool:
        if self._is_here(card):
            return await self._pool.unload(card)
        model = self._model(card)
        if model.leases or not model.loaded:
            return False
        handle = await self._handle(model)
        with _told(model):
            frames = await handle.broadcast("unload", model.frame).results_async()
        model.loaded = False
        freed = [_value(frame) for frame in frames]
        return any(freed)

    def states(self) -> list[ModelState]:
        return [*self._pool.states(), *(model.state() for model in self._models.values())]

    async def sweep(self) -> None:
        """Notice which models are gone with their replicas, and do as `Pool.sweep`; runs until cancelled."""
        await asyncio.gather(self._pool.sweep(), self._look_on())

    async def close(self) -> None:
        await self._pool.close()
        for handle in self._handles.values():
            await handle.shutdown_async()  # else it would connect again, to report its queue
        await asyncio.to_thread(self._cluster.close)

    @asynccontextmanager
    async def _lease(self, card: ModelCard) -> AsyncGenerator[EngineHandle]:
        model = self._model(card)
        if model.leases >= card.queue * self._settings.ray.of(model.family).most:
            raise model.busy(f"{model.leases} requests are under way")
        model.leases += 1
        try:
            yield RayHandle(model, await self._loaded(model), self._settings.models.queue_wait_seconds)
        finally:
            model.leases -= 1
            model.last_used = monotonic()

    async def _loaded(self, model: Model) -> Handle:
        """A handle to replicas of which at least one has loaded the model."""
        try:
            async with asyncio.timeout(self._settings.models.load_wait_seconds):
                while True:
                    if handle := await self._load(model):
                        return handle
                    await asyncio.sleep(RETRY_SECONDS)
        except TimeoutError:
            message = f"{model.card.id!r} is being loaded, or waits for a node of the cluster that has room for it."
            raise ModelLoading(message, retry_after=LOADING_RETRY_SECONDS) from None

    async def _load(self, model: Model) -> Handle | None:
        """None if the replica was lost."""
        try:
            handle = await self._handle(model)
            frame = await handle.load.remote(model.frame)
        except BackPressureError:
            raise model.busy("too many requests wait for a replica") from None
        except (RayError, RayServeException, ConnectionError) as error:
            logger.warning("could not load %s on the cluster: %s", model.card.id, error)
            self._handles.pop(model.family, None)
            return None
        model.memory_mb = _value(frame)
        model.loaded, model.crashed = True, False
        return handle

    async def _handle(self, model: Model) -> Handle:
        async with self._deploying:
            if model.family not in self._handles:
                self._handles[model.family] = await asyncio.to_thread(self._cluster.deploy, model)
        handle = self._handles[model.family]
        return handle.options(multiplexed_model_id=model.card.id) if model.card.family else handle

    async def _look_on(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                families = await asyncio.to_thread(self._cluster.families) if self._handles else set[str]()
            except Exception:
                logger.exception("could not ask the cluster for its replicas; trying again")
                continue
            for model in self._models.values():
                model.loaded = model.loaded and model.family in families

    def _is_here(self, card: ModelCard) -> bool:
        return any(fnmatchcase(card.id, name) for name in self._settings.ray.here)

    def _model(self, card: ModelCard) -> Model:
        if card.id not in self._models:
            self._models[card.id] = Model(card, encode(card)[0])
        return self._models[card.id]


class RayHandle:
    """See `base.EngineHandle`. Cancelled, it returns at once; the replica stops the step by itself."""

    cpu_seconds = None

    def __init__(self, model: Model, handle: Handle, patience: float) -> None:
        """patience: how long a run waits for a replica that is free, seconds."""
        self._model = model
        self._patience = patience
        self._handle = handle.options(stream=True)

    async def run(
        self,
        method: Callable[[Any, *Arguments, Cancellation], Generator[S]],
        *arguments: *Arguments,
        playback: Playback | None = None,
    ) -> AsyncGenerator[S]:
        playback = playback or Playback()
        call, descriptors = encode(Call(method.__name__, arguments, playback.ahead, traceparent()))
        with span("ray", {"ttsai.model": self._model.card.id, "ttsai.method": method.__name__}), _told(self._model):
            recordings = [await asyncio.to_thread(_put, descriptor) for descriptor in descriptors]
            replies = self._handle.run.remote(self._model.frame, call, *recordings)
            try:
                await self._begin(replies)
                while frame := await self._next(replies):
                    step = _value(frame)
                    playback.add(step.seconds)
                    yield step
            finally:
                replies.cancel()

    async def _begin(self, replies: Any) -> None:
        """Wait until a replica has taken the run; it sees to its turn then. Raises ModelLoading if none does."""
        try:
            async with asyncio.timeout(self._patience):
                await self._next(replies)
        except TimeoutError:
            raise self._model.busy(f"no replica took the request in {self._patience:g} s") from None

    async def _next(self, replies: Any) -> bytes | None:
        self._model.waiting += 1
        try:
            return await anext(replies, None)
        finally:
            self._model.waiting -= 1


@contextmanager
def _told(model: Model) -> Generator[None]:
    """Raises what the contract has for Ray's errors, and notes what they say of the model."""
    try:
        yield
    except BackPressureError:
        raise model.busy("too many requests wait for a replica") from None
    except ModelCrashed:  # its process, in a replica that lives on
        model.crashed = True
        raise
    except (RayError, RayServeException) as error:
        model.loaded, model.crashed = False, True
        message = f"The replica that ran {model.card.id!r} was lost; another one takes its place."
        raise ModelCrashed(message, retry_after=RETRY_SECONDS) from error


def _application(family: str, *settings: object) -> str:
    """Name of the Serve application: other settings, or another version of this package, are another application."""
    return f"ttsai-{family}-{hashlib.sha256(repr(settings).encode()).hexdigest()[:16]}"


def _value(frame: bytes) -> Any:
    """What a replica has replied. Raises the error that it replied."""
    reply: Reply = decode(frame[LENGTH_BYTES:], _no_file)
    if reply.error:
        raise reply.error
    return reply.value


def _no_file() -> int:
    raise ValueError("a replica sent a file")


def _put(descriptor: int) -> "ObjectRef[NDArray[np.uint8]]":
    """Put the content of a file into the object store, without reading it into this process's memory."""
    if not os.fstat(descriptor).st_size:
        return ray.put(np.zeros(0, np.uint8))
    with mmap.mmap(descriptor, 0, prot=mmap.PROT_READ) as content:
        return ray.put(np.frombuffer(content, np.uint8))
