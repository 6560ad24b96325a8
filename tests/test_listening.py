import pytest
from tests.listening import spoken, wer


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("It's 5 o'clock, isn't it?", "it is five is not it"),
        ("He paid $3.50 for 2 books.", "he paid three dollars fifty cents for two books"),
        ("$1,250", "one thousand two hundred fifty dollars"),
        ("In 1995, 1,500 people", "in nineteen ninety five one thousand five hundred people"),
        ("the 2nd of May at 3:30", "the second of may at three thirty"),
        ("at 3.45, for 3.45 m", "at three forty five for three point four five m"),
        ("our neighbours' colours", "our neighbors colors"),
        ("one hundred and twenty-three", "one hundred twenty three"),
        ("123", "one hundred twenty three"),
        ("2.5 %", "two point five percent"),
        ("Dr. Smith can't come; they'll call.", "doctor smith can not come they will call"),
        ("the dog's bone", "the dogs bone"),
    ],
)
def test_english_is_written_as_it_is_said(written: str, words: str) -> None:
    assert spoken(written) == words


def test_other_languages_keep_their_letters_and_marks() -> None:
    assert spoken("¿Qué? ¡3 niños!", "es") == "qué tres niños"
    assert spoken("नमस्ते, दुनिया।", "hi") == "नमस्ते दुनिया"


def test_a_wrong_word_counts() -> None:
    assert wer("one two three four", "One, two, tree, four.") == 0.25


def test_a_lost_word_counts() -> None:
    assert wer("one two three four", "1 2 3") == 0.25


def test_chinese_is_measured_by_character() -> None:
    assert wer("你好世界", "你好,世间", "zh") == 0.25
