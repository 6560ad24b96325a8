"""What a webhook says, and its signature: Standard Webhooks 1.0 (https://www.standardwebhooks.com)."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from standardwebhooks import Webhook

from ttsai_server.store.webhooks import Delivery


@dataclass(frozen=True, slots=True)
class JobEnd:
    """How a task ended."""

    task: str
    """`task_…`, or a batch's id."""
    created_at: float
    """Unix seconds."""
    completed_at: float
    credits: int
    """What it cost."""
    result_url: str | None = None
    """None if it failed, or leaves nothing to fetch."""
    error: Mapping[str, str] | None = None
    """`code` and `message`, as in an answer's `error`; None if it did not fail."""

    @property
    def event(self) -> str:
        return "task.failed" if self.error else "task.completed"

    def told_to(self, account: str, url: str) -> Delivery:
        """The delivery that tells of it, with the same id whenever it is asked: a step done twice tells once."""
        id = f"msg_{hashlib.sha256(f'{self.task} {self.event}'.encode()).hexdigest()[:32]}"
        return Delivery(id, account, self.task, self.event, url, self._payload())

    def _payload(self) -> str:
        """The body, JSON in ASCII."""
        fields = {
            "event": self.event,
            "task_id": self.task,
            "status": "failed" if self.error else "success",
            "result_url": self.result_url,
            "error": dict(self.error) if self.error else None,
            "credits_used": self.credits,
            "created_at": _time(self.created_at),
            "completed_at": _time(self.completed_at),
        }
        return json.dumps({name: value for name, value in fields.items() if value is not None})


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def sign(secrets: Sequence[str], id: str, at: float, body: str) -> dict[str, str]:
    """The headers that prove the body: one signature for each secret, of a message `id` sent at Unix time `at`."""
    sent = datetime.fromtimestamp(int(at), UTC)
    return {
        "webhook-id": id,
        "webhook-timestamp": str(int(at)),
        "webhook-signature": " ".join(Webhook(secret).sign(id, sent, body) for secret in secrets),
    }
