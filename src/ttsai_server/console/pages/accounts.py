"""Accounts: their plans, credits and limits, and the audit log; for administrators."""

import json
from functools import partial

from nicegui import ui

from ttsai_server.console.listing import Listing, Questions, asking_button, moment, section
from ttsai_server.console.pages.page import Page
from ttsai_server.console.view import View
from ttsai_server.domain import Caller
from ttsai_server.errors import BadRequest
from ttsai_server.settings import Plan
from ttsai_server.store.accounts import Account
from ttsai_server.store.keys import Key

SHOWN = 50
"""The newest accounts, keys and entries of the audit log that are shown."""


class AccountsPage:
    def __init__(self, view: View) -> None:
        self._view = view
        self._desk = view.services.administration
        self._questions = Questions(view)
        section("A new account")
        with ui.element("div").classes("fields"):
            self._name = ui.input("Name").props("maxlength=100")
            self._plan = ui.select([*self._desk.plans], label="Plan", value=next(iter(self._desk.plans)))
            self._credits = ui.number("Credits", value=0, min=0, precision=0)
        button = ui.button("Make the account", icon="person_add")
        button.on_click(view.action(self._make, button))
        section("Accounts")
        self._search = ui.input(f"Search by id or name; {SHOWN} are shown").classes("full-width").props("clearable")
        self._search.on_value_change(self.refresh)
        heads = ("Account", "Name", "Plan", "Limits", "Credits", "Reserved", "Since", "Change")
        self._accounts = Listing("Accounts", heads)
        section("Keys of these accounts")
        heads = ("Key", "Begins", "Account", "Label", "Kind", "Works", "Change")
        self._keys = Listing("Keys of these accounts", heads)
        section("Audit log")
        self._audit = Listing("Audit log", ("When", "Who", "What", "Of", "Before", "After", ""))

    async def refresh(self) -> None:
        """Show the newest that are searched for. Raises Forbidden."""
        await self._view.administrator()
        wanted = (self._search.value or "").lower()
        found = [each for each in await self._desk.accounts() if wanted in f"{each.id} {each.name}".lower()]
        accounts = found[: -SHOWN - 1 : -1]
        ids = {account.id for account in accounts}
        keys = [key for key in await self._desk.keys() if key.account in ids]
        entries = await self._desk.audit(SHOWN)
        for listing in (self._accounts, self._keys, self._audit):
            listing.clear()
        for account in accounts:
            self._row(account)
        for key in keys[: -SHOWN - 1 : -1]:
            self._key_row(key)
        for entry in entries:
            facts = [json.dumps(facts, ensure_ascii=False) if facts else "" for facts in (entry.before, entry.after)]
            with self._audit.row(moment(entry.at), entry.actor, entry.action, entry.target, *facts):
                pass

    def _row(self, account: Account) -> None:
        plan = self._desk.plans.get(account.plan)
        limits = _limits(plan) if plan else "not offered any more"
        numbers = (f"{account.available:,}", f"{account.reserved:,}", moment(account.created_at))
        with self._accounts.row(account.id, account.name, account.plan, limits, *numbers):
            asking_button("Plan", account.name, partial(self._ask_plan, account))
            asking_button("Credits", account.name, partial(self._ask_credits, account))

    def _ask_plan(self, account: Account) -> None:
        async def change(caller: Caller) -> None:
            await self._desk.set_plan(await self._view.administrator(), account.id, plan.value or "")
            await self.refresh()

        with self._questions.asked(f"The plan of {account.name}", "Save", change):
            value = account.plan if account.plan in self._desk.plans else None
            plan = ui.select([*self._desk.plans], label="Plan", value=value)

    def _ask_credits(self, account: Account) -> None:
        async def grant(caller: Caller) -> None:
            if not credits.value:
                raise BadRequest("How many credits?", param="credits")
            by = await self._view.administrator()
            await self._desk.grant(by, account.id, int(credits.value), (note.value or "").replace("\x00", ""))
            await self.refresh()

        with self._questions.asked(f"{account.name} has {account.available:,} credits.", "Save", grant):
            credits = ui.number("Credits to add; negative: to take back", precision=0)
            note = ui.input("What for").props("maxlength=500")

    def _key_row(self, key: Key) -> None:
        kind = f"{key.kind}, administrator" if key.admin else key.kind
        until = (
            f"revoked {moment(key.revoked_at)}" if key.revoked_at else f"until {moment(key.expires_at) or 'revoked'}"
        )
        with self._keys.row(key.id, f"{key.prefix}…", key.account, key.label, kind, until):
            if key.revoked_at is None:
                asked = f"Revoke {key.id} of {key.account}? What uses it stops working, for good."
                self._questions.button("Revoke", partial(self._revoke, key.id), key.id, asked)

    async def _make(self, caller: Caller) -> None:
        name = (self._name.value or "").strip()
        if not name or not name.isprintable():
            raise BadRequest("The account needs a name.", param="name")
        by = await self._view.administrator()
        await self._desk.create_account(by, name, self._plan.value, int(self._credits.value or 0))
        self._name.value = ""
        await self.refresh()

    async def _revoke(self, key: str, caller: Caller) -> None:
        await self._desk.revoke_key(await self._view.administrator(), key)
        await self.refresh()


def _limits(plan: Plan) -> str:
    if not plan.api:
        return "no API"
    return (
        f"{plan.requests_per_minute} requests a minute, {plan.concurrent} at once, {plan.max_characters:,} characters"
    )


async def build(view: View) -> None:
    await AccountsPage(view).refresh()


PAGE = Page("accounts", "Accounts", "group", build, for_administrators=True)
