"""The models that a page offers."""

import orjson

from ttsai_server.api.deps import Services
from ttsai_server.domain import Capability

NOT_READY = {"needs_pull": "not downloaded", "needs_install": "not installed", "broken": "broken"}


async def model_choice(services: Services, capability: Capability) -> dict[str, str]:
    """Name of each model that has the capability → how it is shown, ready ones first."""
    listed = orjson.loads(await services.listings.models(capability))["models"]
    shown: dict[str, str] = {}
    for model in listed:
        missing = NOT_READY.get(model["status"])
        shown[model["id"]] = f"{model['id']} ({missing})" if missing else model["id"]
    return shown
