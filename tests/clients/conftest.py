"""A server with real voices and ears, for clients as people run them."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.chat_server import TestChatServer, chat_server
from tests.live import Live, live

from ttsai_server.settings import Chat, Models, Settings

TEXT = "The rain has stopped, and the birds are singing."


@pytest.fixture(scope="session")
def chat_model() -> Iterator[TestChatServer]:
    with chat_server() as running:
        yield running


@pytest.fixture(scope="session")
def real(
    tmp_path_factory: pytest.TempPathFactory, kokoro_weights: Path, base_weights: Path, chat_model: TestChatServer
) -> Iterator[Live]:
    """Kokoro and Whisper base under the names that clients know: tts-1, whisper-1; and the tests' chat model."""
    folder = tmp_path_factory.mktemp("models")
    for weights in (kokoro_weights, base_weights):
        (folder / weights.name).symlink_to(weights)
    chat = Chat(base_url=chat_model.url, model="small")
    settings = Settings(data_dir=tmp_path_factory.mktemp("data"), models=Models(dir=folder), chat=chat)
    with live(settings) as running:
        yield running


@pytest.fixture(scope="session")
def clip(real: Live) -> bytes:
    """TEXT as a WAV file."""
    body = {"model": "kokoro", "voice": "af_heart", "text": TEXT, "format": "wav"}
    answer = real.client().post("/v1/tts/", json=body)
    assert answer.status_code == httpx.codes.OK
    return answer.content
