"""Chat models by llama.cpp, with the real weights of the smallest one."""

from pathlib import Path

import psutil
import pytest
from tests.engines.chatter import CONVERSATION, ChatterContract

from ttsai_server.domain import ChatRequest, Message, ModelCard
from ttsai_server.engines.base import Cancellation, Chatter, LoadContext
from ttsai_server.engines.llama import MODEL, Llama
from ttsai_server.errors import BadRequest, EngineFailed, WeightsMissing


def open_ports() -> set[int]:
    """The TCP ports that this process listens on."""
    connections = psutil.Process().net_connections("inet")
    return {each.laddr.port for each in connections if each.status == psutil.CONN_LISTEN}


class TestLlama(ChatterContract):
    model_id = "smollm2-135m"

    @classmethod
    def place(cls, weights: Path) -> LoadContext:
        return LoadContext(weights, threads=1)  # llama.cpp's threads wait for each other without pause

    def test_it_opens_no_port(self, card: ModelCard, weights: Path) -> None:
        before = open_ports()  # of servers that other tests share
        engine = Llama.load(card, self.place(weights))
        assert next(engine.chat(ChatRequest(CONVERSATION, 2), Cancellation()))
        assert open_ports() <= before
        engine.close()

    def test_its_socket_cannot_be_reached(self, engine: Chatter) -> None:
        sockets = [each.laddr for each in psutil.Process().net_connections("unix") if str(each.laddr).endswith(".sock")]
        assert sockets
        assert not [path for path in sockets if Path(str(path)).exists()]

    def test_two_conversations_at_once_are_both_answered(self, card: ModelCard, weights: Path) -> None:
        engine = Llama.load(card, LoadContext(weights, threads=1, steps=2))
        both = [engine.chat(ChatRequest(CONVERSATION, 12), Cancellation()) for _ in range(2)]
        first = [next(answer).text for answer in both]
        rest = ["".join(part.text for part in answer) for answer in both]
        engine.close()
        assert all(first)
        assert all(rest)

    def test_a_conversation_longer_than_its_context_is_refused(self, engine: Chatter) -> None:
        with pytest.raises(BadRequest, match="too long"):
            list(engine.chat(ChatRequest((Message("user", "word " * 6000),), 8), Cancellation()))

    def test_weights_that_are_not_there_are_said_to_be_missing(self, card: ModelCard, tmp_path: Path) -> None:
        with pytest.raises(WeightsMissing):
            Llama.load(card, LoadContext(tmp_path))

    def test_a_file_that_is_no_model_is_a_fault_of_the_weights(self, card: ModelCard, tmp_path: Path) -> None:
        (tmp_path / MODEL).write_bytes(b"GGUF but nothing more")
        with pytest.raises(EngineFailed):
            Llama.load(card, LoadContext(tmp_path, threads=1))
