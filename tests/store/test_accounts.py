import pytest
from tests.processes import BARRIER, at_once

from ttsai_server.errors import BadRequest, NotFound
from ttsai_server.settings import Settings
from ttsai_server.store.accounts import Accounts
from ttsai_server.store.db import Database
from ttsai_server.store.keys import Keys


async def test_an_account_is_kept_as_it_was_made(database: Database) -> None:
    made = await Accounts(database).create("Ann", "pro", 100)
    assert (made.name, made.plan, made.available, made.reserved) == ("Ann", "pro", 100, 0)
    assert await Accounts(database).get(made.id) == made


async def test_accounts_are_listed_oldest_first(database: Database) -> None:
    made = [await Accounts(database).create(name, "pro") for name in ("c", "a", "b")]
    assert await Accounts(database).list() == made


async def test_a_plan_can_be_changed(database: Database) -> None:
    made = await Accounts(database).create("Ann", "free")
    assert (await Accounts(database).set_plan(made.id, "pro")).plan == "pro"
    assert (await Accounts(database).get(made.id)).plan == "pro"


async def test_credits_can_be_granted_and_taken_back(database: Database) -> None:
    made = await Accounts(database).create("Ann", "pro", 5)
    assert (await Accounts(database).grant(made.id, 10)).available == 15
    assert (await Accounts(database).grant(made.id, -15, "refund")).available == 0


async def test_no_more_credits_than_there_are_can_be_taken_back(database: Database) -> None:
    made = await Accounts(database).create("Ann", "pro", 5)
    with pytest.raises(BadRequest, match="only 5 credits"):
        await Accounts(database).grant(made.id, -6)
    assert (await Accounts(database).get(made.id)).available == 5


async def test_an_unknown_account_is_not_found(database: Database) -> None:
    for asking in (
        Accounts(database).get("nobody"),
        Accounts(database).set_plan("nobody", "pro"),
        Accounts(database).grant("nobody", 1),
    ):
        with pytest.raises(NotFound):
            await asking


async def test_the_first_account_comes_with_a_key(database: Database) -> None:
    plain = await Accounts(database).create_first("enterprise", 1000)
    assert plain
    found = await Keys(database).find(plain)
    assert found
    assert (found[0].account, found[1]) == ("local", "enterprise")
    assert (await Accounts(database).get("local")).available == 1000


async def test_there_is_no_first_account_after_another(database: Database) -> None:
    await Accounts(database).create("Ann", "pro")
    assert await Accounts(database).create_first("enterprise", 1000) is None
    assert len(await Accounts(database).list()) == 1


CREATE_FIRST = f"""
import asyncio
from ttsai_server.settings import Settings
from ttsai_server.store.accounts import Accounts
from ttsai_server.store.db import open_database
{BARRIER}
database = open_database(Settings.model_validate_json(sys.argv[1]))
print(asyncio.run(Accounts(database).create_first("enterprise", 1000)))
"""


async def test_of_processes_that_start_at_once_one_makes_the_first_account(
    database: Database, store_settings: Settings
) -> None:
    keys = sorted(await at_once(4, CREATE_FIRST, store_settings.model_dump_json()))
    assert keys[:3] == ["None", "None", "None"]
    assert await Keys(database).find(keys[3])
    assert len(await Keys(database).list()) == 1
