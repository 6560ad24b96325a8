import asyncio
import json
import logging
import socket
import time
from asyncio.subprocess import Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from email.utils import formatdate

import pytest
from sqlalchemy import Connection, update
from standardwebhooks import Webhook, WebhookVerificationError
from tests.processes import python
from tests.receivers import Answer, Receiver, receiver, says
from tests.services.webhooks.names import Names

from ttsai_server.errors import BadRequest
from ttsai_server.services.webhooks import JobEnd, Webhooks
from ttsai_server.services.webhooks.schedule import WAITS
from ttsai_server.services.webhooks.service import JITTER
from ttsai_server.settings import CHECKOUT, Settings, Store
from ttsai_server.settings import Webhooks as WebhookSettings
from ttsai_server.store.accounts import Accounts
from ttsai_server.store.db import Database
from ttsai_server.store.secret_box import SecretBox
from ttsai_server.store.tables import webhook_deliveries
from ttsai_server.store.webhooks import Delivery, enter

END = JobEnd("task_1", 1736937000, 1736937045, 12, "https://s.example/v1/results/task_1")
DAY = 86_400


@dataclass
class Told:
    """One delivery, with the objects that tests of it need."""

    webhooks: Webhooks
    account: str
    receiver: Receiver
    id: str

    async def attempt(self, number: int) -> float | None:
        return await self.webhooks.attempt(self.id, number)

    async def log(self) -> Delivery:
        return (await self.webhooks.deliveries(self.account, 10))[0]


def webhooks_at(database: Database, *, allow_private: bool = True, concurrent: int = 100) -> Webhooks:
    settings = WebhookSettings(allow_private=allow_private, concurrent=concurrent, timeout_seconds=10)
    box = SecretBox(Settings(store=Store(secret_key="k" * 32)))
    return Webhooks(settings, database, box, Names(["127.0.0.1"]))


@asynccontextmanager
async def told(database: Database, *answers: Answer) -> AsyncGenerator[Told]:
    account = (await Accounts(database).create("Ann", "pro")).id
    webhooks = webhooks_at(database)
    async with receiver(*answers) as there:
        yield Told(webhooks, account, there, await webhooks.open(account, there.url("hooks.example"), END))


def waits(number: int) -> object:
    """The schedule's wait after an attempt, with its jitter."""
    return pytest.approx(WAITS[number - 1] * (1 + JITTER / 2), rel=JITTER / 2)


async def test_a_url_that_leads_inside_is_refused_when_the_task_is_accepted(database: Database) -> None:
    webhooks_at(database).check("http://127.0.0.1/")
    with pytest.raises(BadRequest):
        webhooks_at(database, allow_private=False).check("http://127.0.0.1/")


async def test_a_delivery_is_made_once(database: Database) -> None:
    async with told(database, says("200 OK")) as one:
        assert await one.attempt(1) is None
        assert await one.attempt(1) is None
        assert await one.attempt(2) is None
        assert len(one.receiver.received) == 1
        assert (await one.log()).state == "delivered"


async def test_the_accounts_secret_verifies_what_comes(database: Database) -> None:
    async with told(database, says("200 OK")) as one:
        await one.attempt(1)
        secret = (await one.webhooks.secret(one.account)).secret
        got = one.receiver.received[0]
        assert Webhook(secret).verify(got.body, dict(got.headers)) == json.loads((await one.log()).payload)
        assert got.headers["webhook-id"] == one.id


async def test_another_accounts_secret_does_not(database: Database) -> None:
    async with told(database, says("200 OK")) as one:
        await one.attempt(1)
        other = (await Accounts(database).create("Bob", "pro")).id
        got = one.receiver.received[0]
        with pytest.raises(WebhookVerificationError):
            Webhook((await one.webhooks.secret(other)).secret).verify(got.body, dict(got.headers))


async def test_after_a_rotation_both_secrets_verify(database: Database) -> None:
    async with told(database, says("200 OK")) as one:
        old = await one.webhooks.secret(one.account)
        new = await one.webhooks.rotate(one.account, "key_a")
        await one.attempt(1)
        got = one.receiver.received[0]
        for secret in (old.secret, new.secret):
            Webhook(secret).verify(got.body, dict(got.headers))
        assert new.previous_until == pytest.approx(time.time() + DAY, abs=60)


async def test_a_failure_is_repeated_with_the_same_id_and_body(database: Database) -> None:
    async with told(database, says("500 Oops", body=b"no disk"), says("200 OK")) as one:
        assert await one.attempt(1) == waits(1)
        assert await one.attempt(2) is None
        first, second = one.receiver.received
        assert first.headers["webhook-id"] == second.headers["webhook-id"]
        assert first.body == second.body
        log = await one.log()
        assert [(a.number, a.status, a.error, a.excerpt) for a in log.attempts] == [
            (1, 500, "HTTP 500.", "no disk"),
            (2, 200, None, ""),
        ]
        assert (log.state, log.next_attempt) == ("delivered", None)


async def test_between_attempts_the_log_says_when_the_next_is_due(database: Database) -> None:
    async with told(database, says("500 Oops")) as one:
        wait = await one.attempt(1)
        assert wait
        log = await one.log()
        assert log.state == "pending"
        assert log.next_attempt == pytest.approx(time.time() + wait, abs=10)


async def test_an_attempt_asked_for_again_is_not_made_again(database: Database) -> None:
    async with told(database, says("500 Oops")) as one:
        wait = await one.attempt(1)
        again = await one.attempt(1)
        assert wait is not None
        assert again is not None
        assert 0 <= again <= wait
        assert len(one.receiver.received) == 1


async def test_what_is_never_taken_is_given_up_after_the_last_attempt(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    async with told(database, says("500 Oops")) as one:
        for number in range(1, len(WAITS) + 1):
            assert await one.attempt(number) == waits(number)
        with caplog.at_level(logging.WARNING):
            assert await one.attempt(len(WAITS) + 1) is None
        log = await one.log()
        assert (log.state, log.next_attempt, len(log.attempts)) == ("failed", None, 11)
        assert one.id in caplog.text


async def test_a_receiver_that_is_gone_is_not_asked_again(database: Database) -> None:
    async with told(database, says("410 Gone")) as one:
        assert await one.attempt(1) is None
        assert (await one.log()).state == "failed"
        assert await one.attempt(2) is None
        assert len(one.receiver.received) == 1


# ids: pytest's workers each make the date, perhaps not in the same second
@pytest.mark.parametrize("asked", ["100", formatdate(time.time() + 100_000, usegmt=True)], ids=["seconds", "date"])
async def test_a_busy_receiver_is_left_alone_for_as_long_as_it_asks(database: Database, asked: str) -> None:
    async with told(database, says("503 Busy", f"Retry-After: {asked}")) as one:
        wait = await one.attempt(1)
        seconds = 100 if asked == "100" else 3600
        assert wait == pytest.approx(seconds * (1 + JITTER / 2), rel=JITTER / 2)


async def test_an_end_told_twice_is_one_delivery(database: Database) -> None:
    async with told(database, says("200 OK")) as one:
        url = one.receiver.url()
        assert await one.webhooks.open(one.account, url, END) == one.id
        assert len(await one.webhooks.deliveries(one.account, 10)) == 1


async def test_a_delivery_may_be_entered_with_the_tasks_result(database: Database) -> None:
    async with told(database, says("200 OK")) as one:
        other = JobEnd("task_2", 0, 0, 1).delivery(one.account, one.receiver.url())
        await database.write(enter, other)
        assert await one.webhooks.attempt(other.id, 1) is None
        assert one.receiver.received[0].headers["webhook-id"] == other.id


async def test_the_receiver_of_the_docs_takes_a_delivery_once_and_refuses_a_forgery(database: Database) -> None:
    account = (await Accounts(database).create("Ann", "pro")).id
    webhooks = webhooks_at(database)
    async with the_docs_receiver((await webhooks.secret(account)).secret) as (process, url):
        for end in (END, replace(END, task="task_2")):
            assert await webhooks.attempt(await webhooks.open(account, url, end), 1) is None
            assert process.stdout
            assert (await process.stdout.readline()).decode().split() == [end.task, "success", end.result_url]
        forger = (await Accounts(database).create("Eve", "pro")).id
        forged = await webhooks.open(forger, url, replace(END, task="task_3"))
        assert await webhooks.attempt(forged, 1)
    assert (await webhooks.deliveries(forger, 1))[0].attempts[0].status == 401


@asynccontextmanager
async def the_docs_receiver(secret: str) -> AsyncGenerator[tuple[Process, str]]:
    """Runs the example of docs/webhooks.md, with only its secret and port replaced."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    code = (CHECKOUT / "docs" / "webhooks.md").read_text().split("```python\n")[1].split("```")[0]
    process = await python(code.replace("whsec_…", secret).replace("9000", str(port)))
    try:
        await _listening(port)
        yield process, f"http://hooks.example:{port}/"
    finally:
        process.kill()
        await process.communicate()


async def _listening(port: int) -> None:
    async with asyncio.timeout(120):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return await writer.wait_closed()


async def test_no_more_attempts_run_at_once_than_the_settings_say(database: Database) -> None:
    account = (await Accounts(database).create("Ann", "pro")).id
    webhooks, under_way = webhooks_at(database, concurrent=2), list[int]()

    async def slowly(writer: asyncio.StreamWriter) -> None:
        under_way.append(there.connections - done)
        await asyncio.sleep(0.05)
        await says("200 OK")(writer)
        leave()

    done = 0

    def leave() -> None:
        nonlocal done
        done += 1

    async with receiver(slowly) as there:
        ends = [JobEnd(f"task_{number}", 0, 0, 1) for number in range(6)]
        ids = [await webhooks.open(account, there.url(), end) for end in ends]
        await asyncio.gather(*(webhooks.attempt(id, 1) for id in ids))
    assert max(under_way) == 2
    assert done == 6


async def test_a_purge_forgets_what_is_older_than_the_retention(database: Database) -> None:
    def age(connection: Connection) -> None:
        connection.execute(update(webhook_deliveries).values(created_at=time.time() - 31 * DAY))

    async with told(database, says("200 OK")) as one:
        assert await one.webhooks.purge() == 0
        await database.write(age)
        assert await one.webhooks.purge() == 1
        assert await one.attempt(1) is None
        assert one.receiver.received == []
