"""A webhook's body and its signature: Standard Webhooks 1.0 (https://www.standardwebhooks.com)."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from standardwebhooks import Webhook

from ttsai_server.store.webhooks import Delivery


@dataclass(frozen=True, slots=True)
class JobEnd:
    """The outcome of a job or a batch."""

    task: str
    """The job's id, `task_…`, or the batch's."""
    created_at: float
    """Unix seconds."""
    completed_at: float
    credits: int
    """Credits charged."""
    result_url: str | None = None
    """None if it failed, or has no result to fetch."""
    error: Mapping[str, str] | None = None
    """`code` and `message`, as in an error response; None if it did not fail."""
    warnings: Sequence[str] = ()
    """What the client has to know beside the result."""

    @property
    def event(self) -> str:
        return "task.failed" if self.error else "task.completed"

    def delivery(self, account: str, url: str) -> Delivery:
        """The webhook that reports it. The id depends on task and event only, so a repeated step sends it once."""
        id = f"msg_{hashlib.sha256(f'{self.task} {self.event}'.encode()).hexdigest()[:32]}"
        return Delivery(id, account, self.task, self.event, url, self._payload())

    def _payload(self) -> str:
        """The body: JSON, ASCII only."""
        fields = {
            "event": self.event,
            "task_id": self.task,
            "status": "failed" if self.error else "success",
            "result_url": self.result_url,
            "error": dict(self.error) if self.error else None,
            "warnings": list(self.warnings) or None,
            "credits_used": self.credits,
            "created_at": _time(self.created_at),
            "completed_at": _time(self.completed_at),
        }
        return json.dumps({name: value for name, value in fields.items() if value is not None})


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def sign(secrets: Sequence[str], id: str, at: float, body: str) -> dict[str, str]:
    """The signature headers of a body: one signature per secret. id: of the message; at: when it is sent, Unix time."""
    sent = datetime.fromtimestamp(int(at), UTC)
    return {
        "webhook-id": id,
        "webhook-timestamp": str(int(at)),
        "webhook-signature": " ".join(Webhook(secret).sign(id, sent, body) for secret in secrets),
    }
