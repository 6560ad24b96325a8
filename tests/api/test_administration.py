"""/v1/admin/: who may, what it changes, and what the audit log says of it."""

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.live import ADMIN_TOKEN, Live, live

from ttsai_server.cli.administer import administer
from ttsai_server.settings import Auth, Models, Settings

TONE = {"model": "tone", "voice": "tone_a", "text": "la la la"}
VALUES = {"id": "no-such", "model": "no-such"}


@pytest.fixture(scope="module")
def admin(server: Live) -> httpx.Client:
    """A client with a key for administrators."""
    return server.client(server.new_key(plan="crowd", admin=True)[1])


@pytest.fixture(scope="module")
def admin_key(admin: httpx.Client) -> str:
    """The id of its key."""
    return next(key["id"] for key in got(admin.get("/v1/account/keys/"))["keys"] if key["admin"])


@pytest.fixture
def ann(server: Live) -> Iterator[tuple[str, httpx.Client]]:
    """An account's id, and a client with its key: 1,000 credits."""
    id, key = server.new_key(plan="pro")
    with server.client(key) as client:
        yield id, client


def got(answer: httpx.Response, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json()


def refused(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def newest(admin: httpx.Client, target: str) -> dict[str, Any]:
    """The last entry of the audit log about an account, key or model; without its id and time."""
    entry = got(admin.get("/v1/admin/audit/", params={"target": target}))["entries"][0]
    return {name: entry[name] for name in ("actor", "action", "before", "after")}


@pytest.fixture(scope="module")
def operations(server: Live) -> list[tuple[str, str]]:
    """Method and path of all that administrators can do."""
    paths = httpx.get(f"{server.url}/openapi.json").json()["paths"]
    found = [(method, path) for path, methods in paths.items() for method in methods if path.startswith("/v1/admin")]
    assert len(found) > 15
    return [(method.upper(), path.format(**VALUES)) for method, path in found]


@pytest.mark.parametrize(
    ("who", "refusal"),
    [
        ("what is no key", (401, "unauthorized")),
        ("a wrong token", (401, "unauthorized")),
        ("no ASCII", (401, "unauthorized")),
        ("a plain key", (403, "forbidden")),
        ("a publishable key", (403, "forbidden")),
    ],
)
def test_none_of_it_is_for_anybody_else(
    server: Live, operations: list[tuple[str, str]], who: str, refusal: tuple[int, str]
) -> None:
    page = "https://page.example"
    keys = {
        "what is no key": "no-key",
        "a wrong token": ADMIN_TOKEN[:-1],
        "no ASCII": "Ünïcode",
        "a plain key": server.new_key(plan="crowd")[1],
        "a publishable key": server.new_key(plan="crowd", kind="publishable", origins=(page,))[1],
    }
    headers = [(b"Authorization", f"Bearer {keys[who]}".encode()), (b"Origin", page.encode())]
    with httpx.Client(base_url=server.url, headers=headers) as client:
        for method, path in operations:
            assert refused(client.request(method, path, json={})) == refusal, (method, path)


def test_without_a_key_none_of_it_is_to_be_had(server: Live, operations: list[tuple[str, str]]) -> None:
    for method, path in operations:
        assert refused(httpx.request(method, server.url + path, json={})) == (401, "unauthorized"), (method, path)


def test_a_key_for_administrators_is_made_by_no_api(admin: httpx.Client) -> None:
    assert refused(admin.post("/v1/account/keys/", json={"admin": True})) == (400, "bad_request")
    made = got(admin.post("/v1/account/keys/", json={}))
    assert made["admin"] is False
    assert refused(admin.patch(f"/v1/admin/keys/{made['id']}/", json={"admin": True})) == (400, "bad_request")


def test_an_account_moves_to_another_plan_at_once(
    admin: httpx.Client, admin_key: str, ann: tuple[str, httpx.Client]
) -> None:
    id, client = ann
    assert client.get("/v1/models/").status_code == 200
    assert got(admin.patch(f"/v1/admin/accounts/{id}/", json={"plan": "free"}))["plan"] == "free"
    assert refused(client.get("/v1/models/")) == (403, "forbidden")
    entry = newest(admin, id)
    assert entry == {
        "actor": admin_key,
        "action": "account.set_plan",
        "before": {"plan": "pro"},
        "after": {"plan": "free"},
    }


def test_credits_are_given_and_taken_back(admin: httpx.Client, admin_key: str, ann: tuple[str, httpx.Client]) -> None:
    id, client = ann
    path = f"/v1/admin/accounts/{id}/credits/"
    assert got(admin.post(path, json={"credits": 500, "note": "invoice 17"}))["credits"] == 1500
    assert newest(admin, id) == {
        "actor": admin_key,
        "action": "account.grant",
        "before": {"available": 1000},
        "after": {"available": 1500, "note": "invoice 17"},
    }
    assert got(admin.post(path, json={"credits": -1500}))["credits"] == 0
    assert got(client.get("/v1/account/"))["credits"] == 0


@pytest.mark.parametrize("body", [{"credits": 0}, {"credits": 10**15 + 1}, {"credits": -1001}, {"credit": 1}, {}])
def test_what_is_no_amount_is_400_and_changes_nothing(
    admin: httpx.Client, ann: tuple[str, httpx.Client], body: dict[str, int]
) -> None:
    assert refused(admin.post(f"/v1/admin/accounts/{ann[0]}/credits/", json=body)) == (400, "bad_request")
    assert got(admin.get(f"/v1/admin/accounts/{ann[0]}/"))["credits"] == 1000


def test_a_new_account_is_listed_with_the_plans_that_there_are(admin: httpx.Client, server: Live) -> None:
    made = got(admin.post("/v1/admin/accounts/", json={"name": "Bob", "plan": "enterprise", "credits": 7}))
    listed = got(admin.get("/v1/admin/accounts/"))
    assert made in listed["accounts"]
    assert (made["name"], made["credits"], made["reserved"]) == ("Bob", 7, 0)
    assert listed["plans"].keys() == server.settings.plans.keys()
    assert listed["plans"]["pro"] == {"requests_per_minute": 60, "concurrent": 5, "max_characters": 5000}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "accounts/no-such", {"plan": "pro"}),
        ("POST", "accounts/no-such/credits", {"credits": 1}),
        ("GET", "accounts/no-such/usage", None),
        ("DELETE", "keys/no-such", None),
        ("PATCH", "keys/no-such", {"label": "a"}),
        ("POST", "models/no-such/load", None),
        ("POST", "models/no-such/pull", None),
        ("GET", "model-tasks/no-such", None),
    ],
)
def test_what_is_not_there_is_404(admin: httpx.Client, method: str, path: str, body: Any) -> None:
    assert refused(admin.request(method, f"/v1/admin/{path}/", json=body)) == (404, "not_found")


@pytest.mark.parametrize("plan", ["gold", ""])
def test_a_plan_that_is_not_there_is_400(admin: httpx.Client, ann: tuple[str, httpx.Client], plan: str) -> None:
    assert refused(admin.patch(f"/v1/admin/accounts/{ann[0]}/", json={"plan": plan})) == (400, "bad_request")
    assert refused(admin.post("/v1/admin/accounts/", json={"name": "x", "plan": plan})) == (400, "bad_request")


def test_any_accounts_key_is_restricted_and_revoked(
    admin: httpx.Client, admin_key: str, ann: tuple[str, httpx.Client]
) -> None:
    id, client = ann
    (key,) = got(admin.get("/v1/admin/keys/", params={"account": id}))["keys"]
    assert (key["account"], key["admin"]) == (id, False)
    path = f"/v1/admin/keys/{key['id']}/"
    assert got(admin.patch(path, json={"label": "theirs", "expires_in_days": 3}))["label"] == "theirs"
    assert got(client.get("/v1/account/keys/"))["keys"][0]["label"] == "theirs"
    assert got(admin.delete(path))["revoked_at"]
    assert refused(client.get("/v1/models/")) == (401, "unauthorized")
    entry = newest(admin, key["id"])
    assert (entry["actor"], entry["action"]) == (admin_key, "key.revoke")


def test_an_accounts_usage_is_told_by_key(admin: httpx.Client, ann: tuple[str, httpx.Client]) -> None:
    id, client = ann
    (key,) = got(client.get("/v1/account/keys/"))["keys"]
    assert client.post("/v1/tts/", json=TONE).status_code == 200
    (line,) = got(admin.get(f"/v1/admin/accounts/{id}/usage/"))["usage"]
    assert (line["model"], line["key"], line["requests"]) == ("tone", key["id"], 1)


def test_what_an_account_does_with_its_keys_is_in_the_audit_log(
    admin: httpx.Client, ann: tuple[str, httpx.Client]
) -> None:
    (own,) = got(ann[1].get("/v1/account/keys/"))["keys"]
    made = got(ann[1].post("/v1/account/keys/", json={"label": "laptop"}))
    entry = newest(admin, made["id"])
    assert (entry["actor"], entry["action"], entry["before"]) == (own["id"], "key.create", None)
    assert made["key"] not in str(entry)


def status(admin: httpx.Client, model: str) -> dict[str, Any]:
    return next(each for each in got(admin.get("/v1/admin/models/"))["models"] if each["id"] == model)


def test_a_model_is_loaded_and_unloaded(admin: httpx.Client, admin_key: str) -> None:
    assert got(admin.post("/v1/admin/models/tone/load/")) == {"model": "tone", "loaded": True}
    assert status(admin, "tone")["loaded"]
    assert got(admin.post("/v1/admin/models/tone/unload/")) == {"model": "tone", "unloaded": True}
    assert not status(admin, "tone")["loaded"]
    assert newest(admin, "tone") == {
        "actor": admin_key,
        "action": "model.unload",
        "before": {"loaded": True},
        "after": {"loaded": False},
    }


def test_the_command_line_of_this_machine_administers_too(server: Live, admin: httpx.Client) -> None:
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    assert got(httpx.post(f"{server.url}/v1/admin/models/tone/load", headers=headers))["loaded"]
    httpx.post(f"{server.url}/v1/admin/models/tone/unload", headers=headers).raise_for_status()
    assert newest(admin, "tone")["actor"] == "cli"
    assert httpx.get(f"{server.url}/v1/models", headers=headers).status_code == 401


def test_the_command_line_has_no_account_that_answers_are_kept_for(tmp_path: Any) -> None:
    settings = Settings(data_dir=tmp_path, models=Models(demo=True))
    administer(settings, lambda desk: desk.create_account("cli:ann", "made before the first start", "pro", 0))
    with live(settings) as server:
        headers = {"Authorization": f"Bearer {ADMIN_TOKEN}", "Idempotency-Key": "a"}
        body = {"name": "Bob", "plan": "pro"}
        for _ in range(2):
            made = httpx.post(f"{server.url}/v1/admin/accounts", headers=headers, json=body)
            assert (made.status_code, "Idempotent-Replayed" in made.headers) == (200, False)


@pytest.mark.parametrize("action", ["pull", "install"])
def test_a_pull_and_an_installation_are_tasks(admin: httpx.Client, admin_key: str, action: str) -> None:
    """`tone` has no files, and needs no packages: either is done at once. `test_model_tasks` pulls real files."""
    (task,) = got(admin.post(f"/v1/admin/models/tone/{action}/"), 202)["tasks"]
    while task["state"] == "running":
        task = got(admin.get(f"/v1/admin/model-tasks/{task['id']}/"))
    assert (task["model"], task["action"], task["by"], task["error"]) == ("tone", action, admin_key, None)
    assert status(admin, "tone")["task"] == task
    until = time.monotonic() + 30
    while (entry := newest(admin, "tone"))["action"] != f"model.{action}.completed":
        assert time.monotonic() < until
    assert entry["after"]["error"] is None


def test_without_keys_only_the_command_line_of_this_machine_administers(tmp_path: Any) -> None:
    with live(Settings(data_dir=tmp_path, auth=Auth(enabled=False), models=Models(demo=True))) as server:
        assert refused(httpx.get(f"{server.url}/v1/admin/accounts")) == (403, "forbidden")
        headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
        assert httpx.get(f"{server.url}/v1/admin/accounts", headers=headers).status_code == 200
