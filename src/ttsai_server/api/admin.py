"""/admin/models/, for `ttsai-server models load|unload`: its token is in the `server.json` of the running server."""

import asyncio
import secrets

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from ttsai_server.api.deps import ServicesDep
from ttsai_server.domain import ModelCard
from ttsai_server.errors import Forbidden
from ttsai_server.services.availability import meant

router = APIRouter(include_in_schema=False)


def _cards(model: str, request: Request, services: ServicesDep) -> list[ModelCard]:
    expected = f"Bearer {services.admin_token}"
    authorization = request.headers.get("authorization", "")
    if not services.admin_token or not secrets.compare_digest(authorization.encode(), expected.encode()):
        raise Forbidden("This path is for the server's own command line.")
    return meant(services.catalog.family(model), services.settings.models)


@router.post("/admin/models/{model}")
async def load(model: str, request: Request, services: ServicesDep) -> Response:
    for card in await asyncio.to_thread(_cards, model, request, services):
        async with services.runtime.lease(card):
            pass
    return JSONResponse({"model": model, "loaded": True})


@router.delete("/admin/models/{model}")
async def unload(model: str, request: Request, services: ServicesDep) -> Response:
    cards = await asyncio.to_thread(_cards, model, request, services)
    freed = [await services.runtime.unload(card) for card in cards]
    return JSONResponse({"model": model, "unloaded": any(freed)})
