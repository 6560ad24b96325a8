"""The network against the authors', as packaged in openvoice-cli 0.0.5: names, shapes and sound.

reference.json has what that package makes of the same tiny random weights, so that it need not be installed.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch  # pyright: ignore[reportMissingImports]
from tests.engines.openvoice.tiny_openvoice import BINS, PUBLISHED, SIZES, TINY, tiny_state
from tests.engines.torch_weights import normed_layers, shapes_of, with_weight_norm

from ttsai_server.engines.openvoice.network import REACH, Sizes, ToneColourConverter
from ttsai_server.engines.shared import hifigan
from ttsai_server.engines.shared.pytorch import fill

model_id = "openvoice"
REFERENCE: dict[str, list[float]] = json.loads((Path(__file__).parent / "reference.json").read_text())
FRAMES, CHANNELS = 40, 8


def normal(seed: int, *shape: int) -> Any:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape, np.float32))


SPECTROGRAM, TARGET, NOISE = normal(0, 1, BINS, FRAMES).abs(), normal(1, 1, CHANNELS, 1), normal(2, 1, CHANNELS, FRAMES)


def _noise(_: object) -> Any:
    return NOISE


@pytest.fixture(scope="module")
def network() -> ToneColourConverter:
    return fill(ToneColourConverter(Sizes.model_validate(TINY), BINS), tiny_state(), "")


def test_the_published_checkpoint_has_its_names_and_shapes() -> None:
    with torch.device("meta"):
        shapes = shapes_of(ToneColourConverter(Sizes.model_validate(SIZES), BINS))
    assert with_weight_norm(shapes, normed_layers(PUBLISHED)) == PUBLISHED


def test_a_voice_is_the_authors(network: ToneColourConverter) -> None:
    made = network.voice(SPECTROGRAM).flatten().numpy()
    np.testing.assert_allclose(made, REFERENCE["voice"], rtol=1e-4, atol=1e-6)


def test_the_sound_is_the_authors(network: ToneColourConverter) -> None:
    source = network.voice(SPECTROGRAM)
    sound = network.sound(network.convert(SPECTROGRAM, 0.3 * NOISE, source, TARGET)).flatten()
    np.testing.assert_allclose(sound[::400].numpy(), REFERENCE["sound"], atol=1e-4)


def test_the_reference_is_what_the_package_makes() -> None:
    models = pytest.importorskip("openvoice_cli.models")
    theirs = models.SynthesizerTrn(0, BINS, n_speakers=0, **TINY).eval()
    theirs.load_state_dict(tiny_state())
    with torch.inference_mode(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "randn_like", _noise)
        source = theirs.ref_enc(SPECTROGRAM.transpose(1, 2)).unsqueeze(-1)
        sound, *_ = theirs.voice_conversion(SPECTROGRAM, torch.tensor([FRAMES]), source, TARGET, tau=0.3)
    np.testing.assert_allclose(source.flatten(), REFERENCE["voice"], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(sound.flatten()[::400], REFERENCE["sound"], atol=1e-4)


def test_the_same_voice_as_source_and_target_changes_nothing(network: ToneColourConverter) -> None:
    mean, _ = network.enc_q(SPECTROGRAM, torch.zeros_like(TARGET))
    made = network.convert(SPECTROGRAM, 0 * NOISE, TARGET, TARGET)
    np.testing.assert_allclose(made.numpy(), mean.numpy(), rtol=1e-3, atol=1e-3)


def test_a_frame_does_not_depend_on_frames_out_of_reach(network: ToneColourConverter) -> None:
    long, voice = normal(3, 1, BINS, 2 * REACH + 20).abs(), network.voice(SPECTROGRAM)
    other = long.clone()
    other[:, :, 0] += 1
    noise = torch.zeros(1, CHANNELS, long.shape[2])
    one, two = (network.convert(each, noise, voice, TARGET)[0] for each in (long, other))
    changed = (one != two).any(0).nonzero().max()
    assert changed <= REACH


def test_a_sample_does_not_depend_on_frames_out_of_reach(network: ToneColourConverter) -> None:
    long = normal(4, 1, CHANNELS, 60)
    other = long.clone()
    other[:, :, 0] += 1
    one, two = (network.sound(each).flatten() for each in (long, other))
    assert int((one != two).nonzero().max()) // 256 <= hifigan.REACH
