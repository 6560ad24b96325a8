"""Request and response bodies of /v1/admin/."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from ttsai_server.api.account_schemas import Kept, KeyInfo, MaybeMoment, Moment, PlanLimits
from ttsai_server.api.bodies import STORABLE, Body
from ttsai_server.api.schemas import Answer
from ttsai_server.store.accounts import MOST_CREDITS

Name = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")]


class AccountRow(Kept):
    id: str
    name: str
    plan: str
    credits: int = Field(validation_alias="available")
    """Credits that can still be spent."""
    reserved: int
    """Credits reserved for work in progress."""
    created_at: Moment


class AccountList(Answer):
    accounts: list[AccountRow]
    """Oldest first."""
    plans: dict[str, PlanLimits]
    """The plans that an account can have, with their limits."""


class _Strict(Body):
    """Unlike other bodies it forbids unknown fields: a misspelt one must not change something else."""

    model_config = ConfigDict(extra="forbid")


class NewAccountBody(_Strict):
    name: Name
    plan: str = "pro"
    credits: int = Field(default=0, ge=0, le=MOST_CREDITS)
    """Opening balance."""


class PlanBody(_Strict):
    plan: str
    """A plan of the settings."""


class GrantBody(_Strict):
    credits: int = Field(ge=-MOST_CREDITS, le=MOST_CREDITS)
    """Credits to add; negative: to take back."""
    note: str = Field(default="", max_length=500, pattern=STORABLE)
    """What for; it is kept in the ledger and in the audit log."""


class OwnedKey(KeyInfo):
    account: str


class OwnedKeyList(Answer):
    keys: list[OwnedKey]
    """Oldest first, revoked ones included."""


class AuditEntry(Kept):
    id: int
    at: Moment
    actor: str
    """Who: the id of a key; `cli:NAME`, a user of the command line; `cli`, the same by way of the running server;
    `console`, a user of the console of a server without keys; `server`, the server itself."""
    action: str
    """What was done, such as `key.revoke`."""
    target: str
    """To what: the id of an account, a key or a model."""
    before: Mapping[str, Any] | None
    """What has changed, as it was; null if nothing of it was there."""
    after: Mapping[str, Any] | None
    """The same, as it has become."""


class AuditList(Answer):
    entries: list[AuditEntry]
    """Newest first; for the next page, pass the last one's id as `before`."""


class ModelTaskInfo(Kept):
    id: str
    model: str
    action: Literal["pull", "install"]
    by: str
    """Who asked for it."""
    state: Literal["running", "completed", "failed"]
    step: str
    """What is being done, such as the file that is being fetched."""
    done: int
    """Bytes of that file that are here."""
    total: int | None
    """Bytes of it; null: not known."""
    error: str | None
    started_at: Moment
    ended_at: MaybeMoment


class ModelTaskList(Answer):
    tasks: list[ModelTaskInfo]
    """Those since the server's start, oldest first."""


class ModelStatusInfo(Answer):
    id: str
    name: str
    capabilities: list[str]
    status: Literal["ready", "needs_pull", "needs_install", "broken"]
    command: str | None
    """The command that makes it ready; null if it is."""
    reason: str | None
    """What is damaged, if it is broken."""
    licence: str
    commercial_use: bool
    size_mb: int | None
    """Its files, megabytes; null: not known."""
    device: str
    """cpu or cuda."""
    loaded: bool
    loading: bool
    crashed: bool
    """Its process has died, and it has not been loaded since."""
    memory_mb: int
    """What it takes now, megabytes; 0 when not loaded."""
    leases: int
    """Requests and jobs that hold it."""
    queue: int
    """Steps of work that wait for their turn."""
    task: ModelTaskInfo | None
    """The last pull or installation since the server's start."""


class ModelStatusList(Answer):
    models: list[ModelStatusInfo]


class Loaded(Answer):
    model: str
    loaded: bool


class Unloaded(Answer):
    model: str
    unloaded: bool
    """False: it is not loaded, or in use."""
