import math
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttsai_server.errors import BadRequest
from ttsai_server.services.blends import MOST_PARTS, parse_blend

names = st.from_regex(r"[a-z][a-z0-9_]{0,11}", fullmatch=True)
weights = st.floats(min_value=0, exclude_min=True, allow_nan=False, allow_infinity=False)


@given(st.lists(st.tuples(names, weights), min_size=1, max_size=MOST_PARTS))
def test_what_is_written_is_what_is_read(parts: list[tuple[str, float]]) -> None:
    written = "+".join(f"{name}({repr(weight).replace('e+', 'e')})" for name, weight in parts)
    assert parse_blend(written) == tuple(parts)


@given(st.text(alphabet="ab_+()0.5e- \u0661", max_size=40))
def test_what_is_read_can_be_spoken(text: str) -> None:
    with suppress(BadRequest):
        assert all(name and math.isfinite(weight) and weight > 0 for name, weight in parse_blend(text))


def test_a_voice_alone_weighs_one() -> None:
    assert parse_blend("af_sky") == (("af_sky", 1.0),)


def test_spaces_do_not_matter() -> None:
    assert parse_blend(" af_bella (2) + af_sky ") == (("af_bella", 2.0), ("af_sky", 1.0))


@pytest.mark.parametrize("weight", ["0", "-1", "nan", "inf", "1e999", "", "two"])
def test_a_weight_is_a_finite_number_above_0(weight: str) -> None:
    with pytest.raises(BadRequest, match=r"weight of 'af_sky'"):
        parse_blend(f"af_bella+af_sky({weight})")


@pytest.mark.parametrize("text", ["", " ", "+", "af_sky+", "af sky", "af_sky(1", "af_sky)1(", "af_sky((1))", "../x"])
def test_other_forms_are_refused(text: str) -> None:
    with pytest.raises(BadRequest, match="Not a voice or a blend"):
        parse_blend(text)


def test_a_blend_has_at_most_eight_voices() -> None:
    assert len(parse_blend("+".join(["v"] * 8))) == 8
    with pytest.raises(BadRequest, match="at most 8"):
        parse_blend("+".join(["v"] * 9))
