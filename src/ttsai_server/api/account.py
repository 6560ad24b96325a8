"""/v1/account/: what the account has, its keys, and its webhooks. `AuthMiddleware` lets only secret keys in."""

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
"""What an id may hold: Postgres can't compare all that a URL can say."""


async def _not_stored(response: Response) -> None:
    response.headers["Cache-Control"] = "no-store"


router = APIRouter(prefix="/v1/account", tags=["account"], responses=KEYED, dependencies=[Depends(_not_stored)])


@router.get("")
async def account(
    services: AuthedServices, caller: CurrentCaller, days: Annotated[int, Query(ge=1, le=365)] = 30
) -> AccountInfo:
    """Plan, credits, limits, and the usage of the last `days`, today included, by the days of UTC."""
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
    """The account's keys, by their first characters."""
    return KeyList(keys=[KeyInfo.model_validate(key) for key in await services.accounts.keys(caller)])


@router.post("/keys")
async def create_key(body: KeyBody, services: AuthedServices, caller: CurrentCaller) -> NewKey:
    """One more key of the account. The answer holds it, this once; only its hash is kept."""
    until = None if body.expires_in_days is None else time.time() + body.expires_in_days * DAY_SECONDS
    key, plain = await services.accounts.create_key(caller, body.kind, body.label, tuple(body.origins), until)
    return NewKey.model_validate({**asdict(key), "key": plain})


@router.delete("/keys/{id}")
async def revoke_key(
    id: Annotated[str, Path(pattern=PRINTABLE)], services: AuthedServices, caller: CurrentCaller
) -> KeyInfo:
    """Stop a key for good, be it the one that asks; again, it says when it was stopped first."""
    return KeyInfo.model_validate(await services.accounts.revoke_key(caller, id))


@router.get("/webhook-secret")
async def webhook_secret(services: AuthedServices, caller: CurrentCaller) -> WebhookSecret:
    """What the account's webhooks are signed with; made when it is first asked for."""
    return WebhookSecret.model_validate(await services.webhooks.secret(caller.account))


@router.post("/webhook-secret/rotate")
async def rotate_webhook_secret(services: AuthedServices, caller: CurrentCaller) -> WebhookSecret:
    """A new secret; for a while the one before it signs too."""
    return WebhookSecret.model_validate(await services.webhooks.rotate(caller.account))


@router.get("/webhooks/deliveries")
async def list_deliveries(
    services: AuthedServices,
    caller: CurrentCaller,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    before: Annotated[str | None, Query(pattern=PRINTABLE)] = None,
) -> DeliveryList:
    """The log of the account's webhooks, newest first, with each attempt; only those older than delivery `before`."""
    deliveries = await services.webhooks.deliveries(caller.account, limit, before)
    return DeliveryList(deliveries=[DeliveryInfo.model_validate(delivery) for delivery in deliveries])


def _limits(caller: Caller, settings: Settings) -> PlanLimits:
    """Those of the plan; without keys only the length of a text is limited."""
    plan = settings.plans[caller.plan]
    if not settings.auth.enabled:
        return PlanLimits(requests_per_minute=None, concurrent=None, max_characters=plan.max_characters)
    return PlanLimits(**plan.model_dump(exclude={"api"}))
