"""Voices: made from recordings, with the speaker's consent, and kept for the account."""

import time
from dataclasses import dataclass
from functools import partial

from nicegui import ui

from ttsai_server.console.models import model_choice
from ttsai_server.console.pages.page import Page
from ttsai_server.console.pages.speak import GENDERS
from ttsai_server.console.sound import SoundInput, run
from ttsai_server.console.view import View
from ttsai_server.console.work import Progress, carried_out
from ttsai_server.domain import Caller, Capability
from ttsai_server.errors import BadRequest
from ttsai_server.services.cloning import CloneOrder
from ttsai_server.store.saved_voices import SavedVoice

CONSENT = "I am the speaker, or the speaker has agreed that I make and use this voice."


@dataclass(eq=False, slots=True)
class VoicesPage:
    view: View
    source: SoundInput
    name: ui.input
    model: ui.select
    gender: ui.select
    consent: ui.checkbox
    keep: ui.checkbox
    progress: Progress
    saved: ui.column
    preview: ui.element

    async def make(self, caller: Caller) -> None:
        given = self.source.given()
        if not self.consent.value:
            raise BadRequest("A voice is made only with the speaker's consent: confirm it first.", param="consent")
        name = self.name.value or ""
        if not name.strip():
            raise BadRequest("The voice needs a name.", param="name")
        order = CloneOrder(
            model=self.model.value or None,
            name=name,
            gender=self.gender.value,
            consent=CONSENT,
            consent_key=caller.key,
            consented_at=time.time(),
            keep_reference=bool(self.keep.value),
        )
        saved = self.view.services.saved_voices
        await carried_out(self.view, caller, order, given, self.progress, lambda outcome: saved.save(outcome.beside))
        ui.notify("The voice is saved.", type="positive")
        self.name.value, self.consent.value = "", False
        await self.list_saved(caller)

    async def list_saved(self, caller: Caller) -> None:
        voices = await self.view.services.saved_voices.of(caller)
        self.saved.clear()
        with self.saved:
            if not voices:
                ui.label("There is none yet.")
            for voice in voices:
                self._show(voice)

    def _show(self, voice: SavedVoice) -> None:
        with ui.card().classes("full-width"), ui.element("div").classes("fields"):
            name = ui.input("Name", value=voice.name)
            ui.label(f"{voice.id}, {self.view.services.catalog.models[voice.model].listed_as}, {voice.language}")
            address = f"../v1/voices/preview/{voice.preview}.mp3"
            ui.button("Preview", on_click=lambda: run("play", self.preview.html_id, address)).props("flat")
            rename = ui.button("Rename").props("flat")
            rename.on_click(self.view.action(partial(self._rename, voice, name), rename))
            delete = ui.button("Delete").props("flat color=negative")
            delete.on_click(self.view.action(partial(self._delete, voice), delete))

    async def _rename(self, voice: SavedVoice, name: ui.input, caller: Caller) -> None:
        await self.view.services.saved_voices.change(caller, voice.id, {"name": name.value or ""})
        ui.notify("The voice is renamed.", type="positive")

    async def _delete(self, voice: SavedVoice, caller: Caller) -> None:
        await self.view.services.saved_voices.delete(caller, voice.id)
        await self.list_saved(caller)


async def build(view: View) -> None:
    models = {"": "Automatic"} | await model_choice(view.services, Capability.CLONE)
    source = SoundInput(view, "Recording of the voice, 3 seconds or more")
    with ui.element("div").classes("fields"):
        name = ui.input("Name")
        model = ui.select(models, label="Model", value="", with_input=True)
        genders = {gender: shown for gender, shown in GENDERS.items() if gender}
        gender = ui.select(genders, label="Gender", value="neutral")
    consent = ui.checkbox(CONSENT)
    keep = ui.checkbox("Keep the recording, encrypted, so that other models can make the voice too")
    button = ui.button("Make the voice", icon="person_add")
    progress = Progress("Making the voice")
    ui.label("Saved voices").classes("section").props('role="heading" aria-level="2"')
    saved = ui.column().classes("full-width")
    preview = ui.element("audio").props('aria-label="Preview of the voice"')
    page = VoicesPage(view, source, name, model, gender, consent, keep, progress, saved, preview)
    button.on_click(view.action(page.make, button))
    await page.list_saved(await view.caller())


PAGE = Page("voices", "Voices", "people", build)
