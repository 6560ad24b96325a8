"""The console's pages in a real browser, on a real server: what a visitor does there, and what comes of it."""

import re
from pathlib import Path

import numpy as np
import pytest
import soundfile
from playwright.sync_api import Page, expect
from tests.api.recordings import SONG, encoded
from tests.console.browser import WAIT, check
from tests.console.conftest import TEXT, Open
from tests.listening import HEARING_RATE, wer
from tests.live import Live
from tests.speaker import Speaker

expect.set_options(timeout=WAIT)

PAGES = (
    "speak", "listen", "voices", "tools", "translate", "talk", "jobs", "usage", "keys", "models", "accounts",
)  # fmt: skip


def choose(page: Page, label: str, option: str) -> None:
    """Choose an option of a field in which options are searched."""
    page.get_by_label(label, exact=True).click()
    page.get_by_label(label, exact=True).fill(option)
    page.get_by_role("option", name=option, exact=True).click()


def played(page: Page, label: str) -> None:
    """Wait until a player has its sound, and knows how long it is."""
    audio = page.get_by_label(label, exact=True)
    audio.wait_for()
    page.wait_for_function("audio => audio.readyState > 0 && !audio.error", arg=audio.element_handle())


def painted(page: Page, label: str) -> None:
    """Wait until something is drawn there."""
    script = "canvas => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some(Boolean)"
    page.wait_for_function(script, arg=page.get_by_label(label).element_handle())


def give(page: Page, name: str, kind: str, content: bytes) -> None:
    """Choose a file as the recording; what the page says of it must be its name as text."""
    page.get_by_role("button", name="Recording", exact=True).set_input_files(
        {"name": name, "mimeType": kind, "buffer": content}
    )
    page.get_by_text(re.compile(rf"{re.escape(name)}, .+ kB")).wait_for()


def record(page: Page, seconds: float) -> None:
    page.get_by_role("button", name="Record", exact=True).click()
    page.get_by_role("button", name="Stop", exact=True).wait_for()
    page.wait_for_timeout(seconds * 1000)
    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_text(re.compile(r"recording\.\w+, \d+ kB")).wait_for()


def test_a_text_is_spoken_paid_for_and_shown_word_by_word(open_page: Open) -> None:
    page = open_page("speak")
    page.get_by_text("1,000 credits").wait_for()
    choose(page, "Model", "tone")
    page.get_by_label("Text").fill("One <b>two</b> three")
    page.get_by_role("checkbox", name="Show when each word is said").click()
    page.get_by_role("button", name="Speak", exact=True).click()
    played(page, "Speech")
    expect(page.get_by_label("Words").locator("span")).to_have_text(["One", "two", "three"])
    page.get_by_text("999 credits").wait_for()
    painted(page, "Speech: waveform")
    with page.expect_download() as downloading:
        page.get_by_role("link", name="Download").click()
    assert downloading.value.suggested_filename == "speech.mp3"


def test_what_is_recorded_is_written_down(open_page: Open) -> None:
    page = open_page("listen")
    record(page, 7)
    page.get_by_role("button", name="Listen", exact=True).click()
    words = page.get_by_label("Words").locator("span")
    expect(words.nth(5)).to_be_visible()
    heard = " ".join(words.all_inner_texts())
    assert wer(TEXT, heard) < 0.7, heard  # where it begins in the sound, the browser decides
    with page.expect_download() as downloading:
        page.get_by_role("link", name="Subtitles (SRT)").click()
    assert " --> " in Path(downloading.value.path()).read_text()


def test_who_speaks_when_is_shown_and_played(
    open_page: Open, speaker: Speaker, speakers_weights: Path, axe: str
) -> None:
    page = open_page("listen")
    answer = "Nobody knew exactly how the fire in the old barn by the river had started."
    one, other = speaker.say("af_bella", TEXT), speaker.say("bm_george", answer)
    both = np.concatenate([one, np.zeros((HEARING_RATE // 2, 1), np.float32), other])
    give(page, "two.flac", "audio/flac", encoded(both, HEARING_RATE))
    page.get_by_role("checkbox", name="Identify speakers").click()
    page.get_by_role("button", name="Listen", exact=True).click()
    timeline = page.get_by_role("region", name="Who speaks when")
    expect(timeline.locator("b")).to_have_text(["SPEAKER_00", "SPEAKER_01"])
    expect(page.get_by_label("Words").locator("b")).to_have_text(["SPEAKER_00", "SPEAKER_01"])
    last = timeline.locator("span").last
    last.click()
    start = float((last.get_attribute("title") or "").split()[0])
    audio = page.get_by_label("Recording", exact=True).and_(page.locator("audio")).element_handle()
    page.wait_for_function("([audio, start]) => audio.currentTime > start", arg=[audio, start])
    check(page, axe)


def test_a_voice_is_made_of_a_recording_only_with_consent_and_its_name_is_text(open_page: Open) -> None:
    page = open_page("voices")
    name = "<img src=x onerror=alert(1)>"
    choose(page, "Model", "tone")
    page.get_by_label("Name").first.fill(name)
    record(page, 5)
    page.get_by_role("button", name="Make the voice").click()
    page.get_by_text("only with the speaker's consent").wait_for()
    page.get_by_role("checkbox", name=re.compile("^I am the speaker")).click()
    page.get_by_role("button", name="Make the voice").click()
    page.get_by_text("The voice is saved.").wait_for()
    speak = open_page("speak")
    choose(speak, "Model", "tone")
    speak.get_by_label("Voice", exact=True).click()
    speak.get_by_role("option", name=re.compile(re.escape(name))).wait_for()
    page.get_by_role("button", name="Delete").click()
    page.get_by_text("There is none yet.").wait_for()


def test_a_song_is_taken_apart(open_page: Open) -> None:
    page = open_page("tools")
    give(page, "<i>song</i>.flac", "audio/flac", encoded(SONG))
    page.get_by_role("tab", name="Separate").click()
    page.get_by_role("button", name="Separate", exact=True).click()
    played(page, "vocals")
    played(page, "instrumental")
    painted(page, "Before: spectrogram")
    page.get_by_role("button", name="Play all together").click()
    page.wait_for_function("[...document.querySelectorAll('audio')].filter(audio => audio.currentTime > 0).length > 1")


def test_a_song_is_converted_analysed_and_freed_of_its_echo(open_page: Open) -> None:
    page = open_page("tools")
    give(page, "song.flac", "audio/flac", encoded(SONG))
    for tab, name, kind in (("Convert", "Convert", "mp3"), ("Echo", "Remove echo", "wav")):
        page.get_by_role("tab", name=tab).click()
        page.get_by_role("button", name=name, exact=True).click()
        played(page, "After")
        painted(page, "After: spectrogram")
        with page.expect_download() as downloading:
            page.get_by_role("link", name="Download").last.click()
        assert downloading.value.suggested_filename.endswith(f".{kind}")
        page.get_by_role("tab", name="Analyse").click()
        page.get_by_role("button", name="Find key and tempo").click()
        expect(page.get_by_role("definition").filter(has_text="too short").first).to_be_visible()
        expect(page.get_by_label("After", exact=True)).to_have_count(0)


@pytest.mark.usefixtures("denoiser_weights")
def test_a_recording_is_freed_of_its_noise(open_page: Open, speech: Path) -> None:
    said = soundfile.read(speech, dtype="float32")[0]
    quiet = np.concatenate([said, np.zeros(HEARING_RATE, np.float32)])
    noise = np.random.default_rng(0).standard_normal(len(quiet), np.float32)
    noisy = (quiet + 0.02 * noise).astype(np.float32)
    page = open_page("tools")
    give(page, "noisy.flac", "audio/flac", encoded(noisy[:, None], HEARING_RATE))
    page.get_by_role("checkbox", name="Make speech clearer").click()  # it would make all of it louder
    page.get_by_role("button", name="Enhance", exact=True).click()
    for when in ("Before", "After"):
        played(page, when)
        painted(page, f"{when}: spectrogram")
    page.get_by_text("998 credits").wait_for()
    with page.expect_download() as downloading:
        page.get_by_role("link", name="Download").last.click()
    after, rate = soundfile.read(downloading.value.path())
    assert len(after) / rate == pytest.approx(len(noisy) / HEARING_RATE, abs=0.1)
    assert np.std(after[-rate // 2 :]) < np.std(noisy[-HEARING_RATE // 2 :]) / 3


def test_a_recording_is_said_in_another_language(open_page: Open, speech: Path, translator_weights: Path) -> None:
    page = open_page("translate")
    give(page, "speech.wav", "audio/wav", speech.read_bytes())
    choose(page, "To", "Portuguese")
    page.get_by_role("button", name="Translate", exact=True).click()
    played(page, "Translation")
    expect(page.get_by_text(re.compile("rain.+garden", re.IGNORECASE))).to_be_visible()
    expect(page.get_by_role("status").filter(has_text=re.compile("chuva.+jardim", re.IGNORECASE))).to_be_visible()
    painted(page, "Translation: waveform")
    page.get_by_text("995 credits").wait_for()
    with page.expect_download() as downloading:
        page.get_by_role("link", name="Subtitles of the translation (SRT)").click()
    assert " --> " in Path(downloading.value.path()).read_text()


def test_a_conversation_is_heard_and_answered(open_page: Open) -> None:
    page = open_page("talk")
    choose(page, "Voice", "A (tone_a)")
    page.get_by_role("button", name="Talk").click()
    expect(page.get_by_label("Conversation")).to_contain_text(re.compile("Server.*You said", re.DOTALL))
    page.get_by_role("button", name="Stop").click()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_can_be_used_by_everyone(name: str, open_page: Open, server: Live, axe: str) -> None:
    check(open_page(name, server.new_key("crowd", admin=True)[1]), axe)
