"""Every example of README.md and docs/ is run as it stands, against a real server."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import pytest
from tests.listening import Ear, wer
from tests.live import Live

from ttsai_server.settings import CHECKOUT, load_settings
from ttsai_server.store.keys import PUBLISHABLE

PAGES = [CHECKOUT / "README.md", *sorted((CHECKOUT / "docs").glob("*.md"))]
FENCE = re.compile(r"(<!-- not run: (?P<why>.+?) -->\n)?^```(?P<language>\w*)\n(?P<code>.*?)^```$", re.M | re.S)
PROGRAMS = {"bash": ["bash", "-euo", "pipefail", "-c"], "python": [sys.executable, "-c"]}
CHECKED = {*PROGRAMS, "toml", "json"}
ORIGIN = "https://example.org"
SOUNDS = {".mp3", ".wav", ".flac", ".ogg", ".opus", ".aac"}


@dataclass(frozen=True)
class Example:
    place: str
    """As `docs/speech.md:12`."""
    language: str
    code: str
    why_not: str | None
    """Why it is not run."""


def examples() -> Iterator[Example]:
    for page in PAGES:
        text = page.read_text()
        for found in FENCE.finditer(text):
            line = text.count("\n", 0, found.start("code"))
            place = f"{page.relative_to(CHECKOUT)}:{line}"
            yield Example(place, found["language"], found["code"], found["why"])


def to_run(*languages: str) -> list[Example]:
    return [example for example in examples() if example.language in languages and not example.why_not]


def run(example: Example, server: Live, folder: Path) -> None:
    """As a reader would, in an empty folder; a curl that gets an error fails."""
    (folder / ".curlrc").write_text("fail-with-body\nsilent\nshow-error\n")
    here = {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "CURL_HOME": str(folder),
        "TTSAI_SERVER__DATA_DIR": str(server.settings.data_dir),
    }
    command = [*PROGRAMS[example.language], filled_in(example.code, server)]
    done = subprocess.run(command, cwd=folder, env={**os.environ, **here}, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


def filled_in(code: str, server: Live) -> str:
    """With the address and the keys of the test's server."""
    code = code.replace("http://localhost:8000", server.url).replace("sk-tts-…", server.key)
    code = code.replace("ws://localhost:8000", server.url.replace("http", "ws"))
    if "pk-tts-…" in code:
        code = code.replace("pk-tts-…", server.new_key(kind=PUBLISHABLE, origins=(ORIGIN,))[1])
    if "acct_…" in code:
        code = code.replace("acct_…", server.new_key()[0])
    return code


def seconds(file: Path) -> float:
    """Length of a sound file, by decoding it."""
    with av.open(str(file)) as container:
        return sum(frame.samples / frame.sample_rate for frame in container.decode(audio=0))


def by_place(example: Example) -> str:
    return example.place


@pytest.mark.usefixtures("weights_of_registries")
@pytest.mark.parametrize("example", to_run(*PROGRAMS), ids=by_place)
def test_the_example_works_and_every_sound_it_leaves_plays(example: Example, server: Live, tmp_path: Path) -> None:
    run(example, server, tmp_path)
    for sound in (file for file in tmp_path.iterdir() if file.suffix in SOUNDS):
        assert seconds(sound) > 0.5


@pytest.mark.parametrize("example", to_run("toml"), ids=by_place)
def test_the_settings_are_understood(example: Example, tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(example.code)
    assert load_settings(file) != load_settings()


@pytest.mark.parametrize("example", to_run("json"), ids=by_place)
def test_the_answer_shown_is_json(example: Example) -> None:
    assert json.loads(example.code)


def test_every_fence_is_checked_or_says_why_not() -> None:
    fences = sum(page.read_text().count("```") for page in PAGES)
    assert len(list(examples())) * 2 == fences
    assert [e.place for e in examples() if e.language not in CHECKED | {"text"} and not e.why_not] == []


def test_every_link_within_the_repository_leads_somewhere() -> None:
    links = [(page, link) for page in PAGES for link in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())]
    assert links
    assert [f"{page.name}: {link}" for page, link in links if not (page.parent / link).exists()] == []


@pytest.mark.usefixtures("weights_of_registries")
def test_the_first_example_says_its_words(server: Live, ear: Ear, tmp_path: Path) -> None:
    first = to_run("bash")[0]
    run(first, server, tmp_path)
    text = re.search(r'"text": "(.+?)"', first.code)
    assert text
    assert wer(text[1], ear.listen((tmp_path / "hello.mp3").read_bytes())) == 0
