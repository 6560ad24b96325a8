"""MeloTTS, with a tiny random graph of the same inputs: no registry has the real one."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.engines.synthesizer import SynthesizerContract
from tests.engines.tiny_melotts import write_tiny_melotts
from tests.weights import card_of

from ttsai_server.domain import ModelCard, Voice
from ttsai_server.engines.base import LoadContext
from ttsai_server.engines.melotts import LEXICON, MODEL, TOKENS, MeloTTS
from ttsai_server.errors import BadRequest, EngineFailed, WeightsMissing


class TestMeloTTS(SynthesizerContract):
    model_id = "melotts"
    short = "雨停了。"
    long = "你好，雨停了，天气好。我可以为你读故事、新闻，你写的文字。"

    @pytest.fixture(scope="class")
    @classmethod
    def weights(cls, tmp_path_factory: pytest.TempPathFactory) -> Path:
        folder = tmp_path_factory.mktemp("melotts")
        write_tiny_melotts(folder)
        return folder

    @pytest.fixture(scope="class")
    @classmethod
    def slow_engine(cls, card: ModelCard, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MeloTTS]:
        folder = tmp_path_factory.mktemp("slow")
        write_tiny_melotts(folder, layers=600)
        engine = MeloTTS.load(card, LoadContext(folder))
        yield engine
        engine.close()

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("你好天气", ["你好", "天", "气"]),
            ("你 Rain!", ["你", "_", "rain", "!"]),
            ("rainy，好", ["r", "a", "i", "n", "y", ",", "好"]),
            ("好“12”", ["好", "'", "十", "二", "'"]),
        ],
    )
    def test_a_text_is_cut_into_the_longest_entries_of_the_lexicon(
        self, engine: MeloTTS, text: str, words: list[str]
    ) -> None:
        assert list(engine._words(text.lower(), "zh")) == words

    @pytest.mark.parametrize("text", ["Привет", "…", "你é", "龘"])
    def test_what_it_has_no_sounds_for_is_refused(self, engine: MeloTTS, voice: Voice, text: str) -> None:
        with pytest.raises(BadRequest):
            self.said(engine, voice, text)

    @pytest.mark.parametrize(("file", "content"), [(LEXICON, "你 n 1 2"), (LEXICON, "rain r 7"), (TOKENS, "a b")])
    def test_other_files_are_refused(
        self, card: ModelCard, weights: Path, tmp_path: Path, file: str, content: str
    ) -> None:
        for name in (MODEL, LEXICON, TOKENS):
            (tmp_path / name).write_bytes((weights / name).read_bytes())
        (tmp_path / file).write_text(content, "utf-8")
        with pytest.raises(EngineFailed):
            MeloTTS.load(card, LoadContext(tmp_path))


def test_without_weights_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing):
        MeloTTS.load(card_of("melotts"), LoadContext(tmp_path))
