"""Ours against spleeter 2.4.2 with TensorFlow 2.15, run once on these tensors and this sound."""

from pathlib import Path

import numpy as np
import pytest
from tests.engines.spleeter.test_adapter import Sound, apart, card_of, prepared

from ttsai_server.engines.base import LoadContext
from ttsai_server.engines.spleeter.adapter import Spleeter

MOMENTS = [50_000, 150_000, 300_000, 450_000, 520_000, 524_288, 560_000]
"""Samples, some of them in the second step."""
TWO = {
    "vocals": [0.024313, -0.060078, -0.20802, 0.150319, 0.02402, -0.171602, -0.414437],
    "accompaniment": [0.027337, -0.013427, -0.056105, 0.010701, -0.028512, -0.133966, -0.192793],
}
"""Stem → the sum of its sides at those moments."""
TWO_SILENT_ABOVE = {
    "vocals": [0.059467, -0.060695, -0.211771, 0.127699, 0.020441, -0.158988, -0.403928],
    "accompaniment": [0.042992, -0.01369, -0.057745, 0.000693, -0.030732, -0.128731, -0.18819],
}
FOUR = {
    "vocals": [0.034128, -0.0224, -0.181056, 0.122223, 0.023765, -0.146067, -0.247331],
    "drums": [0.009267, -0.010066, -0.048721, 0.012877, -0.021345, -0.101297, -0.083725],
    "bass": [0.010859, -0.016152, -0.003934, 0.005374, -0.013635, -0.052888, -0.125904],
    "other": [-0.002604, -0.024886, -0.030415, 0.020546, 0.006724, -0.005316, -0.15027],
}
FIVE = {
    "vocals": [0.013735, 0.006042, -0.140281, 0.144312, -0.015212, -0.092045, -0.170486],
    "piano": [-0.009216, -0.020172, -0.049199, -0.024389, -0.012185, -0.119405, -0.0029],
    "drums": [-0.000401, -0.00567, 0.001232, 0.001516, -0.007783, -0.037662, -0.090872],
    "bass": [0.038842, -0.044741, -0.077963, 0.000175, 0.040646, -0.025626, -0.272815],
    "other": [0.00869, -0.008963, 0.002086, 0.039407, -0.009957, -0.03083, -0.070157],
}


def two_steps() -> Sound:
    """A rising tone on the left, beats of it on the right, and a hiss, (n, 2): 13 s."""
    time = np.arange(13 * 44_100) / 44_100
    tone = np.sin(2 * np.pi * (100 * time + 200 * time**2))
    hiss = np.sin(12.9898 * np.arange(len(time)) ** 1.5)
    return np.stack([0.3 * tone + 0.05 * hiss, 0.3 * tone * (time % 0.5 < 0.2)], axis=1).astype(np.float32)


@pytest.mark.parametrize(
    ("above", "theirs"),
    [("average", TWO), ("silent", TWO_SILENT_ABOVE), ("average", FOUR), ("average", FIVE)],
    ids=["two stems", "two stems silent above 11 kHz", "four stems", "five stems"],
)
def test_the_stems_are_spleeters(above: str, theirs: dict[str, list[float]], tmp_path: Path) -> None:
    card = card_of(len(theirs), above=above)
    stems = apart(Spleeter.load(card, LoadContext(prepared(card, tmp_path))), two_steps())
    assert list(stems) == list(theirs)
    for stem, sound in stems.items():
        assert sound[MOMENTS].sum(1) == pytest.approx(theirs[stem], abs=2e-5)
