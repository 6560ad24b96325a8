"""Realtime sessions, with a chat model that says what the test tells it to, and a voice of tones."""

from collections.abc import Generator
from pathlib import Path

import pytest
from tests.chat_server import TestChatServer, chat_server
from tests.live import Live, live
from tests.realtime import kinds, output, talk

from ttsai_server.settings import Chat, Models, Settings

VOICE = {"output": {"voice": "tone_a"}}

pytestmark = pytest.mark.usefixtures("model")


@pytest.fixture(scope="module")
def chat_model() -> Generator[TestChatServer]:
    with chat_server() as running:
        yield running


@pytest.fixture
def model(chat_model: TestChatServer) -> TestChatServer:
    """The chat model, which has not been asked anything yet."""
    chat_model.answers = [("Hello. ", "How are ", "you?")]
    chat_model.refusal = None
    chat_model.requests.clear()
    return chat_model


@pytest.fixture(scope="module")
def talking(chat_model: TestChatServer, models_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Generator[Live]:
    """A server that asks the test's chat model."""
    chat = Chat(base_url=chat_model.url, model="small", context_tokens=560, max_tokens=100)
    models = Models(dir=models_dir, demo=True, options={"tone": {"fail_on": "this breaks the engine"}})
    with live(Settings(data_dir=tmp_path_factory.mktemp("talking"), models=models, chat=chat)) as running:
        yield running


async def test_a_text_is_answered_in_text(talking: Live) -> None:
    account, key = talking.new_key(credits=10)
    async with talk(talking, key) as session:
        await session.configure(output_modalities=["text"])
        await session.say("Hello!")
        events = await session.answer()
    assert kinds(events) == [
        "response.created",
        "rate_limits.updated",
        "response.output_item.added",
        "conversation.item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
    ]
    assert events[-1]["response"]["status"] == "completed"
    assert [part["text"] for item in output(events) for part in item["content"]] == ["Hello. How are you?"]
    assert talking.account(account).available == 7
