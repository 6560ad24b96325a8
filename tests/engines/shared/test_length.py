"""The longest that a text may take, and what becomes of one that takes longer."""

import pytest

from ttsai_server.engines.shared.length import ATTEMPTS, most_seconds, most_tokens, said_to_the_end
from ttsai_server.errors import EngineFailed


@pytest.mark.parametrize(("text", "seconds"), [("Hi.", 1.3), ("日本", 1.6), ("In 1999.", 4.2)])
def test_the_more_there_is_to_say_the_longer_it_may_take(text: str, seconds: float) -> None:
    assert most_seconds(text) == pytest.approx(seconds)


@pytest.mark.parametrize(("text", "tokens"), [("Hi.", 26), ("Oh! " * 500, 1000)])
def test_a_model_may_write_as_many_tokens_as_fit_in_that_time_but_no_more_than_its_limit(
    text: str, tokens: int
) -> None:
    assert most_tokens(text, 20, 1000) == tokens


def test_the_first_attempt_that_comes_to_the_end_is_the_answer() -> None:
    attempts = iter([None, [], [1]])  # an empty answer is one
    assert said_to_the_end(lambda: next(attempts)) == []
    assert next(attempts) == [1]


def test_a_text_whose_end_no_attempt_reaches_has_no_answer() -> None:
    attempts = iter([None] * ATTEMPTS + ["too late"])
    with pytest.raises(EngineFailed, match="end of the text"):
        said_to_the_end(lambda: next(attempts))
    assert next(attempts) == "too late"
