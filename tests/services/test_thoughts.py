"""What a reasoning model thinks aloud is not part of its answer."""

from collections.abc import AsyncGenerator

import pytest

from ttsai_server.domain import ChatDelta
from ttsai_server.services.chat.thoughts import without_thoughts

SAID = {
    "Hello, you.": "Hello, you.",
    "<think>Who is it? I should greet.</think>\n\nHello, you.": "Hello, you.",
    "\n<think>\n</think>Hello.": "Hello.",
    "<thinking> is a word.": "<thinking> is a word.",
    "Is it <think>that</think>?": "Is it <think>that</think>?",
    "<": "<",
    "<think>I never stop": "",
    "": "",
}
"""What a model writes → its answer."""


async def parts(text: str, size: int) -> AsyncGenerator[ChatDelta]:
    for start in range(0, len(text), size):
        yield ChatDelta(text[start : start + size])


@pytest.mark.parametrize("size", [1, 3, 100])
@pytest.mark.parametrize(("written", "answer"), SAID.items())
async def test_only_the_answer_is_left(written: str, answer: str, size: int) -> None:
    assert "".join([part.text async for part in without_thoughts(parts(written, size))]) == answer
