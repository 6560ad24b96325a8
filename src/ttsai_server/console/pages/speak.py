"""Speak: a text in a chosen voice, heard while it is made."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from nicegui import ui

from ttsai_server.audio.encode import CONTENT_TYPES
from ttsai_server.console.examples import Examples, examples
from ttsai_server.console.files import KeptFile
from ttsai_server.console.models import model_choice
from ttsai_server.console.pages.page import Page
from ttsai_server.console.sound import Player, Words, run
from ttsai_server.console.view import View
from ttsai_server.domain import Caller, Capability
from ttsai_server.errors import BadRequest
from ttsai_server.services.choice import AUTO
from ttsai_server.services.speech import SpeechOrder
from ttsai_server.services.speech_run import SpeechRun
from ttsai_server.services.voices import ListedVoice
from ttsai_server.text.language import NAMES

SLOWEST, FASTEST = 0.25, 4
FIRST_TEXT = "Hello! Write something here, choose a voice, and listen to it."
GENDERS = {"": "Any", "female": "Female", "male": "Male", "neutral": "Neutral"}


class SpeakPage:
    def __init__(self, view: View, models: dict[str, str]) -> None:
        self._view = view
        self._voices: dict[str, ListedVoice] = {}
        self.text = ui.textarea("Text", value=FIRST_TEXT).props("outlined autogrow").classes("full-width")
        with ui.element("div").classes("fields"):
            self.model = ui.select(models, label="Model", with_input=True)
            self.language = ui.select({}, label="Language of the voice", with_input=True)
            self.gender = ui.select(GENDERS, label="Gender", value="")
        with ui.element("div").classes("fields"):
            self.voice = ui.select({}, label="Voice", with_input=True)
            self._preview = ui.button("Preview", icon="hearing").props("outline")
            self.format = ui.select(sorted(CONTENT_TYPES), label="Format", value="mp3")
            self.speed = ui.number("Speed", value=1.0, min=SLOWEST, max=FASTEST, step=0.05)
        self.timed = ui.checkbox("Show when each word is said")
        self.button = ui.button("Speak", icon="record_voice_over")
        self._player = Player(view, "Speech")
        self._words = Words()
        self._preview_sound = ui.element("audio").props('aria-label="Preview of the voice"')
        self._examples = Examples()

    async def start(self) -> None:
        """Fill the choices, and let everything follow them."""
        self.model.value = AUTO
        await self._list_voices(await self._view.caller())
        for choice in (self.model, self.language, self.gender):
            choice.on_value_change(self._relist_voices)
        for field in (self.text, self.model, self.voice, self.format, self.speed, self.timed):
            field.on_value_change(self._show_examples)
        self._preview.on_click(self._play_preview)
        self.button.on_click(self._view.action(self._speak, self.button))
        self._show_examples()

    async def _relist_voices(self) -> None:
        await self._view.attempt(self._list_voices, counted=False)

    async def _list_voices(self, caller: Caller) -> None:
        model = None if self.model.value == AUTO else self.model.value
        listed = await self._view.services.voices.listed(caller, model)
        codes = sorted({each.voice.language.split("-")[0] for each in listed}, key=lambda code: NAMES[code])
        self.language.set_options({"": "Any", **{code: NAMES[code] for code in codes}})
        if self.language.value not in self.language.options:
            self.language.value = ""
        shown = [each for each in listed if self._suits(each)]
        self._voices = {each.voice.id: each for each in shown}
        automatic = {AUTO: "Automatic"} if model is None else {}
        self.voice.set_options(automatic | {id: _described(each) for id, each in self._voices.items()})
        if self.voice.value not in self.voice.options:
            self.voice.value = next(iter(self.voice.options), None)

    def _suits(self, listed: ListedVoice) -> bool:
        voice = listed.voice
        language, gender = self.language.value or "", self.gender.value or ""
        return voice.language.split("-")[0] in (language or voice.language.split("-")[0]) and gender in (
            "",
            voice.gender,
        )

    def _play_preview(self) -> None:
        if listed := self._voices.get(self.voice.value):
            run("play", self._preview_sound.html_id, f"../v1/voices/preview/{listed.preview}.mp3")
        else:
            ui.notify("Choose a voice first.")

    def order(self) -> SpeechOrder:
        """What the fields say. Raises BadRequest for a speed that is none."""
        return SpeechOrder(
            model=self.model.value or AUTO,
            text=self.text.value or "",
            voice=self.voice.value or "",
            format=self.format.value,
            speed=checked_speed(self.speed.value),
            timestamps=bool(self.timed.value),
        )

    async def _speak(self, caller: Caller) -> None:
        made: SpeechRun = await self._view.services.flow.start(caller, self.order())
        file = await self._streamed(made)
        for warning in made.warnings:
            ui.notify(warning, type="warning")
        await self._player.show(caller, file)
        words = made.times.words if made.times else []
        self._words.show(
            self._player, [{"text": w.text, "start": w.start_seconds, "end": w.end_seconds} for w in words]
        )

    async def _streamed(self, made: SpeechRun) -> KeptFile:
        """The sound, played from its first chunk on."""
        file = self._view.session.files.create(made.plan.result_name, made.plan.content_type)

        async def heard(chunks: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
            async for chunk in chunks:
                if chunk and not file.size:
                    self._player.play(file)
                yield chunk

        async with aclosing(made.chunks()) as chunks, aclosing(heard(chunks)) as parts:
            await file.fill(parts)
        return file

    def _show_examples(self) -> None:
        body = {"model": self.model.value, "voice": self.voice.value, "text": self.text.value}
        more = {"format": self.format.value, "speed": self.speed.value}
        timed = {"timestamps": True} if self.timed.value else {}
        name = "speech.json" if timed else f"speech.{self.format.value}"
        self._examples.show(examples(f"{self._view.base_url}/v1/tts/", {**body, **more, **timed}, name))


def checked_speed(value: object) -> float:
    """What a field for a speed holds: its bounds are the browser's to keep. Raises BadRequest."""
    if not isinstance(value, int | float) or not SLOWEST <= value <= FASTEST:
        raise BadRequest(f"'speed' must be a number from {SLOWEST} to {FASTEST}.", param="speed")
    return float(value)


def _described(listed: ListedVoice) -> str:
    voice = listed.voice
    return f"{voice.name} ({voice.id}), {NAMES[voice.language.split('-')[0]]}, {voice.gender}"


async def build(view: View) -> None:
    models = {AUTO: "Automatic"} | await model_choice(view.services, Capability.TTS)
    await SpeakPage(view, models).start()


PAGE = Page("speak", "Speak", "record_voice_over", build)
