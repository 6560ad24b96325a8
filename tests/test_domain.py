import pytest

from ttsai_server.domain import Segment, Transcript


def transcript(*texts: str, language: str = "en", translated: bool = False) -> Transcript:
    return Transcript(tuple(Segment(text, i, i + 1) for i, text in enumerate(texts)), language, 60.0, translated)


def test_sentences_are_parted_by_a_space():
    assert transcript("One.", "Two.").text == "One. Two."


@pytest.mark.parametrize("language", ["ja", "yue", "zh"])
def test_some_languages_part_no_sentences(language: str):
    assert transcript("一。", "二。", language=language).text == "一。二。"


def test_english_within_chinese_is_parted_as_english():
    assert transcript("一。", "One.", "Two.", "二。", language="zh").text == "一。One. Two.二。"


def test_a_translation_is_parted_as_english():
    assert transcript("“One.”", "“Two.”", language="zh", translated=True).text == "“One.” “Two.”"


def test_an_empty_segment_adds_no_space():
    assert transcript("One.", "", "Two.").text == "One. Two."


def test_silence_has_no_text():
    assert transcript().text == ""
