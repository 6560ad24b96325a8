import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttsai_server.services.harmony import Key

keys = st.builds(Key, st.integers(0, 11), st.booleans())
EVERY = [Key(tonic, minor) for tonic in range(12) for minor in (False, True)]
WHEEL = {
    "1A": "Ab Minor", "2A": "Eb Minor", "3A": "Bb Minor", "4A": "F Minor", "5A": "C Minor", "6A": "G Minor",
    "7A": "D Minor", "8A": "A Minor", "9A": "E Minor", "10A": "B Minor", "11A": "F# Minor", "12A": "Db Minor",
    "1B": "B Major", "2B": "F# Major", "3B": "Db Major", "4B": "Ab Major", "5B": "Eb Major", "6B": "Bb Major",
    "7B": "F Major", "8B": "C Major", "9B": "G Major", "10B": "D Major", "11B": "A Major", "12B": "E Major",
}  # fmt: skip
"""Camelot's wheel as it is published."""


def place(key: Key) -> int:
    return int(key.camelot[:-1])


def test_every_key_has_its_place_on_the_wheel() -> None:
    assert {key.camelot: key.name for key in EVERY} == WHEEL


def test_the_keys_compatible_with_c_major_are_those_of_the_contract() -> None:
    assert [key.name for key in Key(0).compatible] == ["C Major", "G Major", "F Major", "A Minor"]


def test_the_keys_compatible_with_a_minor_begin_with_itself_and_end_with_c_major() -> None:
    assert [key.name for key in Key(9, True).compatible] == ["A Minor", "E Minor", "D Minor", "C Major"]


@given(keys)
def test_the_relative_of_the_relative_is_the_key(key: Key) -> None:
    assert key.relative.relative == key


@given(keys)
def test_relative_keys_share_a_number(key: Key) -> None:
    assert place(key) == place(key.relative)


@given(keys)
def test_a_fifth_up_is_one_further_round_the_wheel(key: Key) -> None:
    _, up, down, _ = key.compatible
    assert (place(up) - place(key)) % 12 == (place(key) - place(down)) % 12 == 1


@given(keys, keys)
def test_going_together_is_mutual(one: Key, other: Key) -> None:
    assert (one in other.compatible) == (other in one.compatible)


@pytest.mark.parametrize("key", EVERY, ids=lambda key: key.name)
def test_four_different_keys_go_together(key: Key) -> None:
    assert len(set(key.compatible)) == 4
