"""Translate: a recording said in another language."""

from dataclasses import dataclass

from nicegui import ui

from ttsai_server.console.pages.page import Page
from ttsai_server.console.sound import Player, SoundInput
from ttsai_server.console.view import View
from ttsai_server.console.work import Progress, carried_out
from ttsai_server.domain import Caller
from ttsai_server.services.choice import AUTO
from ttsai_server.services.speech_translation import SpeechTranslationOrder
from ttsai_server.text.language import NAMES

SUBTITLES = {"original.srt": "Subtitles of what was said (SRT)", "translated.srt": "Subtitles of the translation (SRT)"}


@dataclass(eq=False, slots=True)
class TranslatePage:
    view: View
    source: SoundInput
    origin: ui.select
    target: ui.select
    own_voice: ui.checkbox
    timing: ui.checkbox
    speakers: ui.checkbox
    progress: Progress
    player: Player
    heard: ui.label
    spoken: ui.label
    downloads: ui.row

    async def translate(self, caller: Caller) -> None:
        given = self.source.given()
        order = SpeechTranslationOrder(
            target_language=self.target.value,
            source_language=self.origin.value,
            preserve_voice=bool(self.own_voice.value),
            keep_timing=bool(self.timing.value),
            diarize=bool(self.speakers.value),
        )
        outcome, files = await carried_out(self.view, caller, order, given, self.progress)
        self.heard.text = outcome.text or ""
        self.spoken.text = " ".join(segment.text for segment in outcome.segments or ())
        self.downloads.clear()
        for file in files:
            if file.content_type.startswith("audio/"):
                await self.player.show(caller, file)
            else:
                with self.downloads:
                    ui.link(SUBTITLES[file.name], f"{file.address}?save")


async def build(view: View) -> None:
    source = SoundInput(view, "Recording")
    names = dict(sorted(NAMES.items(), key=lambda language: language[1]))
    spoken = {voice.language.split("-")[0] for voice in view.services.catalog.speakers.values()}
    with ui.element("div").classes("fields"):
        origin = ui.select({AUTO: "Found out"} | names, label="From", value=AUTO, with_input=True)
        targets = {code: name for code, name in names.items() if code in spoken}
        target = ui.select(targets, label="To", value="en" if "en" in targets else next(iter(targets)), with_input=True)
    own_voice = ui.checkbox("Keep the speaker's own voice, where a model for that is ready")
    timing = ui.checkbox("Say each sentence when it was said")
    speakers = ui.checkbox("Give each speaker a voice")
    button = ui.button("Translate", icon="translate")
    progress = Progress("Translating")
    ui.label("What was said").classes("section").props('role="heading" aria-level="2"')
    heard = ui.label()
    ui.label("Translation").classes("section").props('role="heading" aria-level="2"')
    translation = ui.label().props('role="status"')
    player = Player(view, "Translation")
    page = TranslatePage(
        view, source, origin, target, own_voice, timing, speakers, progress, player, heard, translation, ui.row()
    )
    button.on_click(view.action(page.translate, button))


PAGE = Page("translate", "Translate", "translate", build)
