"""Talk: a conversation by voice, over the realtime API, which the browser speaks itself."""

from functools import partial

from anyio import to_thread
from nicegui import ui

from ttsai_server.console.pages.page import Page
from ttsai_server.console.sound import run
from ttsai_server.console.view import View
from ttsai_server.domain import Caller

SECRET_SECONDS = 60
"""How long the browser has to connect."""


async def build(view: View) -> None:
    services = view.services
    listed = [each.voice for each in await services.voices.listed(await view.caller())]
    listed.sort(key=lambda voice: voice.model != services.settings.speech.default_model)
    voices = {voice.id: f"{voice.name} ({voice.id})" for voice in listed}
    ui.label(
        "Press Talk and speak. The answer begins when you pause; speak again to interrupt it. "
        "A headset keeps the answer out of the microphone."
    )
    voice = ui.select(voices, label="Voice", value=next(iter(voices), None), with_input=True).classes("full-width")
    with ui.row():
        button = ui.button("Talk", icon="mic")
        ui.button("Stop", icon="mic_off").props("outline").on("click", js_handler="() => ttsai.hangUp()")
    status = ui.element("div").props('role="status"')
    said = ui.element("div").classes("words").props('role="log" aria-label="Conversation"')

    async def talk(caller: Caller) -> None:
        session = {
            "type": "realtime",
            "audio": {"input": {"transcription": {}}, "output": {"voice": voice.value} if voice.value else {}},
        }
        secret, _ = await to_thread.run_sync(partial(services.client_secrets.create, caller, session, SECRET_SECONDS))
        run("talk", status.html_id, said.html_id, secret)

    button.on_click(view.action(talk, button))


PAGE = Page("talk", "Talk", "forum", build)
