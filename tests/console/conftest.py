"""A browser, and pages of it in which somebody is signed in."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import soundfile
from playwright.sync_api import Browser, Page
from tests.console.browser import WAIT, Watch, browser, enter
from tests.listening import HEARING_RATE
from tests.live import Live
from tests.npm import npm_package
from tests.speaker import Speaker

TEXT = "The rain has stopped, and the birds are singing. Everybody goes out into the garden."

Open = Callable[..., Page]
"""The name of a page, and the key that signs in, if it is not to be that of a new account → it, open."""


@pytest.fixture(scope="session")
def speech(speaker: Speaker, base_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A WAV file in which TEXT is said, for pages that listen with Whisper base."""
    file = tmp_path_factory.mktemp("speech") / "speech.wav"
    soundfile.write(file, speaker.say("af_bella", TEXT), HEARING_RATE)
    return file


@pytest.fixture(scope="module")
def chromium(speech: Path) -> Iterator[Browser]:
    """Not for the whole session: its driver has a running loop, beside which tests that are coroutines can't run."""
    with browser(speech) as running:
        yield running


@pytest.fixture(scope="session")
def axe() -> str:
    """The script of axe-core, which finds what keeps people from using a page."""
    return (npm_package("axe-core", "4.14.1") / "node_modules/axe-core/axe.min.js").read_text("utf-8")


@pytest.fixture
def open_page(server: Live, chromium: Browser) -> Iterator[Open]:
    """Opens pages of the console for a new account with 1,000 credits; fails if one makes an error or asks another
    host."""
    _, key = server.new_key("pro")
    context = chromium.new_context(permissions=["microphone"], accept_downloads=True, reduced_motion="reduce")
    context.set_default_timeout(WAIT)
    watches: list[Watch] = []

    def opened(name: str, key: str = key) -> Page:
        page = context.new_page()
        watches.append(Watch(page))
        enter(page, server.url, name, key)
        return page

    yield opened
    context.close()
    assert [problem for watch in watches for problem in watch.problems] == []
