"""The pages Jobs, Usage, Keys, Models and Accounts, in a browser."""

import re

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect
from tests.console.browser import WAIT, check
from tests.console.conftest import Open
from tests.live import Live

TONE = {"model": "tone", "voice": "tone_a", "text": "la la la"}
expect.set_options(timeout=WAIT)

SCRIPT = "<img src=x onerror=alert(1)>"


def row(page: Page, listing: str, text: str) -> Locator:
    return page.get_by_role("region", name=listing, exact=True).get_by_role("row").filter(has_text=text)


def button(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def test_a_key_is_made_restricted_and_revoked(open_page: Open, server: Live, axe: str) -> None:
    page = open_page("keys")
    page.get_by_label("Label").first.fill(SCRIPT)
    button(page, "Make a key")
    shown = page.get_by_label("The new key")
    expect(shown).to_have_value(re.compile("^sk-tts-"))
    plain = shown.input_value()
    assert server.client(plain).get("/v1/models/").status_code == 200
    check(page, axe)
    button(page, f"Restrict: {SCRIPT}")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Expires in days").fill("7")
    dialog.get_by_role("button", name="Save").click()
    expect(row(page, "Keys", SCRIPT).get_by_role("cell").nth(4)).to_contain_text("UTC")
    button(page, f"Revoke: {SCRIPT}")
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(row(page, "Keys", SCRIPT)).to_contain_text("revoked")
    assert server.client(plain).get("/v1/models/").status_code == 401


def test_a_job_is_seen_to_its_end_and_its_cost_in_the_usage(open_page: Open, server: Live, axe: str) -> None:
    _, key = server.new_key("pro")
    page = open_page("jobs", key)
    task = server.client(key).post("/v1/tts/", json={**TONE, "async": True}).json()["task_id"]
    link = row(page, "Jobs", task).get_by_role("link")
    expect(link).to_be_visible()
    address = link.evaluate("link => link.href")
    assert httpx.get(address).headers["Content-Type"] == "audio/mpeg"
    check(page, axe)
    usage = open_page("usage", key)
    expect(row(usage, "Usage", "tone")).to_contain_text("1")
    check(usage, axe)


def test_a_model_is_loaded_and_unloaded_by_an_administrator(open_page: Open, server: Live, axe: str) -> None:
    _, key = server.new_key("crowd", admin=True)
    server.client(key).post("/v1/admin/models/tone/unload/").raise_for_status()
    page = open_page("models", key)
    page.get_by_label("Search").fill("tone")
    button(page, "Load: tone")
    button(page, "Unload: tone")
    expect(page.get_by_role("button", name="Load: tone", exact=True)).to_be_visible()
    check(page, axe)


def test_an_administrator_gives_credits_and_it_is_in_the_audit_log(open_page: Open, server: Live, axe: str) -> None:
    account, _ = server.new_key("pro")
    page = open_page("accounts", server.new_key("crowd", admin=True)[1])
    row(page, "Accounts", account).get_by_role("button", name="Credits").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Credits to add").fill("500")
    dialog.get_by_label("What for").fill(SCRIPT)
    dialog.get_by_role("button", name="Save").click()
    expect(row(page, "Accounts", account)).to_contain_text("1,500")
    expect(row(page, "Audit log", account).first).to_contain_text(SCRIPT)
    assert server.account(account).available == 1500
    check(page, axe)


@pytest.mark.parametrize("name", ["models", "accounts"])
def test_pages_for_administrators_are_for_nobody_else(open_page: Open, server: Live, name: str) -> None:
    page = open_page("jobs")
    expect(page.get_by_role("link", name="Keys")).to_be_visible()
    expect(page.get_by_role("link", name=name.capitalize())).to_have_count(0)
    assert page.request.get(f"{server.url}/console/{name}", headers={"Accept": "text/html"}).status == 403
