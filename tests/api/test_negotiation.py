import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttsai_server.api.negotiation import JobPreference, asks_for_job, prefers_async, prefers_json, wants_job
from ttsai_server.settings import Compat

PLAIN = JobPreference(headers={}, api_prefix=False, publishable=False)


def with_headers(**headers: str) -> JobPreference:
    return JobPreference({name.replace("_", "-"): value for name, value in headers.items()}, False, False)


CONDITIONS = {
    "the path": JobPreference({}, api_prefix=True, publishable=False),
    "accept": with_headers(accept="application/json"),
    "prefer": with_headers(prefer="respond-async"),
    "async": JobPreference({}, False, False, asynchronous=True),
    "webhook": JobPreference({}, False, False, webhook_url="https://a.example/"),
    "the key": JobPreference({}, api_prefix=False, publishable=True),
    "the user agent": with_headers(user_agent="tts-ruby/0.1.0"),
}


@pytest.mark.parametrize("asked", CONDITIONS.values(), ids=CONDITIONS)
def test_each_condition_is_enough(asked: JobPreference) -> None:
    assert wants_job(asked, Compat())


def test_the_setting_is_enough() -> None:
    assert wants_job(PLAIN, Compat(tts_response="job"))


@pytest.mark.parametrize(
    "asked",
    [PLAIN, with_headers(accept="*/*", user_agent="tts-ai-python/0.1.0"), with_headers(user_agent="my tts-go/1")],
)
def test_without_any_the_answer_is_sound(asked: JobPreference) -> None:
    assert not wants_job(asked, Compat())


@pytest.mark.parametrize("name", ["the path", "accept", "the key", "the user agent"])
def test_to_take_json_is_not_to_ask_for_a_job(name: str) -> None:
    assert not asks_for_job(CONDITIONS[name])


@pytest.mark.parametrize(
    ("accept", "json"),
    [
        ("", False),
        ("*/*", False),
        ("audio/mpeg", False),
        ("application/json", True),
        ("APPLICATION/JSON", True),
        ("application/*", True),
        ("application/json, audio/mpeg", False),
        ("application/json, audio/wav;q=0.9", True),
        ("application/json;q=0.5, audio/*", False),
        ("application/json, */*", False),
        ("application/json, text/plain, */*;q=0.1", True),
        ("application/json;q=0", False),
        ("application/json;q=nonsense", False),
    ],
)
def test_accept_is_weighed(accept: str, json: bool) -> None:
    assert prefers_json(accept) is json


@given(st.text())
def test_any_accept_is_read(accept: str) -> None:
    assert prefers_json(accept) in (True, False)


@pytest.mark.parametrize("prefer", ["respond-async", "wait=10, Respond-Async", "respond-async; a=b"])
def test_prefer_has_several_spellings(prefer: str) -> None:
    assert prefers_async(prefer)


@pytest.mark.parametrize("prefer", ["", "respond-asyncs", "return=minimal"])
def test_other_preferences_are_none(prefer: str) -> None:
    assert not prefers_async(prefer)
