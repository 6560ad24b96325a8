"""Request and response bodies of /v1/account/."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field

from ttsai_server.api.bodies import Body
from ttsai_server.api.schemas import Answer


def _moment(at: float | None) -> datetime | None:
    """Unix seconds → time in UTC, rounded down to a second."""
    return None if at is None else datetime.fromtimestamp(int(at), UTC)


Moment = Annotated[datetime, BeforeValidator(_moment)]
MaybeMoment = Annotated[datetime | None, BeforeValidator(_moment)]
Kind = Literal["secret", "publishable"]


class Kept(Answer):
    """A response body that pydantic reads from the attributes of a stored object."""

    model_config = ConfigDict(from_attributes=True)


class PlanLimits(Answer):
    requests_per_minute: int | None
    """Requests in any minute; null: no limit."""
    concurrent: int | None
    """Requests at the same time; null: no limit."""
    max_characters: int
    """Longest text, characters."""


class DayOfUse(Kept):
    date: date
    """Day in UTC."""
    service: str
    """Such as `tts`."""
    model: str
    requests: int
    characters: int
    """Characters of text spoken."""
    seconds: float
    """Seconds of audio generated, transcribed or processed."""
    credits: int


class AccountInfo(Kept):
    id: str
    plan: str
    credits: int | None
    """Credits that can still be spent; null if the server has no billing."""
    reserved: int
    """Credits reserved for work in progress."""
    limits: PlanLimits
    usage: list[DayOfUse]
    """By day, service and model, the newest day first."""


class KeyBody(Body):
    """Unlike other bodies it forbids unknown fields: a misspelt expiry must not create a key that never expires."""

    model_config = ConfigDict(extra="forbid")

    label: str = Field(default="", max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")
    """What the key is for."""
    kind: Kind = "secret"
    """A publishable key may be visible in a web page."""
    origins: list[Annotated[str, Field(max_length=300)]] = Field(default=[], max_length=20)
    """Web origins from which a publishable key works, such as `https://example.org`; it needs at least one."""
    expires_in_days: int | None = Field(default=None, ge=1, le=3650)
    """Days until the key expires; it never does if absent."""


class KeyInfo(Kept):
    id: str
    kind: Kind
    prefix: str
    """The first characters of the key; the server does not know the rest."""
    label: str
    origins: list[str]
    created_at: Moment
    expires_at: MaybeMoment
    revoked_at: MaybeMoment
    used_at: MaybeMoment
    """When it was last used, to the hour."""


class NewKey(KeyInfo):
    key: str
    """The whole key; no other answer contains it."""


class KeyList(Answer):
    keys: list[KeyInfo]
    """Oldest first, revoked ones included."""


class WebhookSecret(Kept):
    secret: str
    """`whsec_…`: the key that signs webhooks."""
    created_at: Moment
    previous_until: MaybeMoment
    """Until when the previous secret signs too; null if it does not."""


class AttemptInfo(Kept):
    number: int
    """From 1."""
    at: Moment
    seconds: float
    """Duration of the attempt."""
    status: int | None
    """HTTP status; null if no answer came."""
    error: str | None
    """Why it failed; null if it did not."""
    excerpt: str
    """The beginning of the response body."""


class DeliveryInfo(Kept):
    id: str
    """The `webhook-id` of every attempt."""
    task_id: str = Field(validation_alias="task")
    event: str
    url: str
    status: Literal["pending", "delivered", "failed"] = Field(validation_alias="state")
    created_at: Moment
    next_attempt: MaybeMoment
    """null if there will be no further attempt."""
    payload: Annotated[Mapping[str, Any], BeforeValidator(json.loads)]
    """The body that is sent."""
    attempts: list[AttemptInfo]
    """Oldest first."""


class DeliveryList(Answer):
    deliveries: list[DeliveryInfo]
    """Newest first; for the next page, pass the last one's id as `before`."""
