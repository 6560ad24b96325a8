"""Who gets into the console, and what is left to the API."""

import re
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
from nicegui import Client
from tests.live import Live
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

HTML = {"Accept": "text/html,*/*"}


@pytest.fixture
def visitor(server: Live) -> httpx.Client:
    """A browser that has not signed in."""
    client = httpx.Client(base_url=server.url, headers={**HTML, "Origin": server.url}, timeout=60)
    server.clients.append(client)
    return client


def sign_in(visitor: httpx.Client, key: str) -> httpx.Response:
    return visitor.post("/console/sign-in", data={"key": key})


def opens(server: Live, cookie: str) -> bool:
    """Whether pages are shown to who has this cookie."""
    headers = {**HTML, "Cookie": f"ttsai_console={cookie}"}
    return httpx.get(f"{server.url}/console/speak", headers=headers, timeout=60).status_code == 200


def test_the_address_of_the_server_leads_a_browser_to_the_form(visitor: httpx.Client) -> None:
    answer = visitor.get("/", follow_redirects=True)
    assert answer.url.path == "/console/sign-in"
    assert "API key" in answer.text


def test_a_client_of_the_api_still_finds_nothing_there(server: Live) -> None:
    for path in ("/", "/console", "/consolex/"):
        answer = server.client().get(path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


def test_a_key_opens_a_session_that_scripts_can_not_read(visitor: httpx.Client, server: Live) -> None:
    answer = sign_in(visitor, server.key)
    cookie = answer.headers["Set-Cookie"]
    assert answer.status_code == 303
    assert {"HttpOnly", "SameSite=strict"} <= set(cookie.split("; "))
    page = visitor.get("/console/speak")
    assert page.status_code == 200
    assert server.key not in page.text + cookie


@pytest.mark.parametrize(("key", "status"), [("", 401), ("sk-tts-" + "x" * 32, 401), ("<script>", 401)])
def test_a_wrong_key_opens_none(visitor: httpx.Client, key: str, status: int) -> None:
    answer = sign_in(visitor, key)
    assert (answer.status_code, "Set-Cookie" in answer.headers) == (status, False)
    assert visitor.get("/console/speak").status_code == 303


def test_a_publishable_key_opens_none(visitor: httpx.Client, server: Live) -> None:
    _, key = server.new_key(kind="publishable", origins=("https://example.org",))
    assert sign_in(visitor, key).status_code == 403


def test_a_session_is_new_at_each_sign_in_and_the_former_one_ends(visitor: httpx.Client, server: Live) -> None:
    first = sign_in(visitor, server.key).cookies["ttsai_console"]
    second = sign_in(visitor, server.key).cookies["ttsai_console"]
    assert first != second
    assert [opens(server, cookie) for cookie in (first, second)] == [False, True]


def test_a_cookie_that_somebody_else_has_chosen_opens_nothing(visitor: httpx.Client, server: Live) -> None:
    chosen = "chosen-by-somebody-else"
    form = {"key": server.key}
    visitor.post("/console/sign-in", data=form, headers={"Cookie": f"ttsai_console={chosen}"})
    assert not opens(server, chosen)


def test_who_signs_out_is_out(visitor: httpx.Client, server: Live) -> None:
    sign_in(visitor, server.key)
    cookie = visitor.cookies["ttsai_console"]
    visitor.post("/console/sign-out")
    assert not opens(server, cookie)


@pytest.mark.parametrize("path", ["/console/sign-in", "/console/sign-out", "/console/files"])
@pytest.mark.parametrize("origin", ["https://evil.example", "null", None])
def test_other_sites_can_do_nothing_for_a_visitor(visitor: httpx.Client, server: Live, path: str, origin: Any) -> None:
    sign_in(visitor, server.key)
    del visitor.headers["Origin"]
    headers = {"Origin": origin} if origin else {}
    assert visitor.post(path, data={"key": server.key}, headers=headers).status_code == 403


def test_other_sites_get_no_websocket(visitor: httpx.Client, server: Live) -> None:
    sign_in(visitor, server.key)
    cookie = f"ttsai_console={visitor.cookies['ttsai_console']}"
    address = server.url.replace("http", "ws") + "/console/_nicegui_ws/socket.io/?EIO=4&transport=websocket"
    with pytest.raises(InvalidStatus) as refused:
        connect(address, origin="https://evil.example", additional_headers={"Cookie": cookie})  # pyright: ignore[reportArgumentType]
    assert refused.value.response.status_code == 403
    with connect(address, origin=server.url, additional_headers={"Cookie": cookie}) as socket:  # pyright: ignore[reportArgumentType]
        assert str(socket.recv()).startswith("0{")


def test_nothing_is_for_who_has_not_signed_in(visitor: httpx.Client) -> None:
    assert visitor.get("/console/files/x", headers={"Accept": "*/*"}).status_code == 401
    assert visitor.post("/console/files", content=b"x").status_code == 401
    assert visitor.get("/console/voices").headers["Location"] == "sign-in"


@pytest.mark.parametrize("name", ["javascript:alert(1)", "%5Cother.example", "speak"])
def test_a_link_from_another_site_leads_to_pages_of_this_one_only(visitor: httpx.Client, name: str) -> None:
    answer = visitor.get(f"/console/{name}", headers={"Sec-Fetch-Site": "cross-site"})
    assert set(re.findall(r'(?:href=|url=)"?([^"]+)"', answer.text)) == {"static/icon.svg", f"./{unquote(name)}"}


def test_what_is_uploaded_is_never_sent_back_as_a_page(visitor: httpx.Client, server: Live) -> None:
    sign_in(visitor, server.key)
    headers = {"Content-Type": "text/html", "X-File-Name": "%3Cb%3E.html"}
    kept = visitor.post("/console/files", content=b"<script>alert(1)</script>", headers=headers).json()
    answer = visitor.get(f"/console/files/{kept['id']}")
    assert (kept["name"], answer.headers["Content-Type"]) == ("<b>.html", "application/octet-stream")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("name", ["x" * 300, "%2e%2e%2fdoor.py", "%00"])
def test_a_static_file_that_is_none_is_not_found(visitor: httpx.Client, name: str) -> None:
    assert visitor.get(f"/console/static/{name}").status_code == 404


@pytest.mark.parametrize(("method", "path"), [("GET", "sign-inx"), ("GET", "static/a/b"), ("DELETE", "sign-in")])
def test_nothing_is_kept_of_who_has_not_signed_in(visitor: httpx.Client, method: str, path: str) -> None:
    answer = visitor.request(method, f"/console/{path}")
    before = {*Client.instances}
    assert (answer.status_code, answer.text) == (404, "There is no such page.")
    assert visitor.request(method, f"/console/{path}").status_code == 404
    assert not {*Client.instances} - before


def test_a_file_is_for_the_session_that_has_it_alone(visitor: httpx.Client, server: Live) -> None:
    sign_in(visitor, server.key)
    kept = visitor.post("/console/files", content=b"abc").json()
    path = f"/console/files/{kept['id']}"
    assert visitor.get(path, headers={"Range": "bytes=1-"}).content == b"bc"
    sign_in(visitor, server.key)
    assert visitor.get(path).status_code == 404


def test_pages_may_load_nothing_from_other_hosts(visitor: httpx.Client, server: Live) -> None:
    sign_in(visitor, server.key)
    page = visitor.get("/console/speak")
    assert re.match("default-src 'self';", page.headers["Content-Security-Policy"])
    assert not re.findall(r"(?:src|href)=[\"']?https?://", page.text)


def test_a_revoked_key_opens_nothing_any_more(visitor: httpx.Client, server: Live) -> None:
    _, key = server.new_key()
    sign_in(visitor, key)
    client = server.client(key)
    own = client.get("/v1/account/keys/").json()["keys"][0]["id"]
    client.delete(f"/v1/account/keys/{own}/")
    assert visitor.get("/console/speak").status_code == 303
