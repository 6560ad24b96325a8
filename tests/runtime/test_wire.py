"""What crosses between the server and a model's process comes out as it went in."""

import importlib
import inspect
import socket
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import Analysis, Audio, Diarization, ModelCard, Music, PartialTranscript, Segment, Stems
from ttsai_server.engines.base import Cancelled
from ttsai_server.engines.catalog import Catalog
from ttsai_server.errors import ApiError
from ttsai_server.runtime.wire import ERRORS, LENGTH_BYTES, Begin, Reply, decode, encode
from ttsai_server.settings import Settings

CARDS = Catalog.read(Settings().models.cards, demo=True).cards()


def crossed(message: Any) -> Any:
    """The message, once it has been through two sockets as between two processes."""
    near, far = socket.socketpair()
    with near, far:
        frame, descriptors = encode(message)
        for descriptor in descriptors:
            socket.send_fds(near, [b"\0"], [descriptor])
        return decode(frame[LENGTH_BYTES:], lambda: socket.recv_fds(far, 1, 1)[1][0])


def same(one: object, other: object) -> bool:
    """Equal, of equal types, all the way down."""
    if type(one) is not type(other):
        return False
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other, equal_nan=True)  # pyright: ignore
    if is_dataclass(one):
        return all(same(getattr(one, each.name), getattr(other, each.name)) for each in fields(one))
    if isinstance(one, Mapping):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)  # pyright: ignore
    if isinstance(one, tuple | list):
        return len(one) == len(other) and all(map(same, one, other))  # pyright: ignore
    return one == other


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(st.text(), inner)
        | st.frozensets(st.integers(0, 9))
    ),
)


@given(plain)
def test_plain_values_keep_their_types(value: object) -> None:
    assert same(crossed(value), value)


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.id)
def test_every_card_crosses(card: ModelCard) -> None:
    assert same(crossed(card), card)


@pytest.mark.parametrize(
    "step",
    [
        Audio(np.linspace(-1, 1, 1000, dtype=np.float32)[:, None], 24_000, last=True),
        Stems({"vocals": np.zeros((7, 2), np.float32), "drums": np.ones((7, 2), np.float32)}, 44_100),
        PartialTranscript(0.5, 1.5, (Segment("Hi.", 0.5, 1.0, tokens=(1, 2)),), "en", last=True),
        Diarization(0.0, 1.0),
        Analysis(0.0, 1.0, Music(tonic=3, confidence={"key": 0.5})),
    ],
)
def test_every_kind_of_step_crosses(step: object) -> None:
    assert same(crossed(Reply(3, step)).value, step)


def test_sound_that_has_crossed_can_be_changed() -> None:
    sound = crossed(Audio(np.zeros((5, 1), np.float32), 24_000)).samples
    sound += 1
    assert sound.sum() == 5


def test_a_number_of_numpys_becomes_pythons() -> None:
    assert same(crossed(np.float32(0.5)), 0.5)


def test_what_is_not_known_is_refused() -> None:
    with pytest.raises(TypeError, match="module"):
        encode(Begin(1, "transcribe", (socket,)))


def test_an_enum_that_is_not_the_domains_is_refused() -> None:
    with pytest.raises(TypeError, match="Colour"):
        encode(Begin(1, "transcribe", (StrEnum("Colour", "RED").RED,)))  # pyright: ignore[reportAttributeAccessIssue]


def test_a_recording_crosses_as_an_open_file() -> None:
    with Recording(16_000, channels=2) as recording:
        recording.append(np.arange(6, dtype=np.float32).reshape(3, 2))
        recording.depth, recording.tags = 24, {"title": "Three"}
        (other,) = crossed(Begin(1, "transcribe", (recording,))).arguments
    with other:  # the first one is closed
        assert (other.rate, other.channels, other.frames, other.depth) == (16_000, 2, 3, 24)
        assert other.tags == {"title": "Three"}
        assert np.array_equal(other.read(1, 2), [[2, 3], [4, 5]])


def open_files() -> int:
    return sum(1 for _ in Path("/dev/fd").iterdir())


def test_a_recording_that_has_crossed_frees_its_file() -> None:
    before = open_files()
    with Recording(16_000) as recording:
        crossed((recording,))[0].close()
    assert open_files() == before


EXAMPLES: Mapping[Any, object] = {
    str: "text",
    str | None: "text",
    int: 5,
    float: 2.5,
    Sequence[str]: ["no", "never"],
    Mapping[str, str]: {"X-RateLimit-Limit": "5"},
}


def example(kind: type[Exception]) -> Exception:
    """One of these errors, by what its constructor takes."""
    parameters = inspect.signature(kind).parameters.values()
    given = {each.name: EXAMPLES[each.annotation] for each in parameters if each.kind is not each.VAR_POSITIONAL}
    positional = [given.pop(each.name) for each in parameters if each.kind is each.POSITIONAL_OR_KEYWORD]
    return kind(*positional, **given)


ABSTRACT = {"ApiError", "_RetryLater"}
ALL = [example(kind) for name, kind in ERRORS.items() if name not in ABSTRACT and kind is not Cancelled]


@pytest.mark.parametrize("error", [*ALL, Cancelled()], ids=lambda error: type(error).__name__)
def test_every_error_crosses_with_its_fields(error: Exception) -> None:
    other = crossed(Reply(1, error=error)).error
    assert type(other) is type(error)
    assert (str(other), other.args, vars(other)) == (str(error), error.args, vars(error))
    if isinstance(error, ApiError):
        assert isinstance(other, ApiError)
        assert (other.headers, other.extra, other.top_level) == (error.headers, error.extra, error.top_level)


def below(kind: type[Exception]) -> set[type[Exception]]:
    """The class itself and all classes below it that the package has."""
    found = {each for child in kind.__subclasses__() for each in below(child)}
    return {kind} | {each for each in found if each.__module__.startswith("ttsai_server.")}


def test_every_error_that_a_client_can_be_told_crosses() -> None:
    importlib.import_module("ttsai_server.app")  # which has all modules that define some
    assert below(ApiError) <= set(ERRORS.values())
