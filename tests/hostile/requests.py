"""Requests as a fuzzer or an enemy sends them; the same seed gives the same requests."""

import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

WORK = (
    "/v1/tts/",
    "/v1/audio/speech",
    "/v1/audio/transcriptions",
    "/v1/transcribe/",
    "/v1/audio/convert/",
    "/v1/audio/analyze/",
    "/v1/audio/enhance/",
    "/v1/audio/separate/",
    "/v1/voice-chat/",
    "/v1/voice-clone/",
    "/api/v1/tts/",
    "/api/v1/tts/batch/",
    "/v1/account/keys/",
)
PATHS = (
    "/v1/models/",
    "/v1/voices/",
    "/v1/account/",
    "/v1/account/webhook-secret/",
    "/v1/tasks/{}/",
    "/v1/results/{}",
    "/v1/models/{}/",
    "/v1/speech/results/?uuid={}",
    "/v1/speech/subtitles/?uuid={}",
    "/v1/voices/preview/{}.mp3",
    "/static/downloads/{}/x.wav",
    "/health/ready",
    "/{}",
)
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "BREW")
TEXTS = (
    "",
    "\0",
    "a\0b",
    "\ud800",
    "../../etc/passwd",
    "' OR 1=1 --",
    "%s%n%x",
    "{{7*7}}",
    "<script>",
    "\u202e\u2066",
    "a" * 70_000,
    "\U0001f600" * 500,
    "task_" + "0" * 32,
    "-1",
    "NaN",
    "1e999",
    "9" * 400,
)
VALUES: Sequence[object] = (
    None,
    True,
    0,
    -1,
    2**63,
    -(2**70),
    1e308,
    float("nan"),
    float("inf"),
    [],
    {},
    [[[[]]]],
    {"a": {"b": None}},
    [1] * 1000,
)
FIELDS = (
    "text", "input", "model", "voice", "format", "response_format", "speed", "language", "stream", "async", "options",
    "webhook_url", "pronunciations", "texts", "file", "name", "temperature", "diarize", "stems", "channels",
)  # fmt: skip
HEADERS = (
    ("Idempotency-Key", "{}"),
    ("Prefer", "respond-async"),
    ("Accept", "{}"),
    ("Content-Type", "application/json"),
    ("Content-Type", "multipart/form-data"),
    ("Content-Type", "multipart/form-data; boundary={}"),
    ("Content-Type", "application/x-www-form-urlencoded"),
    ("Content-Type", "text/plain; charset={}"),
    ("Content-Encoding", "gzip"),
    ("Range", "bytes={}"),
    ("X-Request-Id", "{}"),
    ("Origin", "{}"),
    ("Authorization", "Basic {}"),
    ("Authorization", "Bearer {}"),
)


@dataclass(frozen=True)
class Hostile:
    method: str
    path: str
    headers: dict[str, bytes] = field(default_factory=dict[str, bytes])
    body: bytes = b""


def hostile(seed: int, count: int) -> Iterator[Hostile]:
    chance = random.Random(seed)
    for _ in range(count):
        works = chance.random() < 0.6
        path = chance.choice(WORK if works else PATHS).format(quote(_text(chance)[:3000], safe="", errors="replace"))
        method = "POST" if works else chance.choice(METHODS)
        headers = dict(_header(chance) for _ in range(chance.randrange(3)))
        yield Hostile(method, path, headers, chance.choice(BODIES)(chance))


def _text(chance: random.Random) -> str:
    if chance.random() < 0.3:
        return "".join(chr(chance.randrange(1, 0xD800)) for _ in range(chance.randrange(40)))
    return chance.choice(TEXTS)


def _header(chance: random.Random) -> tuple[str, bytes]:
    name, form = chance.choice(HEADERS)
    text = form.format(_text(chance)[:2000])
    return name, bytes(byte for byte in text.encode(errors="replace") if byte >= 32 and byte != 127).strip()


def _value(chance: random.Random) -> object:
    return _text(chance) if chance.random() < 0.5 else chance.choice(VALUES)


def _object(chance: random.Random) -> bytes:
    sane = {"model": "tone", "voice": "tone_a", "text": "la"} if chance.random() < 0.7 else {}
    odd = {chance.choice(FIELDS): _value(chance) for _ in range(chance.randrange(4))}
    return json.dumps({**sane, **odd}).encode()


def _cut(chance: random.Random) -> bytes:
    whole = _object(chance)
    return whole[: chance.randrange(len(whole) + 1)]


def _flipped(chance: random.Random) -> bytes:
    data = bytearray(_object(chance))
    data[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(data)


def _deep(chance: random.Random) -> bytes:
    return chance.choice((b"[", b'{"a":')) * chance.choice((10, 1000, 100_000))


def _form(chance: random.Random) -> bytes:
    name, value = chance.choice(FIELDS), _text(chance)[:500].encode(errors="replace")
    part = b'--x\r\nContent-Disposition: form-data; name="%s"; filename="%s"\r\n\r\n' % (name.encode(), value[:50])
    return chance.choice((b"", b"--x\r\n")) + part * chance.choice((1, 2, 300)) + chance.choice((b"", b"\r\n--x--\r\n"))


def _noise(chance: random.Random) -> bytes:
    return chance.randbytes(chance.choice((0, 1, 100, 20_000)))


BODIES: Sequence[Callable[[random.Random], bytes]] = (_object, _object, _object, _cut, _flipped, _deep, _form, _noise)
