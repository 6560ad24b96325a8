"""Elements for sound: one that takes it from the visitor, one that plays it and shows what it looks like."""

import asyncio
import json
from collections.abc import Iterable
from typing import Any

from nicegui import ui
from nicegui.events import GenericEventArguments

from ttsai_server.console.files import KeptFile
from ttsai_server.console.pictures import COLUMNS, ROWS, picture
from ttsai_server.console.view import View
from ttsai_server.domain import Caller
from ttsai_server.errors import BadRequest

DRAWN_RATE = 16_000
"""Hertz, of what is drawn: up to 8 kHz, where nearly all of speech and most of music is."""


def run(function: str, *arguments: object) -> None:
    """Call a function of console.js in the browser."""
    ui.run_javascript(f"ttsai.{function}({', '.join(json.dumps(argument) for argument in arguments)})")


class SoundInput:
    """Takes a file, or what the visitor records."""

    def __init__(self, view: View, label: str) -> None:
        self._view = view
        self.file: KeptFile | None = None
        """What was given last; None: nothing yet."""
        with ui.element("div").classes("given") as place:
            with ui.element("label"):
                ui.label(label)
                ui.element("input").props('type="file" accept="audio/*,video/*"')
            with ui.element("button").props('type="button"') as record:
                ui.label("Record")
            ui.element("span").props('role="status"')
        # the page has these from the start; what the server calls comes later, when a file may have been chosen already
        place.on("change", js_handler="(event) => ttsai.take(event)")
        place.on("dragover", js_handler="(event) => event.preventDefault()")
        place.on("drop", js_handler="(event) => ttsai.take(event)")
        record.on("click", js_handler="(event) => ttsai.record(event)")
        place.on("kept", self._keep, args=["detail"])

    def given(self) -> KeptFile:
        """What was given. Raises BadRequest if nothing was."""
        if self.file is None:
            raise BadRequest("Choose a file first, or record one.", param="file")
        return self.file

    def _keep(self, event: GenericEventArguments) -> None:
        self.file = self._view.session.files.get(str(event.args["detail"]))


class Player:
    """Plays a file of the session, also one that is still being written."""

    def __init__(self, view: View, label: str, *, spectrogram: bool = False) -> None:
        self._view = view
        self._file: KeptFile | None = None
        with ui.column().classes("full-width") as self.place:
            self._wave = ui.element("canvas").classes("drawn")
            self._wave.props["role"], self._wave.props["aria-label"] = "img", f"{label}: waveform"
            self._spectrogram = ui.element("canvas").classes("drawn spectrogram") if spectrogram else None
            if self._spectrogram:
                self._spectrogram.props["role"], self._spectrogram.props["aria-label"] = "img", f"{label}: spectrogram"
            self.audio = ui.element("audio").props("controls")
            self.audio.props["aria-label"] = label
            self._save = ui.link("Download")
        self.place.visible = False

    def play(self, file: KeptFile) -> None:
        """Start to play it."""
        self._offer(file)
        run("play", self.audio.html_id, file.address)

    async def show(self, caller: Caller, file: KeptFile) -> None:
        """Show what the whole file looks like, and let it be played. Raises BadRequest if it is no sound."""
        if file is not self._file:
            self._offer(file)
            self.audio.props["src"] = file.address
            self.audio.update()
        settings = self._view.services.settings
        longest = max(settings.transcription.max_seconds, settings.tools.max_seconds)
        with file.path.open("rb") as stored:
            recording = await self._view.services.flow.context.sound.decode(
                caller, stored, longest, rate=DRAWN_RATE, channels=1
            )
        with recording:
            drawn = await asyncio.to_thread(picture, recording)
        run("drawWave", self._wave.html_id, self.audio.html_id, drawn.wave, drawn.seconds)
        if self._spectrogram:
            run("drawSpectrogram", self._spectrogram.html_id, drawn.spectrogram, COLUMNS, ROWS)

    def _offer(self, file: KeptFile) -> None:
        self._file = file
        self.place.visible = True
        self._save.props["href"] = f"{file.address}?save"
        self._save.update()


class Words:
    """Words that are marked as a player says them."""

    def __init__(self) -> None:
        self._place = ui.element("div").classes("words").props('role="region" aria-label="Words"')

    def show(self, player: Player, words: Iterable[dict[str, Any]]) -> None:
        """words: with `text`, `start` and `end` (seconds), `speaker` and `joined` (no space precedes it)."""
        run("followWords", self._place.html_id, player.audio.html_id, list(words))
