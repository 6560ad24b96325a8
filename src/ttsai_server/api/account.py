"""/v1/account/: the account's plan and usage, its keys and its webhooks. `AuthMiddleware` admits only secret keys."""

import time
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from starlette.responses import Response

from ttsai_server.api.account_schemas import (
    AccountInfo,
    DayOfUse,
    DeliveryInfo,
    DeliveryList,
    KeyBody,
    KeyInfo,
    KeyList,
    NewKey,
    PlanLimits,
    WebhookSecret,
)
from ttsai_server.api.deps import AuthedServices, CurrentCaller
from ttsai_server.api.schemas import KEYED
from ttsai_server.domain import Caller
from ttsai_server.settings import Settings

DAY_SECONDS = 86_400
PRINTABLE = r"^[!-~]+$"
"""Characters that an id may have: Postgres rejects some that a URL can carry, such as NUL."""


async def _not_stored(response: Response) -> None:
    response.headers["Cache-Control"] = "no-store"


router = APIRouter(prefix="/v1/account", tags=["account"], responses=KEYED, dependencies=[Depends(_not_stored)])


@router.get("")
async def account(
    services: AuthedServices, caller: CurrentCaller, days: Annotated[int, Query(ge=1, le=365)] = 30
) -> AccountInfo:
    """Plan, credits and limits, and the usage of the last `days` days in UTC, today included."""
    standing = await services.accounts.standing(caller, days)
    return AccountInfo(
        id=caller.account,
        plan=caller.plan,
        credits=standing.credits,
        reserved=standing.reserved,
        limits=_limits(caller, services.settings),
        usage=[DayOfUse.model_validate(total) for total in standing.usage],
    )


@router.get("/keys")
async def list_keys(services: AuthedServices, caller: CurrentCaller) -> KeyList:
    """The account's keys, each shown by its first characters only."""
    return KeyList(keys=[KeyInfo.model_validate(key) for key in await services.accounts.keys(caller)])


@router.post("/keys")
async def create_key(body: KeyBody, services: AuthedServices, caller: CurrentCaller) -> NewKey:
    """Create a key of the account. Only this answer contains it: the server stores its hash."""
    until = None if body.expires_in_days is None else time.time() + body.expires_in_days * DAY_SECONDS
    key, plain = await services.accounts.create_key(caller, body.kind, body.label, tuple(body.origins), until)
    return NewKey.model_validate({**asdict(key), "key": plain})


@router.delete("/keys/{id}")
async def revoke_key(
    id: Annotated[str, Path(pattern=PRINTABLE)], services: AuthedServices, caller: CurrentCaller
) -> KeyInfo:
    """Revoke a key, possibly the one used for this request. Repeating it returns the time of the first call."""
    return KeyInfo.model_validate(await services.accounts.revoke_key(caller, id))


@router.get("/webhook-secret")
async def webhook_secret(services: AuthedServices, caller: CurrentCaller) -> WebhookSecret:
    """The secret that signs the account's webhooks; created on first use."""
    return WebhookSecret.model_validate(await services.webhooks.secret(caller.account))


@router.post("/webhook-secret/rotate")
async def rotate_webhook_secret(services: AuthedServices, caller: CurrentCaller) -> WebhookSecret:
    """Create a new secret; for `webhooks.rotation_hours` the previous one signs too."""
    return WebhookSecret.model_validate(await services.webhooks.rotate(caller.account))


@router.get("/webhooks/deliveries")
async def list_deliveries(
    services: AuthedServices,
    caller: CurrentCaller,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    before: Annotated[str | None, Query(pattern=PRINTABLE)] = None,
) -> DeliveryList:
    """The account's webhook deliveries with their attempts, newest first; with `before`, only those older than it."""
    deliveries = await services.webhooks.deliveries(caller.account, limit, before)
    return DeliveryList(deliveries=[DeliveryInfo.model_validate(delivery) for delivery in deliveries])


def _limits(caller: Caller, settings: Settings) -> PlanLimits:
    """The plan's limits; without keys only the length of a text is limited."""
    plan = settings.plans[caller.plan]
    if not settings.auth.enabled:
        return PlanLimits(requests_per_minute=None, concurrent=None, max_characters=plan.max_characters)
    return PlanLimits(**plan.model_dump(exclude={"api"}))
