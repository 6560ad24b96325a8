import asyncio
import json
import ssl
import time
from pathlib import Path

import pytest
import trustme
from standardwebhooks import Webhook
from tests.processes import python
from tests.receivers import Answer, Received, receiver, says
from tests.services.webhooks.names import Names

from ttsai_server.services.webhooks.client import EXCERPT_BYTES, Outcome, WebhookClient
from ttsai_server.services.webhooks.message import sign
from ttsai_server.settings import Webhooks

SECRET = "whsec_" + "QUJD" * 8
BODY = '{"event": "task.completed"}'
HERE = Webhooks(allow_private=True, timeout_seconds=10)


async def test_httpcore_is_not_imported_before_it_is_needed() -> None:
    process = await python("import sys, ttsai_server.services.webhooks; print('httpcore' in sys.modules)")
    assert (await process.communicate())[0] == b"False\n"


async def deliver(url: str, settings: Webhooks = HERE, names: Names | None = None) -> Outcome:
    sender = WebhookClient(settings, names or Names(["127.0.0.1"]))
    return await sender.deliver(url, sign([SECRET], "msg_1", time.time(), BODY), BODY)


async def outcome_of(answer: Answer, settings: Webhooks = HERE) -> Outcome:
    async with receiver(answer) as there:
        return await deliver(there.url("hooks.example"), settings)


async def received() -> Received:
    async with receiver(says("200 OK")) as there:
        await deliver(there.url("hooks.example"))
    return there.received[0]


async def test_it_is_posted_to_the_path_and_query() -> None:
    assert (await received()).line == "POST /hook?to=me HTTP/1.1"


async def test_the_receiver_can_verify_it() -> None:
    got = await received()
    assert Webhook(SECRET).verify(got.body, dict(got.headers)) == json.loads(BODY)


async def test_the_headers_name_the_host_and_the_content() -> None:
    headers = (await received()).headers
    assert headers["host"].startswith("hooks.example:")
    assert headers["content-type"] == "application/json"
    assert headers["user-agent"].startswith("ttsai-server/")
    assert not headers.keys() & {"cookie", "authorization", "accept-encoding"}


@pytest.mark.parametrize("status", ["200 OK", "201 Created", "202 Accepted", "204 No Content", "299 Odd"])
async def test_any_2xx_is_a_delivery(status: str) -> None:
    outcome = await outcome_of(says(status))
    assert (outcome.error, outcome.status) == (None, int(status[:3]))


@pytest.mark.parametrize("status", ["400 Bad Request", "404 Not Found", "410 Gone", "500 Oops", "503 Busy"])
async def test_any_other_status_is_a_failure_that_names_it(status: str) -> None:
    outcome = await outcome_of(says(status, body=b"why it failed"))
    assert (outcome.error, outcome.status, outcome.excerpt) == (
        f"HTTP {status[:3]}.",
        int(status[:3]),
        "why it failed",
    )


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
async def test_no_redirect_is_followed(status: str) -> None:
    async with receiver(says("200 OK")) as aim, receiver(says(status, f"Location: {aim.url()}")) as there:
        outcome = await deliver(there.url())
    assert outcome.error == f"HTTP {status[:3]}: redirects are not followed."
    assert (there.connections, aim.connections) == (1, 0)


@pytest.mark.parametrize(
    ("status", "asked"), [("429 Slow Down", 90), ("503 Busy", 90), ("500 Oops", None), ("200 OK", None)]
)
async def test_only_a_busy_receiver_can_ask_for_time(status: str, asked: float | None) -> None:
    assert (await outcome_of(says(status, "Retry-After: 90"))).retry_after == asked


async def silence(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(5)


async def test_a_receiver_that_says_nothing_is_given_up() -> None:
    outcome = await outcome_of(silence, Webhooks(allow_private=True, timeout_seconds=0.2))
    assert (outcome.error, outcome.status) == ("No answer in time.", None)
    assert 0.2 <= outcome.seconds < 4


async def headers_without_end(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while not writer.is_closing():
        writer.write(b"X-More: 1\r\n")
        await asyncio.sleep(0.02)


async def test_headers_that_drip_are_given_up() -> None:
    outcome = await outcome_of(headers_without_end, Webhooks(allow_private=True, timeout_seconds=0.3))
    assert (outcome.error, outcome.status) == ("No answer in time.", None)


async def headers_too_long(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n" + b"X-More: 1\r\n" * 100_000)
    await writer.drain()


async def test_headers_without_bound_are_a_failure() -> None:
    outcome = await outcome_of(headers_too_long)
    assert outcome.error
    assert outcome.error.startswith("The connection broke")


async def body_that_drips(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while not writer.is_closing():
        writer.write(b".")
        await asyncio.sleep(0.02)


async def test_a_body_that_drips_does_not_undo_the_status() -> None:
    outcome = await outcome_of(body_that_drips, Webhooks(allow_private=True, timeout_seconds=0.3))
    assert (outcome.error, outcome.status) == (None, 200)
    assert set(outcome.excerpt) == {"."}
    assert outcome.seconds < 4


async def test_a_big_body_is_cut_and_the_rest_not_read() -> None:
    sent = 0

    async def pour(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 500 Oops\r\nContent-Length: 1000000000\r\n\r\n")
        while True:
            writer.write(b"x" * 100_000)
            await writer.drain()
            sent += 100_000

    outcome = await outcome_of(pour)
    assert outcome.excerpt == "x" * EXCERPT_BYTES
    assert sent < 50_000_000  # the capacity of the sockets' buffers


async def test_an_excerpt_can_be_kept_whatever_its_bytes() -> None:
    outcome = await outcome_of(says("500 Oops", body=b"a\0b\xff\xc3"))
    assert outcome.excerpt == "a\ufffdb\ufffd\ufffd"


async def hang_up(writer: asyncio.StreamWriter) -> None:
    pass


async def nonsense(writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 mail.example ESMTP\r\n")
    await writer.drain()


@pytest.mark.parametrize("answer", [hang_up, nonsense])
async def test_an_answer_that_is_none_is_a_failure(answer: Answer) -> None:
    outcome = await outcome_of(answer)
    assert outcome.error
    assert outcome.error.startswith("The connection broke")


async def test_no_listener_is_a_failure() -> None:
    async with receiver(says("200 OK")) as there:
        pass
    outcome = await deliver(there.url())
    assert outcome.error
    assert outcome.error.startswith("Could not connect")


async def test_a_receiver_inside_is_not_connected_to() -> None:
    async with receiver(says("200 OK")) as there:
        by_name = await deliver(there.url("hooks.example"), Webhooks())
        by_address = await deliver(there.url("127.0.0.1"), Webhooks())
    assert by_name.error == "Could not connect: its name stands for an address that is not public."
    assert by_address.error == "webhook_url must lead to the public internet."
    assert there.connections == 0


async def test_a_proxy_of_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async with receiver(says("502 Proxy")) as proxy, receiver(says("200 OK")) as there:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert (await deliver(there.url("hooks.example"))).error is None
    assert proxy.connections == 0


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """An authority that this machine trusts."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    return authority


def serving(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


async def test_tls_is_spoken_by_name_and_dialled_by_address(authority: trustme.CA) -> None:
    context, named = serving(authority, "hooks.example"), list[str | None]()
    context.sni_callback = lambda _socket, name, _context: named.append(name)
    async with receiver(says("200 OK"), tls=context) as there:
        outcome = await deliver(there.url("hooks.example", "https"))
    assert outcome.error is None
    assert named == ["hooks.example"]


async def test_a_certificate_of_another_name_is_refused(authority: trustme.CA) -> None:
    async with receiver(says("200 OK"), tls=serving(authority, "other.example")) as there:
        outcome = await deliver(there.url("hooks.example", "https"))
    assert outcome.error
    assert "certificate" in outcome.error
    assert there.received == []


async def test_a_certificate_of_an_unknown_authority_is_refused(authority: trustme.CA) -> None:
    async with receiver(says("200 OK"), tls=serving(trustme.CA(), "hooks.example")) as there:
        outcome = await deliver(there.url("hooks.example", "https"))
    assert outcome.error
    assert "certificate" in outcome.error
    assert there.received == []


async def test_tls_that_is_not_answered_is_given_up() -> None:
    settings = Webhooks(allow_private=True, connect_seconds=0.2, timeout_seconds=10)
    async with receiver(silence) as there:
        outcome = await deliver(there.url("hooks.example", "https"), settings)
    assert outcome.error == "No answer in time."
    assert outcome.seconds < 4
