"""/admin/models/, for `ttsai-server models load|unload`: its token is in the `server.json` of the running server."""

import secrets

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from ttsai_server.api.deps import ServicesDep
from ttsai_server.domain import ModelCard
from ttsai_server.errors import Forbidden, UnknownModel

router = APIRouter(include_in_schema=False)


def _card(model: str, request: Request, services: ServicesDep) -> ModelCard:
    expected = f"Bearer {services.admin_token}"
    authorization = request.headers.get("authorization", "")
    if not services.admin_token or not secrets.compare_digest(authorization.encode(), expected.encode()):
        raise Forbidden("This path is for the server's own command line.")
    if model not in services.catalog.models:
        raise UnknownModel(model)
    return services.catalog.models[model]


@router.post("/admin/models/{model}")
async def load(model: str, request: Request, services: ServicesDep) -> Response:
    card = _card(model, request, services)
    async with services.runtime.lease(card):
        return JSONResponse({"model": card.id, "loaded": True})


@router.delete("/admin/models/{model}")
async def unload(model: str, request: Request, services: ServicesDep) -> Response:
    card = _card(model, request, services)
    freed = await services.runtime.unload(card)
    return JSONResponse({"model": card.id, "unloaded": freed})
