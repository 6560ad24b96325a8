import re
import stat
import time
from base64 import b64decode
from pathlib import Path

import pytest
from sqlalchemy import insert, select
from tests.processes import BARRIER, at_once

from ttsai_server.errors import NotFound, NotReady
from ttsai_server.settings import Settings, Store
from ttsai_server.store.accounts import Accounts
from ttsai_server.store.audit import AuditLog
from ttsai_server.store.db import Database
from ttsai_server.store.secret_box import SecretBox
from ttsai_server.store.tables import webhook_secrets
from ttsai_server.store.webhook_secrets import WebhookSecrets

HOUR = 3600.0
BY = "key_a"


@pytest.fixture
async def account(database: Database) -> str:
    return (await Accounts(database).create("Ann", "pro")).id


@pytest.fixture
def secrets(database: Database, store_settings: Settings) -> WebhookSecrets:
    return WebhookSecrets(database, SecretBox(store_settings))


async def test_a_secret_has_the_standards_shape(secrets: WebhookSecrets, account: str) -> None:
    secret = (await secrets.get(account)).secret
    assert re.fullmatch(r"whsec_[0-9A-Za-z+/]+=*", secret)
    assert len(b64decode(secret.removeprefix("whsec_"))) == 32


async def test_a_secret_stays_the_same(secrets: WebhookSecrets, account: str) -> None:
    assert await secrets.get(account) == await secrets.get(account)


async def test_each_account_has_its_own(database: Database, secrets: WebhookSecrets, account: str) -> None:
    other = (await Accounts(database).create("Bob", "pro")).id
    assert (await secrets.get(account)).secret != (await secrets.get(other)).secret


async def test_an_unknown_account_has_none(secrets: WebhookSecrets) -> None:
    with pytest.raises(NotFound):
        await secrets.get("nobody")
    with pytest.raises(NotFound):
        await secrets.rotate("nobody", HOUR, BY)


async def test_a_rotation_is_in_the_audit_log_without_the_secrets(
    database: Database, secrets: WebhookSecrets, account: str
) -> None:
    old = await secrets.get(account)
    new = await secrets.rotate(account, HOUR, BY)
    [entry] = await AuditLog(database).list(1, target=account)
    assert (entry.actor, entry.action) == (BY, "webhook_secret.rotate")
    assert entry.before == {"created_at": old.created_at, "previous_until": None}
    assert entry.after == {"created_at": new.created_at, "previous_until": new.previous_until}


async def test_a_rotation_keeps_the_old_one_for_its_time(secrets: WebhookSecrets, account: str) -> None:
    old = await secrets.get(account)
    new = await secrets.rotate(account, HOUR, BY)
    assert new.secret != old.secret
    assert new.signing == (new.secret, old.secret)
    assert new.previous_until == pytest.approx(time.time() + HOUR, abs=30)
    assert await secrets.get(account) == new


async def test_the_old_one_is_gone_after_its_time(secrets: WebhookSecrets, account: str) -> None:
    await secrets.get(account)
    new = await secrets.rotate(account, 0, BY)
    assert new.signing == (new.secret,)
    assert new.previous is None


async def test_two_rotations_drop_the_first_at_once(secrets: WebhookSecrets, account: str) -> None:
    first = await secrets.get(account)
    second = await secrets.rotate(account, HOUR, BY)
    third = await secrets.rotate(account, HOUR, BY)
    assert third.signing == (third.secret, second.secret)
    assert first.secret not in third.signing


async def test_a_rotation_before_the_first_asking_works(secrets: WebhookSecrets, account: str) -> None:
    rotated = await secrets.rotate(account, HOUR, BY)
    assert await secrets.get(account) == rotated


ASK = f"""
import asyncio
from ttsai_server.settings import Settings
from ttsai_server.store.db import open_database
from ttsai_server.store.secret_box import SecretBox
from ttsai_server.store.webhook_secrets import WebhookSecrets
{BARRIER}
settings = Settings.model_validate_json(sys.argv[1])
database, box = open_database(settings), SecretBox(settings)
async def main():
    print((await WebhookSecrets(database, box).get(sys.argv[2])).secret)
    await database.close()
asyncio.run(main())
"""


async def test_servers_that_ask_at_once_get_one_secret(
    secrets: WebhookSecrets, store_settings: Settings, account: str
) -> None:
    outputs = await at_once(3, ASK, store_settings.model_dump_json(), account)
    assert set(outputs) == {(await secrets.get(account)).secret}


async def stored(database: Database) -> list[str]:
    return await database.read(lambda connection: list(connection.scalars(select(webhook_secrets.c.secret))))


async def test_the_database_does_not_tell_a_secret(database: Database, secrets: WebhookSecrets, account: str) -> None:
    secret = (await secrets.get(account)).secret
    assert secret.removeprefix("whsec_") not in (await stored(database))[0]


async def test_the_key_is_its_owners_alone(secrets: WebhookSecrets, store_settings: Settings, account: str) -> None:
    await secrets.get(account)
    assert stat.S_IMODE((store_settings.data_dir / "secret.key").stat().st_mode) == 0o600


async def test_a_secret_stored_in_plain_text_is_kept_and_encrypted(
    database: Database, secrets: WebhookSecrets, account: str
) -> None:
    row = {
        "account": account,
        "secret": "whsec_bGE=",
        "created_at": 1.0,
        "previous": "whsec_b2xk",
        "previous_until": 9e9,
    }
    await database.write(lambda connection: connection.execute(insert(webhook_secrets).values(row)))
    for _ in range(2):
        await secrets.encrypt_plain()
        assert (await secrets.get(account)).signing == ("whsec_bGE=", "whsec_b2xk")
    assert not (await stored(database))[0].startswith("whsec_")


async def test_another_key_is_told_plainly(
    database: Database, secrets: WebhookSecrets, store_settings: Settings, account: str
) -> None:
    await secrets.get(account)
    store = store_settings.store.model_copy(update={"secret_key": "another key, which is long enough"})
    other = WebhookSecrets(database, SecretBox(store_settings.model_copy(update={"store": store})))
    with pytest.raises(NotReady, match=r"store\.secret_key"):
        await other.get(account)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_where_servers_share_a_database_a_key_of_one_alone_is_warned_of(
    kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    url = f"{kind}:///a" if kind == "sqlite" else f"{kind}://a/b"
    SecretBox(Settings(data_dir=tmp_path, store=Store(url=url))).seal("")
    assert ("store.secret_key" in caplog.text) is (kind == "postgresql")
