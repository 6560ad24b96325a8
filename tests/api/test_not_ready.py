"""Models that are not on this machine: waiting does not help, and the errors say so."""

import logging
from collections.abc import Iterator
from io import BytesIO

import numpy as np
import pytest
from tests.live import Live, live

from ttsai_server.audio.encode import Encoder
from ttsai_server.errors import ModelLoading, NotReady, StoreFull
from ttsai_server.settings import Models, Settings


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A server without any weights."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("data"), models=Models(dir=tmp_path_factory.mktemp("models")))
    with live(settings) as server:
        yield server


def silence() -> BytesIO:
    sound = Encoder("wav", 16_000)
    return BytesIO(sound.push(np.zeros((16_000, 1), np.float32)) + sound.finish())


SPEECH = {"model": "kokoro", "voice": "af_bella", "text": "Hello.", "input": "Hello."}


@pytest.mark.parametrize("path", ["/v1/tts/", "/v1/audio/speech"])
def test_missing_weights_are_503_with_what_to_run_and_no_invitation_to_come_again(bare: Live, path: str) -> None:
    answer = bare.client().post(path, json=SPEECH)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (503, "model_loading", "model")
    assert "ttsai-server models pull kokoro" in error["message"]
    assert (answer.headers["X-Should-Retry"], "Retry-After" in answer.headers) == ("false", False)


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/v1/stt/", {}),
        ("/v1/stt/", {"diarize": "true"}),
        ("/v1/audio/transcriptions", {"model": "whisper-1"}),
        ("/v1/audio/enhance/", {}),
        ("/v1/audio/separate/", {}),
    ],
)
def test_so_are_those_of_every_other_path(bare: Live, path: str, form: dict[str, str]) -> None:
    answer = bare.client().post(path, files={"file": silence()}, data=form)
    assert answer.status_code == 503
    assert (answer.headers["X-Should-Retry"], "Retry-After" in answer.headers) == ("false", False)
    assert "Run: " in answer.json()["error"]["message"]


def test_a_voice_of_a_family_that_is_not_here_has_a_command_of_its_own(bare: Live) -> None:
    asked = {"model": "piper", "voice": "es_MX-ald-medium", "text": "Hola."}
    answer = bare.client().post("/v1/tts/", json=asked)
    assert answer.status_code == 503
    assert "Run: ttsai-server models pull piper-es_MX-ald-medium" in answer.json()["error"]["message"]


def test_it_costs_nothing(bare: Live) -> None:
    account, key = bare.new_key(credits=10)
    bare.client(key).post("/v1/tts/", json=SPEECH)
    assert bare.account(account).available == 10


def test_the_log_has_one_line_of_it_and_no_traceback(bare: Live, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        bare.client().post("/v1/tts/", json=SPEECH)
    told = [record for record in caplog.records if record.name != "ttsai_server.access" and "kokoro" in record.message]
    assert [(record.levelname, record.exc_info) for record in told] == [("WARNING", None)]


@pytest.mark.parametrize("kind", ModelLoading.__subclasses__() + NotReady.__subclasses__())
def test_every_503_says_either_when_to_come_again_or_not_to(kind: type[ModelLoading | NotReady]) -> None:
    error = kind.__new__(kind)
    error.retry_after = 5  # pyright: ignore[reportAttributeAccessIssue]
    waits = issubclass(kind, ModelLoading)
    assert ("Retry-After" in error.headers, "X-Should-Retry" in error.headers) == (waits, not waits)


def test_a_wait_that_openais_clients_would_not_keep_is_no_invitation() -> None:
    assert StoreFull(retry_after=3600).headers == {"Retry-After": "3600", "X-Should-Retry": "false"}
    assert StoreFull(retry_after=60).headers == {"Retry-After": "60"}
