"""Health checks and metrics."""

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import JSONResponse, PlainTextResponse, Response

from ttsai_server.api.deps import ServicesDep

router = APIRouter(tags=["operations"])


@router.get("/health/live")
async def live() -> Response:
    """Always 200: the process answers."""
    return JSONResponse({"status": "live"})


@router.get("/health/ready", responses={503: {"description": "Not ready; says why."}})
async def ready(services: ServicesDep) -> Response:
    """200 if the database answers and every model of `models.preload` is loaded."""
    waiting = await services.readiness.waiting_for()
    return JSONResponse({"status": "waiting" if waiting else "ready", "waiting_for": waiting}, 503 if waiting else 200)


@router.get("/metrics", response_class=PlainTextResponse)
async def metrics(services: ServicesDep) -> Response:
    """All metrics, in Prometheus' text format."""
    return Response(generate_latest(services.metrics.registry), media_type=CONTENT_TYPE_LATEST)
