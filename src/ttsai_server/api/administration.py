"""/v1/admin/: accounts, keys and the audit log, for administrators. Models are in `model_administration`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from ttsai_server.api.account import PRINTABLE, Days, Id, Limit, key_use, plan_limits
from ttsai_server.api.account_schemas import KeyChangesBody, KeyUseList
from ttsai_server.api.administration_schemas import (
    AccountList,
    AccountRow,
    AuditEntry,
    AuditList,
    GrantBody,
    NewAccountBody,
    OwnedKey,
    OwnedKeyList,
    PlanBody,
)
from ttsai_server.api.deps import Administrator, AuthedServices, administrator
from ttsai_server.api.schemas import KEYED
from ttsai_server.errors import BadRequest

router = APIRouter(prefix="/v1/admin", tags=["administration"], responses=KEYED, dependencies=[Depends(administrator)])

Target = Annotated[str | None, Query(pattern=PRINTABLE)]


@router.get("/accounts")
async def list_accounts(services: AuthedServices) -> AccountList:
    """All accounts."""
    accounts = await services.administration.accounts()
    return AccountList(
        accounts=[AccountRow.model_validate(account) for account in accounts],
        plans={name: plan_limits(name, services.settings) for name in services.administration.plans},
    )


@router.post("/accounts")
async def create_account(body: NewAccountBody, services: AuthedServices, by: Administrator) -> AccountRow:
    """Create an account. Its first key is made by the server's command line."""
    made = await services.administration.create_account(by, body.name, body.plan, body.credits)
    return AccountRow.model_validate(made)


@router.get("/accounts/{id}")
async def get_account(id: Id, services: AuthedServices) -> AccountRow:
    return AccountRow.model_validate(await services.administration.account(id))


@router.patch("/accounts/{id}")
async def change_account(id: Id, body: PlanBody, services: AuthedServices, by: Administrator) -> AccountRow:
    """Move an account to another plan."""
    return AccountRow.model_validate(await services.administration.set_plan(by, id, body.plan))


@router.post("/accounts/{id}/credits")
async def grant_credits(id: Id, body: GrantBody, services: AuthedServices, by: Administrator) -> AccountRow:
    """Add credits to an account, or take them back; the ledger gets a line for it."""
    if not body.credits:
        raise BadRequest("'credits' is 0.", param="credits")
    return AccountRow.model_validate(await services.administration.grant(by, id, body.credits, body.note))


@router.get("/accounts/{id}/usage")
async def account_usage(id: Id, services: AuthedServices, days: Days = 30) -> KeyUseList:
    """What an account has used in the last `days` days in UTC, today included."""
    return key_use(await services.administration.usage(id, days))


@router.get("/keys")
async def list_keys(services: AuthedServices, account: Target = None) -> OwnedKeyList:
    """The keys of all accounts, or of one, each shown by its first characters only."""
    keys = await services.administration.keys(account)
    return OwnedKeyList(keys=[OwnedKey.model_validate(key) for key in keys])


@router.patch("/keys/{id}")
async def restrict_key(id: Id, body: KeyChangesBody, services: AuthedServices, by: Administrator) -> OwnedKey:
    """Change a key's label, the origins of a publishable one, or let it expire earlier than it would."""
    return OwnedKey.model_validate(await services.administration.restrict_key(by, id, body.changes))


@router.delete("/keys/{id}")
async def revoke_key(id: Id, services: AuthedServices, by: Administrator) -> OwnedKey:
    """Revoke a key of any account, possibly the one used for this request."""
    return OwnedKey.model_validate(await services.administration.revoke_key(by, id))


@router.get("/audit")
async def list_audit(
    services: AuthedServices,
    limit: Limit = 50,
    before: Annotated[int | None, Query(ge=1, lt=2**63)] = None,
    target: Target = None,
) -> AuditList:
    """Who has changed what, newest first: `before` an entry's id, or of one account, key or model."""
    entries = await services.administration.audit(limit, before, target)
    return AuditList(entries=[AuditEntry.model_validate(entry) for entry in entries])
