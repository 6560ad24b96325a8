"""The demo chat model."""

from pathlib import Path

import pytest
from tests.engines.chatter import ChatterContract

from ttsai_server.engines.base import Chatter


class TestEchoChat(ChatterContract):
    model_id = "echo-chat"

    @pytest.fixture(scope="class")
    @classmethod
    def weights(cls, models_dir: Path) -> Path:
        return models_dir / cls.model_id

    def test_it_repeats_what_the_user_says(self, engine: Chatter) -> None:
        said = "".join(part.text for part in self.parts(engine, 24))
        assert said.split() == ["You", "said:", "Hello!", "Who", "are", "you?"]
