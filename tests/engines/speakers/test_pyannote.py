"""sherpa-onnx's diarization on real speech, with real loading and inference; its weights are tiny (tiny_pyannote)."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from tests.diarization import error_rate
from tests.engines.conftest import Dialogue
from tests.engines.diarizer import DiarizerContract
from tests.engines.graphs import ends, resized
from tests.engines.speakers.tiny_pyannote import EMBEDDING, PUBLISHED, SEGMENTATION, SIZE, write_tiny_pyannote

from ttsai_server.domain import DiarizationRequest, ModelCard, Turn
from ttsai_server.engines.base import Cancellation, LoadContext
from ttsai_server.engines.speakers.pyannote import METADATA, Part, Pyannote, _linked
from ttsai_server.errors import EngineFailed, WeightsMissing

pytest.importorskip("sherpa_onnx")


class TestPyannote(DiarizerContract):
    model_id = "speakers-pyannote"

    @pytest.fixture(scope="class")
    @classmethod
    def weights(cls, tmp_path_factory: pytest.TempPathFactory) -> Path:
        folder = tmp_path_factory.mktemp("pyannote")
        write_tiny_pyannote(folder)
        return folder

    def test_speech_is_found_where_it_is(self, engine: Pyannote, monologue: Dialogue) -> None:
        *_, last = engine.diarize(monologue.recording, DiarizationRequest(speakers=1), Cancellation())
        assert error_rate(monologue.turns, last.turns, 0.25) <= 0.1

    def test_a_given_count_is_kept(self, engine: Pyannote, dialogue: Dialogue) -> None:
        *_, last = engine.diarize(dialogue.recording, DiarizationRequest(speakers=1), Cancellation())
        assert {turn.speaker for turn in last.turns} == {0}

    def test_a_recording_of_parts_is_covered_to_its_end(
        self, engine: Pyannote, dialogue: Dialogue, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("ttsai_server.engines.speakers.pyannote.PART_SECONDS", 12)
        *steps, last = engine.diarize(dialogue.recording, DiarizationRequest(speakers=1), Cancellation())
        assert len(steps) == -(-dialogue.recording.seconds // 12)
        assert last.turns[-1].end == pytest.approx(dialogue.turns[-1].end, abs=0.5)
        assert {turn.speaker for turn in last.turns} == {0}

    def test_without_its_files_it_does_not_load(self, card: ModelCard, tmp_path: Path) -> None:
        with pytest.raises(WeightsMissing):
            Pyannote.load(card, LoadContext(tmp_path))

    @pytest.mark.parametrize(("file", "key"), [(file, key) for file, keys in METADATA.items() for key in keys])
    def test_a_file_without_its_metadata_is_refused(self, card: ModelCard, tmp_path: Path, file: str, key: str) -> None:
        given: dict[str, Mapping[str, str]] = {"segmentation.onnx": SEGMENTATION, "embedding.onnx": EMBEDDING}
        given[file] = {name: value for name, value in given[file].items() if name != key}
        write_tiny_pyannote(tmp_path, *given.values())
        with pytest.raises(EngineFailed, match=key):
            Pyannote.load(card, LoadContext(tmp_path))

    def test_a_file_that_is_no_model_is_refused(self, card: ModelCard, tmp_path: Path) -> None:
        write_tiny_pyannote(tmp_path)
        (tmp_path / "embedding.onnx").write_bytes(b"not a model")
        with pytest.raises(EngineFailed):
            Pyannote.load(card, LoadContext(tmp_path))


def part(start: float, *voices: tuple[float, float]) -> Part:
    """A turn of a second for each voice."""
    turns = [Turn(start + i, start + i + 1, i) for i in range(len(voices))]
    return Part(turns, {i: np.array(voice, np.float32) for i, voice in enumerate(voices)})


def test_the_tiny_graphs_take_and_give_what_the_published_ones_do(tmp_path: Path) -> None:
    write_tiny_pyannote(tmp_path)
    assert {name: ends(tmp_path / name) for name in PUBLISHED} == {
        name: resized(published, {512: SIZE}) for name, published in PUBLISHED.items()
    }


def test_one_voice_in_two_parts_is_one_speaker() -> None:
    anna, bert = (1.0, 0.0), (0.0, 1.0)
    turns = _linked([part(0, anna, bert), part(600, bert, anna)], DiarizationRequest(), 0.5)
    first, second, third, fourth = (turn.speaker for turn in turns)
    assert (first, second) == (fourth, third)
    assert first != second
