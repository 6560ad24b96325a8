"""Request and response bodies of /v1/account/."""

import json
import time
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field

from ttsai_server.api.bodies import Body
from ttsai_server.api.schemas import Answer
from ttsai_server.errors import BadRequest
from ttsai_server.store.keys import KeyChanges


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


class KeyUse(DayOfUse):
    key: str
    """Id of the key; empty: none, or from before this was recorded."""


class KeyUseList(Answer):
    usage: list[KeyUse]
    """By day, service, model and key, the newest day first."""


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


Label = Annotated[str, Field(max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")]
Origins = Annotated[list[Annotated[str, Field(max_length=300)]], Field(max_length=20)]
Days = Annotated[int, Field(ge=1, le=3650)]
DAY_SECONDS = 86_400


class KeyBody(Body):
    """Unlike other bodies it forbids unknown fields: a misspelt expiry must not create a key that never expires."""

    model_config = ConfigDict(extra="forbid")

    label: Label = ""
    """What the key is for."""
    kind: Kind = "secret"
    """A publishable key may be visible in a web page."""
    origins: Origins = []
    """Web origins from which a publishable key works, such as `https://example.org`; it needs at least one."""
    expires_in_days: Days | None = None
    """Days until the key expires; it never does if absent."""

    @property
    def expires_at(self) -> float | None:
        """Unix seconds."""
        return _in_days(self.expires_in_days)


class KeyChangesBody(Body):
    """What is to change of a key; what is absent stays. It forbids unknown fields, as the body of a new key."""

    model_config = ConfigDict(extra="forbid")

    label: Label | None = None
    """What the key is for."""
    origins: Origins | None = None
    """Web origins from which a publishable key works, instead of those it has."""
    expires_in_days: Days | None = None
    """Days from now until the key expires; not later than it does already."""

    @property
    def changes(self) -> KeyChanges:
        """Raises BadRequest if there are none."""
        if self.label is self.origins is self.expires_in_days:
            raise BadRequest("Nothing is to change: send 'label', 'origins' or 'expires_in_days'.")
        origins = None if self.origins is None else tuple(self.origins)
        return KeyChanges(self.label, origins, _in_days(self.expires_in_days))


def _in_days(days: int | None) -> float | None:
    """Days from now → Unix seconds."""
    return None if days is None else time.time() + days * DAY_SECONDS


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
    admin: bool
    """Whether it may administer the server; only the server's command line makes such keys."""


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
