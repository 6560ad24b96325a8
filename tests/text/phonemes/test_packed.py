"""Packed lexicons hold what dicts do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from misaki.en import Lexicon

from ttsai_server.text.phonemes.packed import Packed, Sound

SOUNDS: st.SearchStrategy[Sound] = st.text() | st.dictionaries(st.text(), st.none() | st.text())


@given(st.dictionaries(st.text(), SOUNDS))
def test_all_that_was_put_in_is_there(entries: dict[str, Sound]) -> None:
    assert dict(Packed(entries)) == entries


@given(st.dictionaries(st.text(), st.text()), st.text())
def test_what_was_not_put_in_is_not_there(entries: dict[str, Sound], word: str) -> None:
    packed = Packed(entries)
    assert (word in packed) == (word in entries)
    assert packed.get(word) == entries.get(word)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # misaki opens its lexicons the old way
def test_misakis_own_lexicon_comes_back() -> None:
    golds = Lexicon(british=False).golds
    assert dict(Packed(golds)) == golds
