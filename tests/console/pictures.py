"""The pictures of docs/console.md, every page in light and dark: `python -m tests.console.pictures`."""

from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Page
from tests.console.browser import WAIT, browser, enter
from tests.live import Live, live

from ttsai_server.settings import Chat, Models, Settings

FOLDER = Path(__file__).parents[2] / "docs" / "console"
TEXT = "The rain has stopped, and the birds are singing. Everybody goes out into the garden."
QUALITY = 60
"""Of WebP, 0 to 100: letters are still sharp, and a picture has about 25 kB."""


def _speak(page: Page, sound: Path) -> None:
    page.get_by_label("Text").fill(TEXT)
    page.get_by_role("checkbox", name="Show when each word is said").click()
    page.get_by_role("button", name="Speak", exact=True).click()
    page.get_by_label("Words").locator("span").first.wait_for()


def _listen(page: Page, sound: Path) -> None:
    _give(page, sound)
    page.get_by_role("checkbox", name="Identify speakers").click()
    page.get_by_role("button", name="Listen", exact=True).click()
    page.get_by_role("link", name="JSON").wait_for()


def _tools(page: Page, sound: Path) -> None:
    _give(page, sound)
    page.get_by_role("button", name="Enhance", exact=True).click()
    page.get_by_label("After", exact=True).wait_for()


def _translate(page: Page, sound: Path) -> None:
    _give(page, sound)
    page.get_by_label("To", exact=True).fill("Portuguese")
    page.get_by_role("option", name="Portuguese", exact=True).click()
    page.get_by_role("button", name="Translate", exact=True).click()
    page.get_by_role("link", name="Subtitles of the translation (SRT)").wait_for()


def _give(page: Page, sound: Path) -> None:
    page.get_by_role("button", name="Recording", exact=True).set_input_files(sound)
    page.get_by_text(f"{sound.name}, ").wait_for()


def _nothing(page: Page, sound: Path) -> None:
    """What the page has is there from the start."""


PAGES: dict[str, Callable[[Page, Path], None]] = {
    "speak": _speak,
    "listen": _listen,
    "voices": _nothing,
    "tools": _tools,
    "translate": _translate,
    "talk": _nothing,
    "jobs": _nothing,
    "usage": _nothing,
    "keys": _nothing,
    "models": _nothing,
    "accounts": _nothing,
}
"""Name of the page → what is done there first, with a recording."""


def _used(server: Live, key: str) -> bytes:
    """Use the server, so that its pages have something to show. → a recording, WAV."""
    client = server.client(key)
    body = {"model": "kokoro", "voice": "af_bella", "text": TEXT}
    client.post("/v1/tts/", json={**body, "async": True}).raise_for_status()
    client.post("/v1/tts/", json={"model": "tone", "voice": "tone_a", "text": TEXT, "async": True}).raise_for_status()
    return client.post("/v1/tts/", json={**body, "format": "wav"}).raise_for_status().content


def _take(page: Page, name: str) -> None:
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_function("dark => document.body.classList.contains('body--dark') === dark", arg=scheme == "dark")
        taken = page.context.new_cdp_session(page).send(
            "Page.captureScreenshot", {"format": "webp", "quality": QUALITY}
        )
        (FOLDER / f"{name}-{scheme}.webp").write_bytes(b64decode(taken["data"]))


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with TemporaryDirectory() as folder:
        settings = Settings(
            data_dir=Path(folder), models=Models(dir=Settings().models.dir, demo=True), chat=Chat(model="echo-chat")
        )
        with live(settings, jobs=True) as server:
            _, key = server.new_key(admin=True, label="Laptop")
            sound = Path(folder) / "speech.wav"
            sound.write_bytes(_used(server, key))
            with browser(sound) as chromium:
                context = chromium.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
                context.set_default_timeout(WAIT)
                for name, prepare in PAGES.items():
                    page = context.new_page()
                    enter(page, server.url, name, key)
                    prepare(page, sound)
                    _take(page, name)


if __name__ == "__main__":
    main()
