"""OpenAI's client for Node, unmodified: one run of a script, and what it has seen."""

from pathlib import Path
from typing import Any

import pytest
from tests.clients.conftest import TEXT
from tests.listening import wer
from tests.live import Live
from tests.node import seen_by
from tests.npm import npm_package

pytestmark = pytest.mark.service

SCRIPT = Path(__file__).with_name("openai_client.mjs")


@pytest.fixture(scope="module")
def seen(real: Live, clip: bytes, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the script has printed."""
    sound = tmp_path_factory.mktemp("node") / "clip.wav"
    sound.write_bytes(clip)
    return seen_by(SCRIPT, npm_package("openai", "6.49.0"), f"{real.url}/v1", real.key, str(sound))


def test_it_speaks_whole_and_streamed(seen: dict[str, Any]) -> None:
    assert seen["bytes"] > 48_000
    assert seen["same"]
    assert seen["object"] == 200


def test_it_transcribes_and_translates(seen: dict[str, Any]) -> None:
    assert wer(TEXT, seen["plain"]) <= 0.12
    assert wer(TEXT, seen["translation"]) <= 0.3
    assert (seen["language"], seen["words"] >= 7) == ("english", True)
    assert " --> " in seen["srt"]
    assert (seen["last"]["type"], seen["last"]["text"]) == ("transcript.text.done", seen["plain"])


def test_it_lists_and_retrieves_models(seen: dict[str, Any]) -> None:
    assert {"tts-1", "whisper-1", "kokoro"} <= set(seen["models"])
    assert seen["retrieved"] == "tts-1"


@pytest.mark.parametrize(
    ("what", "kind", "status"),
    [
        ("voice", "BadRequestError", 400),
        ("input", "BadRequestError", 400),
        ("key", "AuthenticationError", 401),
        ("model", "NotFoundError", 404),
        ("missing", "InternalServerError", 503),
    ],
)
def test_what_is_wrong_raises_its_own_errors(seen: dict[str, Any], what: str, kind: str, status: int) -> None:
    assert (seen[what]["kind"], seen[what]["status"]) == (kind, status)
    assert seen[what]["param"] in (what, None, "model")
