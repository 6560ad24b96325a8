"""Tokens with a time but no duration, joined into words; SenseVoice's tests have more of them."""

from pathlib import Path

import pytest

from ttsai_server.engines.shared.transcription.tokens import Token, joined, numbered


def test_a_words_probability_is_the_mean_of_its_tokens() -> None:
    (word,) = joined([Token(" gar", 1, 0.0, 0.9), Token("den", 2, 0.1, 0.6), Token(".", 3, 0.2, 0.3)], 1.0)
    assert (word.text, word.tokens) == (" garden.", (1, 2, 3))
    assert word.probability == pytest.approx(0.6)


def test_the_last_word_ends_with_the_sound() -> None:
    first, last = joined([Token(" a", 1, 0.0), Token(" b", 2, 0.9)], 1.0)
    assert (first.end, last.end) == (0.3, 1.0)


@pytest.mark.parametrize("piece", ["\u2028", "\x85", "\x0b", " ", "▁the"])
def test_a_piece_may_be_what_separates_lines_or_words(tmp_path: Path, piece: str) -> None:
    (tmp_path / "vocab.txt").write_text(f"<unk> 0\n{piece} 1\n", "utf-8")
    assert numbered(tmp_path / "vocab.txt") == [("<unk>", 0), (piece, 1)]


@pytest.mark.parametrize(("content", "fault"), [("", "unpack"), ("the\n", "unpack"), ("the x\n", "invalid literal")])
def test_another_file_is_refused(tmp_path: Path, content: str, fault: str) -> None:
    (tmp_path / "vocab.txt").write_text(content, "utf-8")
    with pytest.raises(ValueError, match=fault):
        numbered(tmp_path / "vocab.txt")
