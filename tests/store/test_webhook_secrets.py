import re
import time
from base64 import b64decode

import pytest
from tests.processes import BARRIER, at_once

from ttsai_server.errors import NotFound
from ttsai_server.settings import Settings
from ttsai_server.store.accounts import Accounts
from ttsai_server.store.db import Database
from ttsai_server.store.webhook_secrets import WebhookSecrets

HOUR = 3600.0


@pytest.fixture
async def account(database: Database) -> str:
    return (await Accounts(database).create("Ann", "pro")).id


async def test_a_secret_has_the_standards_shape(database: Database, account: str) -> None:
    secret = (await WebhookSecrets(database).get(account)).secret
    assert re.fullmatch(r"whsec_[0-9A-Za-z+/]+=*", secret)
    assert len(b64decode(secret.removeprefix("whsec_"))) == 32


async def test_a_secret_stays_the_same(database: Database, account: str) -> None:
    assert await WebhookSecrets(database).get(account) == await WebhookSecrets(database).get(account)


async def test_each_account_has_its_own(database: Database, account: str) -> None:
    other = (await Accounts(database).create("Bob", "pro")).id
    secrets = WebhookSecrets(database)
    assert (await secrets.get(account)).secret != (await secrets.get(other)).secret


async def test_an_unknown_account_has_none(database: Database) -> None:
    with pytest.raises(NotFound):
        await WebhookSecrets(database).get("nobody")
    with pytest.raises(NotFound):
        await WebhookSecrets(database).rotate("nobody", HOUR)


async def test_a_rotation_keeps_the_old_one_for_its_time(database: Database, account: str) -> None:
    secrets = WebhookSecrets(database)
    old = await secrets.get(account)
    new = await secrets.rotate(account, HOUR)
    assert new.secret != old.secret
    assert new.signing == (new.secret, old.secret)
    assert new.previous_until == pytest.approx(time.time() + HOUR, abs=30)
    assert await secrets.get(account) == new


async def test_the_old_one_is_gone_after_its_time(database: Database, account: str) -> None:
    secrets = WebhookSecrets(database)
    await secrets.get(account)
    new = await secrets.rotate(account, 0)
    assert new.signing == (new.secret,)
    assert new.previous is None


async def test_two_rotations_drop_the_first_at_once(database: Database, account: str) -> None:
    secrets = WebhookSecrets(database)
    first = await secrets.get(account)
    second = await secrets.rotate(account, HOUR)
    third = await secrets.rotate(account, HOUR)
    assert third.signing == (third.secret, second.secret)
    assert first.secret not in third.signing


async def test_a_rotation_before_the_first_asking_works(database: Database, account: str) -> None:
    rotated = await WebhookSecrets(database).rotate(account, HOUR)
    assert await WebhookSecrets(database).get(account) == rotated


ASK = f"""
import asyncio
from ttsai_server.settings import Settings
from ttsai_server.store.db import open_database
from ttsai_server.store.webhook_secrets import WebhookSecrets
database = open_database(Settings.model_validate_json(sys.argv[1]))
{BARRIER}
async def main():
    print((await WebhookSecrets(database).get(sys.argv[2])).secret)
    await database.close()
asyncio.run(main())
"""


async def test_servers_that_ask_at_once_get_one_secret(
    database: Database, store_settings: Settings, account: str
) -> None:
    outputs = await at_once(3, "import sys\n" + ASK, store_settings.model_dump_json(), account)
    assert set(outputs) == {(await WebhookSecrets(database).get(account)).secret}
