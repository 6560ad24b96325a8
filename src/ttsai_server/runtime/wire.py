"""Serialization between the server and a model's process: msgpack, for a closed list of types; nothing is pickled.

A frame is a big-endian length of 4 bytes and that many bytes of msgpack. Types that msgpack lacks are msgpack
extensions: the domain's dataclasses and enums by name, arrays as raw bytes, recordings as file descriptors that are
sent over a second socket, errors by name with their attributes.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from os import fdopen
from typing import Any

import numpy as np
from msgspec import msgpack

from ttsai_server import domain
from ttsai_server.audio.recording import Recording
from ttsai_server.domain import ModelCard
from ttsai_server.engines.base import Cancelled
from ttsai_server.errors import ApiError

LENGTH_BYTES = 4


@dataclass(frozen=True, slots=True)
class Load:
    """The first message: load this model. Answered by a Reply for stream 0."""

    card: ModelCard
    models: str
    """The settings' group `models`, as JSON."""
    log: str
    """The settings' group `log`, as JSON."""


@dataclass(frozen=True, slots=True)
class Begin:
    """Open a new stream of steps: a call of a generator method. Not answered."""

    stream: int
    method: str
    """Name of a generator method of the engine."""
    arguments: tuple[Any, ...]
    """All of its arguments but the last, the Cancellation."""
    ahead: float = 0.0
    """As of Call; where the process that reads it orders the steps."""


@dataclass(frozen=True, slots=True)
class Next:
    """Run the stream's next step. Answered by one Reply."""

    stream: int


@dataclass(frozen=True, slots=True)
class Cancel:
    """Interrupt the running step; its Reply then comes at once."""

    stream: int


@dataclass(frozen=True, slots=True)
class End:
    """Close the stream; none of its steps may be running. Not answered."""

    stream: int


@dataclass(frozen=True, slots=True)
class Reply:
    stream: int
    value: Any = None
    """What the step yielded; None: the generator has ended."""
    error: Exception | None = None
    """What it raised: an ApiError, or Cancelled."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a generator method on another machine: answered by a Reply for each step."""

    method: str
    arguments: tuple[Any, ...]
    """As of Begin."""
    ahead: float
    """How long the listener will still be playing what was made before, seconds."""
    trace: str
    """W3C trace context that it belongs to; empty: none."""


class _Extension:
    """Codes of our msgpack extensions."""

    DATACLASS, ENUM, ARRAY, TUPLE, SET, RECORDING, ERROR = range(1, 8)


def _subclasses(kind: type[Exception]) -> Iterator[type[Exception]]:
    """The class itself and all classes below it."""
    yield kind
    for each in kind.__subclasses__():
        yield from _subclasses(each)


_DOMAIN = [
    kind for kind in vars(domain).values() if isinstance(kind, type) and kind.__module__.startswith(domain.__name__)
]
_MESSAGES: Sequence[type] = (Load, Begin, Next, Cancel, End, Reply, Call)
_DATACLASSES = {kind.__name__: kind for kind in (*_MESSAGES, *_DOMAIN) if is_dataclass(kind)}
_ENUMS = {kind.__name__: kind for kind in _DOMAIN if issubclass(kind, Enum)}
ERRORS = {
    kind.__name__: kind for kind in (Cancelled, *_subclasses(ApiError)) if kind.__module__.startswith("ttsai_server.")
}
"""Name → class of the errors that can be sent."""

_encode = msgpack.Encoder().encode
_decode_array = msgpack.Decoder(tuple[str, tuple[int, ...], bytearray]).decode  # a bytearray: the array can be written


def crosses(error: BaseException) -> bool:
    """Whether the error can be sent to the other process."""
    return ERRORS.get(type(error).__name__) is type(error)


def encode(message: object) -> tuple[bytes, Sequence[int]]:
    """The frame, and the file descriptors to send with it, in order. Raises TypeError for a type that can't be sent."""
    descriptors: list[int] = []
    data = _encode(_packed(message, descriptors))
    return len(data).to_bytes(LENGTH_BYTES, "big") + data, descriptors


def _packed(value: Any, descriptors: list[int]) -> object:
    def extension(code: int, *parts: object) -> msgpack.Ext:
        return msgpack.Ext(code, _encode([_packed(part, descriptors) for part in parts]))

    name = type(value).__name__
    match value:
        case Enum() if _ENUMS.get(name) is not type(value):
            raise TypeError(f"{type(value)} can't cross to another process")
        case Enum():
            return extension(_Extension.ENUM, name, value.value)
        case np.ndarray():
            return msgpack.Ext(_Extension.ARRAY, _encode((value.dtype.str, value.shape, value.tobytes())))
        case np.generic():
            return value.item()
        case tuple():
            return extension(_Extension.TUPLE, *value)
        case set() | frozenset():
            return extension(_Extension.SET, *value)
        case Recording():
            descriptors.append(value.fileno())
            facts = (value.rate, value.channels, value.frames, value.depth, dict(value.tags))
            return extension(_Extension.RECORDING, *facts)
        case BaseException() if crosses(value):
            return extension(_Extension.ERROR, name, value.args, vars(value))
        case list():
            return [_packed(each, descriptors) for each in value]
        case Mapping():
            return {key: _packed(each, descriptors) for key, each in value.items()}
        case _ if _DATACLASSES.get(name) is type(value):
            return extension(_Extension.DATACLASS, name, *(getattr(value, each.name) for each in fields(value)))
        case None | bool() | int() | float() | str() | bytes():
            return value
        case _:
            raise TypeError(f"{type(value)} can't cross to another process")


def decode(data: bytes, receive: Callable[[], int]) -> Any:
    """The message in a frame, less its length. receive: returns the next file descriptor that was sent with it."""

    def restored(code: int, part: memoryview) -> object:
        if code == _Extension.ARRAY:
            dtype, shape, raw = _decode_array(part)
            return np.frombuffer(raw, dtype).reshape(shape)
        parts = decoder.decode(part)
        match code:
            case _Extension.DATACLASS:
                kind, *values = parts
                return _instance(_DATACLASSES[kind], values)
            case _Extension.ENUM:
                return _ENUMS[parts[0]](parts[1])
            case _Extension.TUPLE:
                return tuple(parts)
            case _Extension.SET:
                return frozenset(parts)
            case _Extension.RECORDING:
                return _recording(receive(), *parts)
            case _Extension.ERROR:
                return _error(*parts)
            case _:
                raise ValueError(f"unknown extension {code}")

    decoder = msgpack.Decoder(ext_hook=restored)
    return decoder.decode(data)


def _instance(kind: Any, values: Sequence[object]) -> object:
    names = (each.name for each in fields(kind))
    return kind(**dict(zip(names, values, strict=True)))


def _recording(
    descriptor: int, rate: int, channels: int, frames: int, depth: int, tags: Mapping[str, str]
) -> Recording:
    recording = Recording(rate, channels, fdopen(descriptor, "rb", buffering=0))
    recording.frames, recording.depth, recording.tags = frames, depth, tags
    return recording


def _error(name: str, arguments: Sequence[object], state: Mapping[str, object]) -> Exception:
    """Rebuild an error without calling `__init__`, whose parameters differ from the `args` that it stores."""
    kind = ERRORS[name]
    error = kind.__new__(kind, *arguments)
    error.__dict__.update(state)
    return error
