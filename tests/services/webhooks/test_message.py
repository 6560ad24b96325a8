import json
import time
from collections.abc import Iterator

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from ttsai_server.services.webhooks.message import JobEnd, sign

OLD, NEW = "whsec_" + "QUJD" * 8, "whsec_" + "REVG" * 8
DONE = JobEnd("task_1", 1736937000.9, 1736937045.2, 12, "https://s.example/v1/results/task_1")
BROKEN = JobEnd("task_1", 1736937000, 1736937045, 0, error={"code": "internal_error", "message": "é \ud800"})


@pytest.mark.usefixtures("tokyo")
def test_a_finished_task_is_told_in_the_contracts_words() -> None:
    assert json.loads(DONE.delivery("acct_1", "u").payload) == {
        "event": "task.completed",
        "task_id": "task_1",
        "status": "success",
        "result_url": "https://s.example/v1/results/task_1",
        "credits_used": 12,
        "created_at": "2025-01-15T10:30:00Z",
        "completed_at": "2025-01-15T10:30:45Z",
    }


def test_a_failed_task_is_told_with_its_error() -> None:
    assert json.loads(BROKEN.delivery("acct_1", "u").payload) == {
        "event": "task.failed",
        "task_id": "task_1",
        "status": "failed",
        "error": {"code": "internal_error", "message": "é \ud800"},
        "credits_used": 0,
        "created_at": "2025-01-15T10:30:00Z",
        "completed_at": "2025-01-15T10:30:45Z",
    }


def test_a_delivery_knows_whose_it_is_and_where_it_goes() -> None:
    delivery = DONE.delivery("acct_1", "https://a.example/")
    assert (delivery.account, delivery.task, delivery.event, delivery.url) == (
        "acct_1",
        "task_1",
        "task.completed",
        "https://a.example/",
    )


def test_an_end_has_one_id() -> None:
    assert DONE.delivery("a", "u").id == JobEnd("task_1", 0, 0, 1).delivery("a", "u").id
    assert DONE.delivery("a", "u").id.startswith("msg_")


def test_another_task_and_another_event_have_another_id() -> None:
    ends = (DONE, BROKEN, JobEnd("task_2", 0, 0, 0))
    assert len({end.delivery("a", "u").id for end in ends}) == 3


def test_the_standards_own_verifier_accepts_the_signature() -> None:
    body = BROKEN.delivery("a", "u").payload
    headers = sign([NEW], "msg_1", time.time(), body)
    assert Webhook(NEW).verify(body, headers) == json.loads(body)


@pytest.mark.parametrize("secret", [OLD, NEW])
def test_during_a_rotation_either_secret_verifies(secret: str) -> None:
    Webhook(secret).verify("{}", sign([NEW, OLD], "msg_1", time.time(), "{}"))


@pytest.mark.parametrize(
    ("body", "id", "at", "secret"),
    [
        ('{"a": 1}', "msg_1", 0, NEW),
        ("{}", "msg_2", 0, NEW),
        ("{}", "msg_1", 1, NEW),
        ("{}", "msg_1", 0, OLD),
    ],
)
def test_a_change_of_body_id_time_or_secret_is_seen(body: str, id: str, at: int, secret: str) -> None:
    now = time.time()
    headers = sign([NEW], "msg_1", now, "{}")
    changed = headers | {"webhook-id": id, "webhook-timestamp": str(int(now) + at)}
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body, changed)


@pytest.fixture
def tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """With a time zone nine hours off UTC."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "JST-9")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("tokyo")
def test_the_standards_example_has_its_signature() -> None:
    # the example of the specification's reference implementations
    headers = sign(
        ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, '{"test": 2432232314}'
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
