"""Keys: the account's own, made, restricted and revoked."""

import time
from functools import partial

from nicegui import ui

from ttsai_server.console.listing import Listing, Questions, asking_button, moment, section
from ttsai_server.console.pages.page import Page
from ttsai_server.console.view import View
from ttsai_server.domain import Caller
from ttsai_server.errors import BadRequest
from ttsai_server.store.keys import PUBLISHABLE, SECRET, Key, KeyChanges
from ttsai_server.store.ledger import DAY

KINDS = {SECRET: "Secret: for programs", PUBLISHABLE: "Publishable: for web pages"}
LONGEST_LABEL = 100
MOST_DAYS = 3650
MOST_ORIGINS = 20


class KeyFields:
    """What a key is made with, or changed to."""

    def __init__(self, key: Key | None = None) -> None:
        self.label = ui.input("Label", value=key.label if key else "").props(f"maxlength={LONGEST_LABEL}")
        self.origins = ui.input("Origins of its pages, with spaces between", value=" ".join(key.origins) if key else "")
        self.days = ui.number("Expires in days", min=1, max=MOST_DAYS, precision=0)

    def expires_at(self) -> float | None:
        """Unix seconds; None if nothing is entered. Raises BadRequest."""
        days = self.days.value
        if days is None:
            return None
        if not 1 <= days <= MOST_DAYS:
            raise BadRequest(f"A key may expire in 1 to {MOST_DAYS} days.", param="expires_in_days")
        return time.time() + int(days) * DAY

    def shown_origins(self) -> tuple[str, ...]:
        """Raises BadRequest."""
        origins = tuple((self.origins.value or "").split())
        if len(origins) > MOST_ORIGINS:
            raise BadRequest(f"A key has at most {MOST_ORIGINS} origins.", param="origins")
        return origins

    def shown_label(self) -> str:
        """Raises BadRequest."""
        label = (self.label.value or "").strip()[:LONGEST_LABEL]
        if not label.isprintable():
            raise BadRequest("The label has characters that can't be shown.", param="label")
        return label


class KeysPage:
    def __init__(self, view: View) -> None:
        self._view = view
        self._questions = Questions(view)
        section("A new key")
        self._kind = ui.select(KINDS, label="Kind", value=SECRET).classes("full-width")
        with ui.element("div").classes("fields"):
            self._fields = KeyFields()
        self._fields.origins.bind_visibility_from(self._kind, "value", value=PUBLISHABLE)
        button = ui.button("Make a key", icon="add")
        button.on_click(view.action(self._make, button))
        self._plain = ui.input("The new key: it is shown only now").props("readonly outlined").classes("full-width")
        self._plain.visible = False
        section("Keys of the account")
        self._listing = Listing("Keys", ("Begins", "Label", "Kind", "Origins", "Expires", "Last used", "Change"))

    async def refresh(self, caller: Caller) -> None:
        keys = await self._view.services.accounts.keys(caller)
        self._listing.clear()
        for key in keys:
            self._row(key, own=key.id == caller.key)

    def _row(self, key: Key, *, own: bool) -> None:
        works = key.revoked_at is None and (key.expires_at is None or key.expires_at > time.time())
        until = f"revoked {moment(key.revoked_at)}" if key.revoked_at else moment(key.expires_at) or "never"
        kind = f"{key.kind}{', administrator' if key.admin else ''}{', signed in with' if own else ''}"
        about = key.label or key.prefix
        used = moment(key.used_at) or "never"
        with self._listing.row(f"{key.prefix}…", key.label, kind, ", ".join(key.origins), until, used):
            if works:
                asking_button("Restrict", about, partial(self._ask_restriction, key, about))
                asked = f"Revoke the key {about}? What uses it stops working, for good."
                self._questions.button("Revoke", partial(self._revoke, key.id), about, asked)

    def _ask_restriction(self, key: Key, about: str) -> None:
        async def restrict(caller: Caller) -> None:
            origins = fields.shown_origins() if key.kind == PUBLISHABLE else None
            changes = KeyChanges(fields.shown_label(), origins, fields.expires_at())
            await self._view.services.accounts.restrict_key(caller, key.id, changes)
            await self.refresh(caller)

        with self._questions.asked(f"Restrict the key {about}", "Save", restrict):
            fields = KeyFields(key)
            fields.origins.visible = key.kind == PUBLISHABLE

    async def _make(self, caller: Caller) -> None:
        origins = self._fields.shown_origins() if self._kind.value == PUBLISHABLE else ()
        _, plain = await self._view.services.accounts.create_key(
            caller, self._kind.value, self._fields.shown_label(), origins, self._fields.expires_at()
        )
        self._plain.value, self._plain.visible = plain, True
        await self.refresh(caller)

    async def _revoke(self, key: str, caller: Caller) -> None:
        await self._view.services.accounts.revoke_key(caller, key)
        await self.refresh(caller)


async def build(view: View) -> None:
    if not view.services.settings.auth.enabled:
        ui.label("This server asks for no keys.")
        return
    await KeysPage(view).refresh(await view.caller())


PAGE = Page("keys", "Keys", "key", build)
