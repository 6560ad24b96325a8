import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttsai_server.domain import Message, Segment, ToolCall
from ttsai_server.services.realtime.conversation import (
    CallItem,
    CallOutputItem,
    Conversation,
    Item,
    MessageItem,
    Part,
    fitted,
    messages,
)
from ttsai_server.services.realtime.problems import Refused
from ttsai_server.services.voice_chat_run import tokens

SYSTEM = Message("system", "Be brief.")
TURN = [Message("user", "How is Rome?"), Message("assistant", "", (ToolCall("c", "weather", "{}"),))]
ALL = "One two. Three four."
RESULT = Message("tool", "sunny", answers="c")


def user(id: str, text: str) -> Item:
    return MessageItem(id, "user", [Part("input_text", text)])


def test_calls_of_one_answer_are_one_message_and_each_result_is_its_own() -> None:
    calls = [CallItem(id, ToolCall(id, "weather", "{}")) for id in "ab"]
    outputs = [CallOutputItem(f"{id}2", id, "sunny") for id in "ab"]
    made = messages([user("u", "Rome?"), *calls, *outputs])
    assert [message.role for message in made] == ["user", "assistant", "tool", "tool"]
    assert [call.id for call in made[1].calls] == ["a", "b"]
    assert [message.answers for message in made[2:]] == ["a", "b"]


@given(words=st.lists(st.integers(1, 30), min_size=1, max_size=20), most=st.integers(40, 400))
def test_the_latest_messages_that_fit_are_kept(words: list[int], most: int) -> None:
    said = [Message("user" if n % 2 else "assistant", "word " * count) for n, count in enumerate(words)]
    if tokens(SYSTEM) + tokens(said[-1]) > most:
        with pytest.raises(Refused):
            fitted(SYSTEM, said, most, shorten=True)
        return
    kept = fitted(SYSTEM, said, most, shorten=True)
    assert kept == (SYSTEM, *said[len(said) - len(kept) + 1 :])
    left = most - sum(map(tokens, kept))
    assert left >= 0
    assert len(kept) == len(said) + 1 or tokens(said[len(said) - len(kept)]) > left


def test_a_result_is_left_out_with_its_call() -> None:
    after = Message("assistant", "It is sunny.")
    most = tokens(SYSTEM) + tokens(RESULT) + tokens(after)
    assert fitted(SYSTEM, [*TURN, RESULT, after], most, shorten=True) == (SYSTEM, after)


def test_what_must_not_be_shortened_is_refused() -> None:
    with pytest.raises(Refused, match="takes more than"):
        fitted(SYSTEM, [Message("user", "word " * 100), Message("user", "Hi.")], 60, shorten=False)


def test_a_conversation_has_no_more_text_than_it_may() -> None:
    conversation = Conversation(20)
    conversation.add(user("a", "0123456789"))
    with pytest.raises(Refused) as refused:
        conversation.add(user("b", "0123456789a"))
    assert refused.value.code == "conversation_too_long"
    conversation.remove("a")
    assert conversation.add(user("b", "0123456789a")) is None


def test_an_id_is_there_once() -> None:
    conversation = Conversation(100)
    conversation.add(user("a", "x"))
    with pytest.raises(Refused) as refused:
        conversation.add(user("a", "y"))
    assert refused.value.param == "item.id"


@pytest.mark.parametrize(("milliseconds", "kept"), [(0, ""), (1000, "One two."), (1500, "One two. Three"), (2000, ALL)])
def test_a_truncated_message_has_the_words_that_were_heard(milliseconds: int, kept: str) -> None:
    spoken = (Segment("One two.", 0, 1), Segment("Three four.", 1, 2))
    item = MessageItem("a", "assistant", [Part("output_audio", ALL)], spoken=spoken, seconds=2)
    item.truncate(0, milliseconds)
    assert item.parts[0].text == kept
