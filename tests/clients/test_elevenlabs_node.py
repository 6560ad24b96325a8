"""ElevenLabs' client for Node, unmodified: one run of a script, and what it has seen."""

from pathlib import Path
from typing import Any

import pytest
from tests.live import Live
from tests.node import seen_by
from tests.npm import npm_package

pytestmark = pytest.mark.service

SCRIPT = Path(__file__).with_name("elevenlabs_client.mjs")
TEXT = "Hello there. And more."


@pytest.fixture(scope="module")
def seen(server: Live) -> dict[str, Any]:
    """What the script has printed."""
    folder = npm_package("@elevenlabs/elevenlabs-js", "2.73.0")
    return seen_by(SCRIPT, folder, f"{server.url}/elevenlabs", server.key)


def test_it_speaks_whole_and_streamed(seen: dict[str, Any]) -> None:
    assert seen["bytes"] > 16_000
    assert seen["same"]


def test_it_reads_when_each_character_is_said(seen: dict[str, Any]) -> None:
    assert seen["characters"] == seen["lines"] == TEXT


def test_it_lists_and_finds_voices_and_models(seen: dict[str, Any]) -> None:
    assert {"tone_a", "tone_c"} <= set(seen["voices"])
    assert (seen["found"], seen["voice"]) == (2, "premade")
    assert {"eleven_multilingual_v2", "tone"} <= set(seen["models"])


def test_what_is_wrong_raises_its_error(seen: dict[str, Any]) -> None:
    assert (seen["unknown"]["status"], seen["unknown"]["body"]["detail"]["status"]) == (404, "voice_not_found")
    assert (seen["key"]["status"], seen["key"]["body"]["detail"]["status"]) == (401, "invalid_api_key")
