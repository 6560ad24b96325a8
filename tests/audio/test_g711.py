import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttsai_server.audio.g711 import Law, decode, encode

LAWS: list[Law] = ["mu", "a"]
KNOWN: dict[Law, dict[int, int]] = {
    "mu": {0x00: -32124, 0x80: 32124, 0xFF: 0, 0x7F: 0, 0xFE: 8, 0x8F: 16764},
    "a": {0xD5: 8, 0x55: -8, 0xAA: 32256, 0x2A: -32256, 0xD4: 24},
}
"""Code → 16-bit level, by the tables of the Recommendation scaled to 16 bits."""


@pytest.mark.parametrize("law", LAWS)
def test_codes_are_the_levels_of_the_recommendation(law: Law) -> None:
    assert {code: int(decode(bytes([code]), law)[0]) for code in KNOWN[law]} == KNOWN[law]


@pytest.mark.parametrize("law", LAWS)
@given(sample=st.integers(-32768, 32767))
def test_every_sample_becomes_the_nearest_level(law: Law, sample: int) -> None:
    levels = decode(bytes(range(256)), law).astype(int)
    got = int(decode(encode(np.array([sample], np.int16), law), law)[0])
    assert abs(got - sample) == np.abs(levels - sample).min()


@pytest.mark.parametrize("law", LAWS)
@given(data=st.binary(max_size=64))
def test_levels_are_kept(law: Law, data: bytes) -> None:
    assert (decode(encode(decode(data, law), law), law) == decode(data, law)).all()
