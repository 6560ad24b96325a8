"""Bodies of /v1/realtime/client_secrets."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from ttsai_server.api.schemas import Answer


class ExpiresAfter(BaseModel):
    anchor: Literal["created_at"] = "created_at"
    seconds: int = Field(default=600, ge=10, le=7200)


class ClientSecretBody(BaseModel):
    expires_after: ExpiresAfter = ExpiresAfter()
    """When it ceases to open sessions; those that have begun go on."""
    session: dict[str, Any] | None = None
    """How its sessions begin, as `session` of the event `session.update`."""


class NewClientSecret(Answer):
    value: str
    """The secret, in the place of a key; only this answer has it."""
    expires_at: int
    """Unix seconds."""
    session: dict[str, Any]
    """The session's configuration, with all that was left out."""
