"""The shapes of the account's API."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field

from ttsai_server.api.bodies import Body
from ttsai_server.api.schemas import Answer


def _moment(at: float | None) -> datetime | None:
    """Unix seconds → UTC, to the second."""
    return None if at is None else datetime.fromtimestamp(int(at), UTC)


Moment = Annotated[datetime, BeforeValidator(_moment)]
MaybeMoment = Annotated[datetime | None, BeforeValidator(_moment)]
Kind = Literal["secret", "publishable"]


class Kept(Answer):
    """Read from what the store keeps."""

    model_config = ConfigDict(from_attributes=True)


class PlanLimits(Answer):
    requests_per_minute: int | None
    """Requests in any minute; null: no limit."""
    concurrent: int | None
    """Requests at the same time; null: no limit."""
    max_characters: int
    """Longest text."""


class DayOfUse(Kept):
    date: date
    """Day in UTC."""
    service: str
    """As `tts`."""
    model: str
    requests: int
    characters: int
    """Characters of text spoken."""
    seconds: float
    """Seconds of audio made or heard."""
    credits: int


class AccountInfo(Kept):
    id: str
    plan: str
    credits: int | None
    """What can still be spent; null: nobody pays."""
    reserved: int
    """Set aside for work under way."""
    limits: PlanLimits
    usage: list[DayOfUse]
    """By day, service and model, the newest day first."""


class KeyBody(Body):
    """Unlike other bodies one that knows its fields: a misspelt expiry must not make a key that lasts for ever."""

    model_config = ConfigDict(extra="forbid")

    label: str = Field(default="", max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")
    """What it is for."""
    kind: Kind = "secret"
    """A publishable one may lie open in a web page."""
    origins: list[Annotated[str, Field(max_length=300)]] = Field(default=[], max_length=20)
    """Where a publishable key works, as `https://example.org`; it needs one at least."""
    expires_in_days: int | None = Field(default=None, ge=1, le=3650)
    """When it stops; never, if absent."""


class KeyInfo(Kept):
    id: str
    kind: Kind
    prefix: str
    """How the key begins; the rest of it is known to nobody but who has it."""
    label: str
    origins: list[str]
    created_at: Moment
    expires_at: MaybeMoment
    revoked_at: MaybeMoment
    used_at: MaybeMoment
    """When it was last used, to the hour."""


class NewKey(KeyInfo):
    key: str
    """The key, this once."""


class KeyList(Answer):
    keys: list[KeyInfo]
    """Oldest first; revoked ones too."""


class WebhookSecret(Kept):
    secret: str
    """`whsec_…`: what webhooks are signed with."""
    created_at: Moment
    previous_until: MaybeMoment
    """Until when the secret before it signs too; null: it does not."""


class AttemptInfo(Kept):
    number: int
    """From 1."""
    at: Moment
    seconds: float
    """How long it took."""
    status: int | None
    """HTTP status; null if no answer came."""
    error: str | None
    """Why it failed; null if it did not."""
    excerpt: str
    """How the answer's body begins."""


class DeliveryInfo(Kept):
    id: str
    """The `webhook-id` of every attempt."""
    task_id: str = Field(validation_alias="task")
    event: str
    url: str
    status: Literal["pending", "delivered", "failed"] = Field(validation_alias="state")
    created_at: Moment
    next_attempt: MaybeMoment
    """null: there will be none."""
    payload: Annotated[Mapping[str, Any], BeforeValidator(json.loads)]
    """What is sent."""
    attempts: list[AttemptInfo]
    """Oldest first."""


class DeliveryList(Answer):
    deliveries: list[DeliveryInfo]
    """Newest first; the next page is `before` the last one's id."""
