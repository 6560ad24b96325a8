"""/v1/account/: the account's plan and usage, its keys and its webhooks. `AuthMiddleware` admits only secret keys."""

from collections.abc import Sequence
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
    KeyChangesBody,
    KeyInfo,
    KeyList,
    KeyUse,
    KeyUseList,
    NewKey,
    PlanLimits,
    WebhookSecret,
)
from ttsai_server.api.deps import AuthedServices, CurrentCaller
from ttsai_server.api.schemas import KEYED
from ttsai_server.settings import Settings
from ttsai_server.store.ledger import KeyUsage

PRINTABLE = r"^[!-~]+$"
"""Characters that an id may have: Postgres rejects some that a URL can carry, such as NUL."""
Id = Annotated[str, Path(pattern=PRINTABLE)]
Before = Annotated[str | None, Query(pattern=PRINTABLE)]
Days = Annotated[int, Query(ge=1, le=365)]
Limit = Annotated[int, Query(ge=1, le=100)]


async def _not_stored(response: Response) -> None:
    response.headers["Cache-Control"] = "no-store"


router = APIRouter(prefix="/v1/account", tags=["account"], responses=KEYED, dependencies=[Depends(_not_stored)])


@router.get("")
async def account(services: AuthedServices, caller: CurrentCaller, days: Days = 30) -> AccountInfo:
    """Plan, credits and limits, and the usage of the last `days` days in UTC, today included."""
    standing = await services.accounts.standing(caller, days)
    return AccountInfo(
        id=caller.account,
        plan=caller.plan,
        credits=standing.credits,
        reserved=standing.reserved,
        limits=plan_limits(caller.plan, services.settings),
        usage=[DayOfUse.model_validate(total) for total in standing.usage],
    )


@router.get("/usage")
async def usage(services: AuthedServices, caller: CurrentCaller, days: Days = 30) -> KeyUseList:
    """The usage of the last `days` days in UTC, today included, by key."""
    return key_use(await services.accounts.usage_by_key(caller.account, days))


@router.get("/keys")
async def list_keys(services: AuthedServices, caller: CurrentCaller) -> KeyList:
    """The account's keys, each shown by its first characters only."""
    return KeyList(keys=[KeyInfo.model_validate(key) for key in await services.accounts.keys(caller)])


@router.post("/keys")
async def create_key(body: KeyBody, services: AuthedServices, caller: CurrentCaller) -> NewKey:
    """Create a key of the account. Only this answer contains it: the server stores its hash."""
    key, plain = await services.accounts.create_key(caller, body.kind, body.label, tuple(body.origins), body.expires_at)
    return NewKey.model_validate({**asdict(key), "key": plain})


@router.patch("/keys/{id}")
async def restrict_key(id: Id, body: KeyChangesBody, services: AuthedServices, caller: CurrentCaller) -> KeyInfo:
    """Change a key's label, the origins of a publishable one, or let it expire earlier than it would."""
    return KeyInfo.model_validate(await services.accounts.restrict_key(caller, id, body.changes))


@router.delete("/keys/{id}")
async def revoke_key(id: Id, services: AuthedServices, caller: CurrentCaller) -> KeyInfo:
    """Revoke a key, possibly the one used for this request. Repeating it returns the time of the first call."""
    return KeyInfo.model_validate(await services.accounts.revoke_key(caller, id))


@router.get("/webhook-secret")
async def webhook_secret(services: AuthedServices, caller: CurrentCaller) -> WebhookSecret:
    """The secret that signs the account's webhooks; created on first use."""
    return WebhookSecret.model_validate(await services.webhooks.secret(caller.account))


@router.post("/webhook-secret/rotate")
async def rotate_webhook_secret(services: AuthedServices, caller: CurrentCaller) -> WebhookSecret:
    """Create a new secret; for `webhooks.rotation_hours` the previous one signs too."""
    return WebhookSecret.model_validate(await services.webhooks.rotate(caller.account, caller.actor))


@router.get("/webhooks/deliveries")
async def list_deliveries(
    services: AuthedServices,
    caller: CurrentCaller,
    limit: Limit = 20,
    before: Before = None,
) -> DeliveryList:
    """The account's webhook deliveries with their attempts, newest first; with `before`, only those older than it."""
    deliveries = await services.webhooks.deliveries(caller.account, limit, before)
    return DeliveryList(deliveries=[DeliveryInfo.model_validate(delivery) for delivery in deliveries])


def key_use(totals: Sequence[KeyUsage]) -> KeyUseList:
    return KeyUseList(usage=[KeyUse.model_validate(total) for total in totals])


def plan_limits(name: str, settings: Settings) -> PlanLimits:
    """The plan's limits; without keys only the length of a text is limited."""
    plan = settings.plans[name]
    if not settings.auth.enabled:
        return PlanLimits(requests_per_minute=None, concurrent=None, max_characters=plan.max_characters)
    return PlanLimits(**plan.model_dump(exclude={"api"}))
