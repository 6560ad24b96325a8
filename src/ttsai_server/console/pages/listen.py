"""Listen: what is said in a recording, by whom and when."""

import asyncio
from contextlib import aclosing
from dataclasses import dataclass

from nicegui import ui

from ttsai_server.api.transcripts import openai
from ttsai_server.console.files import KeptFile
from ttsai_server.console.models import model_choice
from ttsai_server.console.pages.page import Page
from ttsai_server.console.sound import Player, SoundInput, Words, run
from ttsai_server.console.view import View
from ttsai_server.console.work import Progress, warn
from ttsai_server.domain import Caller, Capability, Transcript
from ttsai_server.services.choice import AUTO
from ttsai_server.services.transcription import TranscriptionOrder
from ttsai_server.services.transcription_run import TranscriptionRun
from ttsai_server.text.language import NAMES

FORMS = {"srt": "Subtitles (SRT)", "vtt": "Subtitles (WebVTT)", "text": "Text", "verbose_json": "JSON"}


@dataclass(eq=False, slots=True)
class ListenPage:
    view: View
    source: SoundInput
    model: ui.select
    language: ui.select
    speakers: ui.checkbox
    progress: Progress
    player: Player
    text: ui.label
    words: Words
    timeline: ui.element
    downloads: ui.row

    async def transcribe(self, caller: Caller) -> None:
        given = self.source.given()
        order = TranscriptionOrder(
            model=self.model.value or AUTO,
            language=self.language.value or AUTO,
            words=True,
            diarize=bool(self.speakers.value),
        )
        self.text.text = ""
        self.words.show(self.player, ())
        self.downloads.clear()
        with given.path.open("rb") as upload:
            made: TranscriptionRun = await self.view.services.flow.start(caller, order, upload)
            with self.progress.shown():
                await self._follow(made)
        warn(made)
        await self.player.show(caller, given)
        await self._show(made.transcript, given)

    async def _follow(self, made: TranscriptionRun) -> None:
        async with aclosing(made.steps()) as steps:
            async for partial in steps:
                self.progress.set(made.progress)
                self.text.text += "".join(f" {segment.text}" for segment in partial.segments)

    async def _show(self, transcript: Transcript, given: KeptFile) -> None:
        self.text.text = "" if transcript.text else "Nothing is said in it."
        words = [
            {"text": word.text, "start": word.start, "end": word.end, "joined": word.joined, "speaker": segment.speaker}
            for segment in transcript.segments
            for word in segment.words
        ]
        self.words.show(self.player, words)
        stretches = [
            {"start": segment.start, "end": segment.end, "speaker": segment.speaker} for segment in transcript.segments
        ]
        self.timeline.visible = any(segment.speaker for segment in transcript.segments)
        run("showSpeakers", self.timeline.html_id, self.player.audio.html_id, stretches, transcript.seconds)
        for form, label in FORMS.items():
            rendered = await asyncio.to_thread(openai, transcript, form, ("word", "segment"))  # pyright: ignore[reportArgumentType]
            name = f"{given.name.rpartition('.')[0] or given.name}.{rendered.extension or 'json'}"
            file = await self.view.session.files.keep(name, rendered.content_type, rendered.body)
            with self.downloads:
                ui.link(label, f"{file.address}?save")


async def build(view: View) -> None:
    models = {AUTO: "Automatic"} | await model_choice(view.services, Capability.STT)
    languages = {AUTO: "Found out"} | dict(sorted(NAMES.items(), key=lambda language: language[1]))
    source = SoundInput(view, "Recording")
    with ui.element("div").classes("fields"):
        model = ui.select(models, label="Model", value=AUTO, with_input=True)
        language = ui.select(languages, label="Language", value=AUTO, with_input=True)
        speakers = ui.checkbox("Identify speakers")
    button = ui.button("Listen", icon="hearing")
    progress = Progress("Listening")
    player = Player(view, "Recording")
    timeline = ui.element("div").classes("timeline").props('role="region" aria-label="Who speaks when"')
    timeline.visible = False
    text = ui.label().props('role="status"')
    page = ListenPage(
        view, source, model, language, speakers, progress, player, text, Words(), timeline, ui.row().classes("fields")
    )
    button.on_click(view.action(page.transcribe, button))


PAGE = Page("listen", "Listen", "hearing", build)
