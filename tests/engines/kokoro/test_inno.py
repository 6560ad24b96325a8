"""kokoro-inno with its real loading, on random weights of the published names and shapes; Kokoro's own are real.

inno_reference.json has what the package inno-kokoro 0.2.0 makes of these, so that it need not be installed.
"""

import json
from collections.abc import Generator
from pathlib import Path

import numpy as np
import pytest
import soxr
from tests.engines.kokoro.random_inno import write_random_inno
from tests.engines.voice_encoder import VoiceEncoderContract, recorded, syllables

from ttsai_server.domain import ModelCard, Reference, SpeechRequest
from ttsai_server.engines.base import Cancellation, LoadContext
from ttsai_server.engines.cards import read_card
from ttsai_server.engines.kokoro.inno.adapter import CHECKPOINT, GRAPH, KokoroInno
from ttsai_server.engines.kokoro.inno.checkpoint import shapes
from ttsai_server.engines.kokoro.inno.spectrum import MEL_RATE, TILT_RATE, mel, tilt
from ttsai_server.engines.kokoro.prosody import Prosody
from ttsai_server.engines.kokoro.styles import TABLE
from ttsai_server.engines.shared.onnx import Session
from ttsai_server.errors import BadRequest, EngineFailed, WeightsMissing
from ttsai_server.settings import Settings

REFERENCE: dict[str, list[float]] = json.loads((Path(__file__).parent / "inno_reference.json").read_text())
SOUND = np.random.default_rng(0).normal(0, 0.02, 3 * TILT_RATE) + syllables(130, 3, TILT_RATE)[:, 0]
"""The noise fills the bands that the voice leaves empty: their logarithm would be of rounding errors."""


def at(rate: int) -> np.ndarray:
    return soxr.resample(SOUND, TILT_RATE, rate).astype(np.float32)


CARD = read_card(Settings().models.cards / "kokoro-inno.toml")


@pytest.fixture(scope="module")
def inno_weights(kokoro_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    models = tmp_path_factory.mktemp("models")
    (models / "kokoro").symlink_to(kokoro_weights)
    weights = models / CARD.id
    weights.mkdir()
    heart = np.fromfile(kokoro_weights / "voices" / "af_heart.bin", "<f4").reshape(-1, 256)
    write_random_inno(weights / CHECKPOINT, heart.mean(axis=0))
    KokoroInno.prepare(CARD, weights)
    return weights


class TestKokoroInno(VoiceEncoderContract):
    model_id = "kokoro-inno"
    seconds = 5

    @pytest.fixture(scope="class")
    @classmethod
    def weights(cls, inno_weights: Path) -> Path:
        return inno_weights

    @pytest.fixture(scope="class")
    @classmethod
    def higher(cls, engine: KokoroInno, card: ModelCard) -> Reference:
        """The voice of a speaker of 240 Hz."""
        with recorded(syllables(240, 4, card.rate), card.rate) as recording:
            (made,) = engine.embed(recording, Cancellation())
        assert made.reference
        return made.reference

    def test_the_voice_of_a_higher_speaker_is_higher(
        self, engine: KokoroInno, card: ModelCard, reference: Reference, higher: Reference
    ) -> None:
        def pitch(voice: Reference) -> float:
            request = SpeechRequest("The rain has stopped, and the children are playing.", (voice,), "en-us")
            sound = np.concatenate([audio.samples for audio in engine.synthesize(request, Cancellation())])
            assert 0.05 < np.max(np.abs(sound)) <= 1
            heard = Prosody.heard(sound[:, 0], card.rate)
            assert heard
            return heard.pitch

        assert pitch(higher) > pitch(reference) + 0.1

    def test_another_speaker_has_another_timbre(self, reference: Reference, higher: Reference) -> None:
        one, another = (voice.arrays[TABLE][0, :128].astype(float) for voice in (reference, higher))
        assert np.max(np.abs(one - another)) > 1e-3

    def test_no_voice_is_made_of_silence(self, engine: KokoroInno, card: ModelCard) -> None:
        silence = np.zeros((4 * card.rate, 1), np.float32)
        with recorded(silence, card.rate) as recording, pytest.raises(BadRequest, match="no voice"):
            list(engine.embed(recording, Cancellation()))


@pytest.fixture(scope="module")
def session(inno_weights: Path) -> Generator[Session]:
    opened = Session(inno_weights / GRAPH, 1)
    yield opened
    opened.close()


def test_the_timbre_is_the_authors(session: Session) -> None:
    inputs = {"mel": mel(at(MEL_RATE)), "tilt": np.array([tilt(at(TILT_RATE))], np.float32)}
    made = session.run(inputs, Cancellation())["timbre"][0]
    np.testing.assert_allclose(made[::8], REFERENCE["timbre"], atol=5e-4)


def test_the_tilt_is_the_authors() -> None:
    assert tilt(at(TILT_RATE)) == pytest.approx(REFERENCE["tilt"][0], abs=1e-3)


def test_the_reference_is_what_the_package_makes(inno_weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
    enroll = pytest.importorskip("inno_kokoro.enroll")
    import torch  # pyright: ignore[reportMissingImports]
    from inno_kokoro.prosody import tilt as theirs  # pyright: ignore[reportMissingImports]

    tuner = enroll.Tuner(str(inno_weights / CHECKPOINT))
    found = {name: tuple(tensor.shape) for name, tensor in tuner.encoder.state_dict().items()}
    assert {f"enc.{name}": shape for name, shape in found.items() if shape} == {
        name: shape for name, shape in shapes().items() if name.startswith("enc.")
    }
    slope = theirs(torch.from_numpy(at(TILT_RATE)), TILT_RATE)
    mean, spread = tuner.tilt_norm
    with torch.inference_mode():
        embedding = tuner.encoder(torch.from_numpy(at(MEL_RATE))[None])
        style = tuner.style(embedding)[0] + tuner.tilt_dir * (slope - mean) / spread
    made = {"timbre": style[:128:8].tolist(), "tilt": [slope]}
    for name, values in made.items():
        np.testing.assert_allclose(values, REFERENCE[name], atol=1e-4)


def test_without_its_weights_it_is_not_loaded(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing, match="pull kokoro-inno"):
        KokoroInno.load(CARD, LoadContext(tmp_path))


def test_without_kokoros_weights_it_is_not_loaded(inno_weights: Path, tmp_path: Path) -> None:
    (tmp_path / CARD.id).symlink_to(inno_weights)
    with pytest.raises(WeightsMissing, match=r"pull kokoro$"):
        KokoroInno.load(CARD, LoadContext(tmp_path / CARD.id))


@pytest.mark.parametrize("content", [b"", b"\x02\0\0\0\0\0\0\0{}", b"\xff" * 100, b"\x02\0\0\0\0\0\0\0[]"])
def test_a_file_of_something_else_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / CHECKPOINT).write_bytes(content)
    with pytest.raises(EngineFailed, match="no checkpoint"):
        KokoroInno.prepare(CARD, tmp_path)
