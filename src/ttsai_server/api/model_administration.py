"""/v1/admin/models/: how the models of this server are; load, unload, pull and install them, for administrators."""

from fastapi import APIRouter, Depends

from ttsai_server.api.account import Id
from ttsai_server.api.administration_schemas import (
    Loaded,
    ModelStatusInfo,
    ModelStatusList,
    ModelTaskInfo,
    ModelTaskList,
    Unloaded,
)
from ttsai_server.api.deps import Administrator, AuthedServices, administrator
from ttsai_server.api.schemas import KEYED, errors
from ttsai_server.runtime.base import ModelState
from ttsai_server.services.model_administration import ModelStatus
from ttsai_server.services.model_tasks import ModelTask

router = APIRouter(prefix="/v1/admin", tags=["administration"], responses=KEYED, dependencies=[Depends(administrator)])


@router.get("/models")
async def list_models(services: AuthedServices) -> ModelStatusList:
    """All models, as they are on this server; of a family of voices only those that are here."""
    return ModelStatusList(models=[_info(status) for status in await services.model_administration.statuses()])


@router.post("/models/{model}/load", responses=errors(503))
async def load_model(model: Id, services: AuthedServices, by: Administrator) -> Loaded:
    """Load a model into this server's memory, or its workers'; a family's name means all of it that is here."""
    await services.model_administration.load(by, model)
    return Loaded(model=model, loaded=True)


@router.post("/models/{model}/unload")
async def unload_model(model: Id, services: AuthedServices, by: Administrator) -> Unloaded:
    """Free a model's memory, here or on the workers, where it is not in use."""
    return Unloaded(model=model, unloaded=await services.model_administration.unload(by, model))


@router.post("/models/{model}/pull", status_code=202)
async def pull_model(model: Id, services: AuthedServices, by: Administrator) -> ModelTaskList:
    """Fetch a model's weights: tasks, whose progress can be looked up."""
    return _tasks(await services.model_administration.start(by, model, "pull"))


@router.post("/models/{model}/install", status_code=202)
async def install_model(model: Id, services: AuthedServices, by: Administrator) -> ModelTaskList:
    """Make the Python environment of a model that has one of its own: tasks, whose progress can be looked up.

    A model whose packages belong beside the server's has to be installed on its machine; the task fails and says how.
    """
    return _tasks(await services.model_administration.start(by, model, "install"))


@router.get("/model-tasks")
async def list_tasks(services: AuthedServices) -> ModelTaskList:
    return _tasks(services.model_administration.tasks.recent())


@router.get("/model-tasks/{id}")
async def get_task(id: Id, services: AuthedServices) -> ModelTaskInfo:
    return ModelTaskInfo.model_validate(services.model_administration.tasks.get(id))


def _tasks(tasks: list[ModelTask]) -> ModelTaskList:
    return ModelTaskList(tasks=[ModelTaskInfo.model_validate(task) for task in tasks])


def _info(status: ModelStatus) -> ModelStatusInfo:
    facts, available = status.facts, status.facts.availability
    state = status.state or ModelState(facts.id, False, False, 0, 0, 0, 0)
    return ModelStatusInfo(
        id=facts.id,
        name=facts.name,
        capabilities=list(facts.tasks),
        status=available.status,
        command=available.command,
        reason=available.reason,
        licence=facts.licence,
        commercial_use=facts.commercial,
        size_mb=facts.size_mb,
        device=facts.device,
        loaded=state.loaded,
        loading=state.loading,
        crashed=state.crashed,
        memory_mb=state.memory_mb,
        leases=state.leases,
        queue=state.waiting,
        task=status.task and ModelTaskInfo.model_validate(status.task),
    )
