"""The vocoder against the authors' code (bshall/knn-vc, 848302a): names, shapes and sound; and the matching.

reference.json has what that code makes of the same tiny random weights.
"""

import json
from pathlib import Path

import numpy as np
import pytest
import torch  # pyright: ignore[reportMissingImports]
from tests.engines.knn_vc.tiny_knn_vc import FEATURES, PUBLISHED, noise, tiny_vocoder
from tests.engines.torch_weights import normed_layers, shapes_of, with_weight_norm

from ttsai_server.engines.knn_vc.vocoder import Vocoder, matched
from ttsai_server.engines.shared.pytorch import fill

model_id = "knn-vc"
REFERENCE: dict[str, list[float]] = json.loads((Path(__file__).parent / "reference.json").read_text())
FRAMES = 30


def test_the_published_checkpoint_has_its_names_and_shapes() -> None:
    with torch.device("meta"):
        empty = Vocoder.like({name: torch.empty(shape) for name, shape in PUBLISHED.items()})
    assert with_weight_norm(shapes_of(empty), normed_layers(PUBLISHED)) == PUBLISHED


def test_the_sound_is_the_authors() -> None:
    state = tiny_vocoder()
    sound = fill(Vocoder.like(state), state, "")(noise(0, 1, FRAMES, FEATURES)).flatten()
    assert len(sound) == 320 * FRAMES
    np.testing.assert_allclose(sound[::400].numpy(), REFERENCE["sound"], atol=1e-4)


def test_what_is_in_the_voice_is_matched_with_itself() -> None:
    voice = noise(1, 50, FEATURES)
    np.testing.assert_array_equal(matched(3 * voice[10:20], voice, 1), voice[10:20])


@pytest.mark.parametrize("count", [1, 3, 4, 100])
def test_the_nearest_by_cosine_are_averaged(count: int) -> None:
    features, voice = noise(2, 7, FEATURES), noise(3, 100, FEATURES)
    likeness = torch.nn.functional.cosine_similarity(features[:, None], voice[None], dim=2)
    wanted = voice[likeness.argsort(1, descending=True)[:, :count]].mean(1)
    np.testing.assert_allclose(matched(features, voice, count), wanted, atol=1e-6)


def test_a_voice_of_few_features_is_averaged_as_a_whole() -> None:
    voice = noise(4, 2, FEATURES)
    np.testing.assert_allclose(matched(noise(5, 1, FEATURES), voice, 4)[0], voice.mean(0), atol=1e-6)
