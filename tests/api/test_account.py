"""/v1/account/, and which callers may use it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

import httpx
import pytest
from tests.live import Live, live

from ttsai_server.settings import Models, Settings
from ttsai_server.store.db import Database
from ttsai_server.store.webhooks import DELIVERED, Attempt, Delivery, WebhookLog

TONE = {"model": "tone", "voice": "tone_a", "text": "la la la"}


@pytest.fixture
def account(server: Live) -> tuple[str, str]:
    """A new account's id and its secret key: 1,000 credits."""
    return server.new_key(plan="pro")


@pytest.fixture
def client(server: Live, account: tuple[str, str]) -> Iterator[httpx.Client]:
    with server.client(account[1]) as client:
        yield client


def got(answer: httpx.Response) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def new_key(client: httpx.Client, **body: Any) -> Any:
    return got(client.post("/v1/account/keys/", json=body))


def test_it_tells_plan_balance_and_limits(client: httpx.Client, account: tuple[str, str]) -> None:
    assert got(client.get("/v1/account/")) == {
        "id": account[0],
        "plan": "pro",
        "credits": 1000,
        "reserved": 0,
        "limits": {"requests_per_minute": 60, "concurrent": 5, "max_characters": 5000},
        "usage": [],
    }


def test_what_was_spoken_is_in_balance_and_usage(client: httpx.Client) -> None:
    spoken = [client.post("/v1/tts/", json=TONE) for _ in range(2)]
    now = got(client.get("/v1/account/"))
    assert now["credits"] == int(spoken[-1].headers["X-Credits-Remaining"]) < 1000
    (day,) = now["usage"]
    assert day.pop("seconds") > 0
    assert day == {
        "date": datetime.now(UTC).date().isoformat(),
        "service": "tts",
        "model": "tone",
        "requests": 2,
        "characters": 16,
        "credits": 1000 - now["credits"],
    }


@pytest.mark.parametrize("days", ["0", "366", "-1", "many", "1.5"])
def test_days_out_of_bounds_are_400(client: httpx.Client, days: str) -> None:
    assert refused(client.get(f"/v1/account/?days={days}")) == (400, "bad_request")


@pytest.mark.parametrize("path", ["/v1/account", "/api/v1/account/"])
def test_every_spelling_answers(client: httpx.Client, path: str) -> None:
    assert got(client.get(path))["plan"] == "pro"


def test_without_a_key_it_is_401(server: Live) -> None:
    assert refused(httpx.get(f"{server.url}/v1/account/")) == (401, "unauthorized")


def test_a_new_key_works_at_once_and_is_of_the_account(server: Live, client: httpx.Client) -> None:
    made = new_key(client, label="laptop")
    assert (made["kind"], made["label"], made["origins"]) == ("secret", "laptop", [])
    assert made["expires_at"] is made["revoked_at"] is made["used_at"] is None
    with server.client(made["key"]) as other:
        assert got(other.get("/v1/account/"))["id"] == got(client.get("/v1/account/"))["id"]


def test_a_key_is_never_shown_again(client: httpx.Client) -> None:
    made = new_key(client)
    key = made.pop("key")
    listed = client.get("/v1/account/keys/")
    assert made in got(listed)["keys"]
    assert key not in listed.text
    assert key.startswith(made["prefix"])


def test_the_answer_with_a_key_is_not_to_be_stored(client: httpx.Client) -> None:
    assert client.post("/v1/account/keys/", json={}).headers["Cache-Control"] == "no-store"


def test_no_copy_of_a_new_key_is_kept_for_a_repeat(server: Live, client: httpx.Client) -> None:
    kept = {"Idempotency-Key": "make-one"}
    first, second = (client.post("/v1/account/keys/", json={}, headers=kept).json()["key"] for _ in range(2))
    assert first != second
    # not the database: to open and close its file here would drop the locks that this process's server holds on it
    files = [file for file in server.settings.data_dir.rglob("*") if file.is_file() and "ttsai.db" not in file.name]
    assert not any(first.encode() in file.read_bytes() for file in files)


def test_only_the_accounts_own_keys_are_listed(server: Live, client: httpx.Client, account: tuple[str, str]) -> None:
    server.new_key()
    (own,) = got(client.get("/v1/account/keys/"))["keys"]
    assert account[1].startswith(own["prefix"])


def test_a_key_can_be_made_to_expire(client: httpx.Client) -> None:
    made = new_key(client, expires_in_days=2)
    times = (datetime.fromisoformat(made[name]) for name in ("expires_at", "created_at"))
    assert round((next(times) - next(times)).total_seconds() / 86_400, 3) == 2


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"kind": "admin"}, "kind"),
        ({"label": 5}, "label"),
        ({"label": "a\u0000b"}, "label"),
        ({"label": "a" * 101}, "label"),
        ({"expires_in_days": 0}, "expires_in_days"),
        ({"expires_in_days": 3651}, "expires_in_days"),
        ({"expires_in_days": "7"}, "expires_in_days"),
        ({"expire_in_days": 7}, "expire_in_days"),
        ({"kind": "publishable"}, "origins"),
        ({"kind": "secret", "origins": ["https://a.example"]}, "origins"),
        ({"kind": "publishable", "origins": ["https://a.example/"]}, "origins"),
        ({"kind": "publishable", "origins": ["*"]}, "origins"),
    ],
)
def test_a_key_that_makes_no_sense_is_400_and_not_made(client: httpx.Client, body: Any, param: str) -> None:
    answer = client.post("/v1/account/keys/", json=body)
    assert refused(answer) == (400, "bad_request")
    assert answer.json()["error"]["param"] == param
    assert len(got(client.get("/v1/account/keys/"))["keys"]) == 1


def test_a_revoked_key_stops_at_once(server: Live, client: httpx.Client) -> None:
    made = new_key(client)
    with server.client(made["key"]) as other:
        assert other.get("/v1/models/").status_code == 200
        revoked = got(client.delete(f"/v1/account/keys/{made['id']}/"))
        assert (revoked["id"], revoked["revoked_at"] is None) == (made["id"], False)
        assert refused(other.get("/v1/models/")) == (401, "unauthorized")


def test_revoking_again_says_the_first_time(client: httpx.Client) -> None:
    path = f"/v1/account/keys/{new_key(client)['id']}"
    first = got(client.delete(path))
    assert got(client.delete(path)) == first


def test_a_key_can_revoke_itself(client: httpx.Client) -> None:
    (own,) = got(client.get("/v1/account/keys/"))["keys"]
    assert got(client.delete(f"/v1/account/keys/{own['id']}"))["revoked_at"]
    assert refused(client.get("/v1/account/")) == (401, "unauthorized")


def test_another_accounts_key_is_404_and_lives_on(server: Live, client: httpx.Client) -> None:
    _, other_key = server.new_key()
    with server.client(other_key) as other:
        (theirs,) = got(other.get("/v1/account/keys/"))["keys"]
        assert refused(client.delete(f"/v1/account/keys/{theirs['id']}")) == (404, "not_found")
        assert other.get("/v1/account/").status_code == 200


@pytest.mark.parametrize(("id", "status"), [("key_0", 404), ("%00", 400), ("%20", 400), ("%C3%A9", 400)])
def test_an_id_that_is_none_is_refused(client: httpx.Client, id: str, status: int) -> None:
    assert client.delete(f"/v1/account/keys/{id}").status_code == status


def test_a_key_is_restricted_at_once(server: Live, client: httpx.Client) -> None:
    made = new_key(client, kind="publishable", origins=["https://a.example"])
    path = f"/v1/account/keys/{made['id']}/"
    changed = got(client.patch(path, json={"origins": ["https://b.example"], "label": "blog", "expires_in_days": 1}))
    assert (changed["origins"], changed["label"]) == (["https://b.example"], "blog")
    assert changed["expires_at"]
    with server.client(made["key"]) as page:
        statuses = [page.get("/v1/models/", headers={"Origin": f"https://{name}.example"}).status_code for name in "ab"]
        assert statuses == [403, 200]


@pytest.mark.parametrize(
    "body", [{}, {"kind": "publishable"}, {"expires_in_days": 4}, {"origins": ["https://a.example"]}, {"label": 5}]
)
def test_a_change_of_a_key_that_makes_no_sense_is_400(client: httpx.Client, body: Any) -> None:
    made = new_key(client, expires_in_days=3)
    assert refused(client.patch(f"/v1/account/keys/{made['id']}", json=body)) == (400, "bad_request")


def test_another_accounts_key_can_not_be_restricted(server: Live, client: httpx.Client) -> None:
    with server.client(server.new_key()[1]) as other:
        theirs = new_key(other)
    assert refused(client.patch(f"/v1/account/keys/{theirs['id']}", json={"label": "a"})) == (404, "not_found")


def test_usage_is_told_by_key_whether_a_request_or_a_job_spent_it(server: Live, client: httpx.Client) -> None:
    (own,) = got(client.get("/v1/account/keys/"))["keys"]
    made = new_key(client)
    with server.client(made["key"]) as other:
        assert other.post("/v1/tts/", json=TONE).status_code == 200
    task = client.post("/v1/tts/", json={**TONE, "async": True}).json()["task_id"]
    while got(client.get(f"/v1/tasks/{task}"))["status"] != "completed":
        pass
    lines = got(client.get("/v1/account/usage/?days=1"))["usage"]
    assert {(line["key"], line["requests"]) for line in lines} == {(own["id"], 1), (made["id"], 1)}


CALLS = [
    ("GET", "/v1/account/"),
    ("GET", "/v1/account/keys/"),
    ("POST", "/v1/account/keys/"),
    ("DELETE", "/v1/account/keys/key_0/"),
    ("PATCH", "/v1/account/keys/key_0/"),
    ("GET", "/v1/account/usage/"),
    ("GET", "/v1/account/webhook-secret/"),
    ("POST", "/v1/account/webhook-secret/rotate/"),
    ("GET", "/v1/account/webhooks/deliveries/"),
]


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_a_publishable_key_may_call_none_of_it(server: Live, method: str, path: str) -> None:
    _, key = server.new_key(kind="publishable", origins=("https://page.example",))
    answer = server.client(key).request(method, path, headers={"Origin": "https://page.example"}, json={})
    assert refused(answer) == (403, "forbidden")


def test_either_database_holds_it(store_settings: Settings) -> None:
    with live(store_settings.model_copy(update={"models": Models(demo=True)})) as server, server.client() as client:
        assert client.post("/v1/tts/", json=TONE).status_code == 200
        (day,) = got(client.get("/v1/account/"))["usage"]
        assert (day["date"], day["requests"]) == (datetime.now(UTC).date().isoformat(), 1)
        made = new_key(client, kind="publishable", origins=["https://page.example"])
        assert got(client.delete(f"/v1/account/keys/{made['id']}"))["origins"] == ["https://page.example"]
        assert client.get("/v1/account/webhooks/deliveries/?before=msg_0").status_code == 200


def test_the_webhook_secret_stays_until_it_is_rotated(client: httpx.Client) -> None:
    first = got(client.get("/v1/account/webhook-secret/"))
    assert first["secret"].startswith("whsec_")
    assert first["previous_until"] is None
    assert got(client.get("/v1/account/webhook-secret/")) == first


def test_a_rotation_gives_a_new_secret_and_says_how_long_the_old_one_signs(server: Live, client: httpx.Client) -> None:
    first = got(client.get("/v1/account/webhook-secret/"))
    second = got(client.post("/v1/account/webhook-secret/rotate/"))
    assert second["secret"] != first["secret"]
    kept = datetime.fromisoformat(second["previous_until"]) - datetime.now(UTC)
    assert 0 <= server.settings.webhooks.rotation_hours * 3600 - kept.total_seconds() < 60
    assert got(client.get("/v1/account/webhook-secret/")) == second


def test_each_account_has_a_webhook_secret_of_its_own(server: Live, client: httpx.Client) -> None:
    with server.client(server.new_key()[1]) as other:
        assert got(other.get("/v1/account/webhook-secret/")) != got(client.get("/v1/account/webhook-secret/"))


async def _log(account: str, database: Database) -> None:
    log = WebhookLog(database)
    for number in range(3):
        payload = f'{{"task_id": "task_{number}"}}'
        delivery = Delivery(
            f"msg_{account}_{number}", account, f"task_{number}", "task.completed", "https://a.example/h", payload
        )
        await log.open(delivery)
    await log.record(f"msg_{account}_0", Attempt(1, 1736937045, 0.25, 200, None, "thanks"), DELIVERED, None)


@pytest.fixture
def logged(server: Live, account: tuple[str, str]) -> str:
    server.on_database(partial(_log, account[0]))
    return f"msg_{account[0]}"


def test_a_delivery_tells_what_was_sent_and_each_attempt(client: httpx.Client, logged: str) -> None:
    oldest = got(client.get("/v1/account/webhooks/deliveries/"))["deliveries"][-1]
    assert datetime.fromisoformat(oldest.pop("created_at"))
    assert oldest == {
        "id": f"{logged}_0",
        "task_id": "task_0",
        "event": "task.completed",
        "url": "https://a.example/h",
        "status": "delivered",
        "next_attempt": None,
        "payload": {"task_id": "task_0"},
        "attempts": [
            {
                "number": 1,
                "at": "2025-01-15T10:30:45Z",
                "seconds": 0.25,
                "status": 200,
                "error": None,
                "excerpt": "thanks",
            }
        ],
    }


def test_deliveries_come_newest_first_and_page_by_page(client: httpx.Client, logged: str) -> None:
    def ids(query: str) -> list[str]:
        page = got(client.get(f"/v1/account/webhooks/deliveries/?{query}"))["deliveries"]
        return [delivery["id"] for delivery in page]

    assert ids("limit=2") == [f"{logged}_2", f"{logged}_1"]
    assert ids(f"limit=2&before={logged}_1") == [f"{logged}_0"]


def test_another_accounts_deliveries_are_not_shown(server: Live, logged: str) -> None:
    with server.client(server.new_key()[1]) as other:
        for query in ("", f"?before={logged}_2"):
            assert got(other.get(f"/v1/account/webhooks/deliveries/{query}")) == {"deliveries": []}


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "before=%00"])
def test_a_page_out_of_bounds_is_400(client: httpx.Client, query: str) -> None:
    assert refused(client.get(f"/v1/account/webhooks/deliveries/?{query}")) == (400, "bad_request")


def test_without_keys_it_tells_of_the_house(open_server: Live) -> None:
    assert got(httpx.get(f"{open_server.url}/v1/account/")) == {
        "id": "local",
        "plan": "enterprise",
        "credits": None,
        "reserved": 0,
        "limits": {"requests_per_minute": None, "concurrent": None, "max_characters": 50_000},
        "usage": [],
    }


@pytest.mark.parametrize(("method", "path"), CALLS[1:4])
def test_without_keys_there_are_none_to_manage(open_server: Live, method: str, path: str) -> None:
    assert refused(httpx.request(method, open_server.url + path, json={})) == (403, "forbidden")


def test_without_keys_the_house_has_a_webhook_secret(open_server: Live) -> None:
    assert got(httpx.get(f"{open_server.url}/v1/account/webhook-secret/"))["secret"].startswith("whsec_")
