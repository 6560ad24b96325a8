"""Tools: what can be done to a recording, heard and seen before and after."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from nicegui import ui

from ttsai_server.console.files import KeptFile
from ttsai_server.console.pages.page import Page
from ttsai_server.console.sound import Player, SoundInput, run
from ttsai_server.console.view import View
from ttsai_server.console.work import Progress, carried_out
from ttsai_server.domain import Caller
from ttsai_server.services.flow import Order
from ttsai_server.services.tools import Analyze, Dereverb, Enhance, Separate, Transcode

FORMATS = ["wav", "mp3", "flac", "ogg", "m4a"]
STEMS = {2: "2: vocals and the rest", 4: "4: vocals, drums, bass and the rest", 5: "5: with piano", 6: "6: with guitar"}


@dataclass(eq=False, slots=True)
class ToolsPage:
    view: View
    source: SoundInput
    before: Player
    results: ui.column
    progress: Progress

    async def use(self, caller: Caller, order: Order[Any]) -> None:
        given = self.source.given()
        self.results.clear()
        await self.before.show(caller, given)
        _, files = await carried_out(self.view, caller, order, given, self.progress)
        with self.results:
            if isinstance(order, Analyze):
                _show_facts(files[0])
            elif isinstance(order, Separate):
                await self._mixer(caller, files)
            else:
                ui.label("After").classes("section").props('role="heading" aria-level="2"')
                await Player(self.view, "After", spectrogram=True).show(caller, files[0])

    async def _mixer(self, caller: Caller, files: Sequence[KeptFile]) -> None:
        """A player for each stem, and one button for all of them together."""
        ids: list[str] = []
        ui.button("Play all together", icon="play_arrow", on_click=lambda: run("playTogether", ids))
        for file in files:
            name = file.name.rpartition(".")[0]
            ui.label(name.capitalize()).classes("section").props('role="heading" aria-level="2"')
            player = Player(self.view, name, spectrogram=True)
            ids.append(player.audio.html_id)
            volume = ui.slider(min=0, max=100, value=100)
            volume.props["aria-label"] = f"Volume of {name}"
            volume.on_value_change(lambda event, id=ids[-1]: run("volume", id, (event.value or 0) / 100))
            await player.show(caller, file)

    def tool(self, name: str, order: Callable[[], Order[Any]]) -> None:
        """A button that does what `order` says."""
        button = ui.button(name)
        button.on_click(self.view.action(lambda caller: self.use(caller, order()), button))


def _show_facts(file: KeptFile) -> None:
    """What was found, and why something was not."""
    facts: dict[str, Any] = json.loads(file.path.read_bytes())
    facts |= facts["reasons"] | {"compatible_keys": ", ".join(facts["compatible_keys"]) or None}
    with ui.element("dl"):
        for name, value in facts.items():
            if isinstance(value, str | int | float):
                with ui.element("dt"):
                    ui.label(name.replace("_", " ").capitalize()).classes("text-weight-bold")
                with ui.element("dd"):
                    ui.label(str(value))


async def build(view: View) -> None:
    source = SoundInput(view, "Recording")
    with ui.tabs().classes("full-width") as tabs:
        for name in ("Enhance", "Echo", "Separate", "Convert", "Analyse"):
            ui.tab(name)
    with ui.tab_panels(tabs, value="Enhance").classes("full-width") as panels:
        pass
    before_title = ui.label("Before").classes("section").props('role="heading" aria-level="2"')
    before = Player(view, "Before", spectrogram=True)
    before_title.bind_visibility_from(before.place)
    page = ToolsPage(view, source, before, ui.column().classes("full-width"), Progress("Working"))
    with panels:
        for name, fields in {
            "Enhance": _enhance,
            "Echo": _dereverb,
            "Separate": _separate,
            "Convert": _convert,
            "Analyse": _analyse,
        }.items():
            with ui.tab_panel(name), ui.element("div").classes("fields"):
                fields(page)


def _enhance(page: ToolsPage) -> None:
    noise = ui.checkbox("Remove noise", value=True)
    clarity = ui.checkbox("Make speech clearer", value=True)
    treble = ui.checkbox("Restore treble")
    strength = ui.select({1: "Light", 2: "Medium", 3: "Strong"}, label="Strength", value=2)
    form = ui.select(FORMATS, label="Format", value="wav")
    page.tool(
        "Enhance",
        lambda: Enhance(bool(noise.value), bool(clarity.value), bool(treble.value), strength.value or 2, form.value),
    )


def _dereverb(page: ToolsPage) -> None:
    echo = ui.checkbox("Remove distinct echoes", value=True)
    reverb = ui.checkbox("Remove reverberation", value=True)
    intensity = ui.select([1, 2, 3, 4, 5], label="Intensity", value=3)
    form = ui.select(FORMATS, label="Format", value="wav")
    page.tool("Remove echo", lambda: Dereverb(bool(echo.value), bool(reverb.value), intensity.value or 3, form.value))


def _separate(page: ToolsPage) -> None:
    stems = ui.select(STEMS, label="Stems", value=2)
    form = ui.select(["wav", "mp3", "flac"], label="Format", value="wav")
    page.tool("Separate", lambda: Separate(None, stems.value or 2, form.value))


def _convert(page: ToolsPage) -> None:
    form = ui.select(FORMATS, label="Format", value="mp3")
    rate = ui.select(
        {0: "As it is", 22050: "22,050", 44100: "44,100", 48000: "48,000"}, label="Sample rate, Hz", value=0
    )
    channels = ui.select({0: "As they are", 1: "Mono", 2: "Stereo"}, label="Channels", value=0)
    page.tool("Convert", lambda: Transcode(form.value, sample_rate=rate.value or None, channels=channels.value or None))


def _analyse(page: ToolsPage) -> None:
    page.tool("Find key and tempo", Analyze)


PAGE = Page("tools", "Tools", "tune", build)
