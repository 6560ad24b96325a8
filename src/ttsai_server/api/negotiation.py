"""Which text to speech gets a job for an answer, and which gets its sound: part 2 of the contract."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import Scope

from ttsai_server.settings import Compat

SDKS = re.compile(r"tts-(ruby|rust|go|php|js)/")
"""How the user agents of those SDKs begin that read JSON only; the Python one says by the path what it wants."""
JSON = "application/json"
AUDIO = "audio/mpeg"
"""Stands for all sound in `Accept`."""


@dataclass(frozen=True, slots=True)
class JobPreference:
    """What of a request says how it is to be answered."""

    headers: Mapping[str, str]
    """By names in small letters."""
    api_prefix: bool
    """Whether its path began with /api."""
    publishable: bool
    """Whether its key is one for web pages."""
    asynchronous: bool = False
    """`async` in its body."""
    webhook_url: str | None = None


def dialect(scope: Scope) -> tuple[object, ...]:
    """All of a request but its path and body that decides the form of its answer; equal where answers have one form."""
    headers = Headers(scope=scope)
    accept = headers.get("accept", "")
    return (
        "api_prefix" in scope["state"],
        prefers_json(accept),
        prefers_zip(accept),
        prefers_async(headers.get("prefer", "")),
        SDKS.match(headers.get("user-agent", "")) is not None,
        scope["state"]["caller"].publishable,
    )


def wants_job(asked: JobPreference, compat: Compat) -> bool:
    """Whether any of the contract's conditions holds."""
    return (
        asked.api_prefix
        or prefers_json(asked.headers.get("accept", ""))
        or asks_for_job(asked)
        or asked.publishable
        or SDKS.match(asked.headers.get("user-agent", "")) is not None
        or compat.tts_response == "job"
    )


def asks_for_job(asked: JobPreference) -> bool:
    """Whether the client said in words that it will not wait: by its body, or by `Prefer` (RFC 7240)."""
    return asked.asynchronous or asked.webhook_url is not None or prefers_async(asked.headers.get("prefer", ""))


def prefers_async(prefer: str) -> bool:
    """Whether `Prefer` has respond-async, RFC 7240 §4.1."""
    return any(part.split(";")[0].strip().lower() == "respond-async" for part in prefer.split(","))


def prefers_json(accept: str) -> bool:
    """Whether `Accept` weighs JSON more than sound, RFC 9110 §12.5.1: `*/*` beside it weighs them the same."""
    weights = _weights(accept)
    audio = max((weight for kind, weight in weights.items() if kind.startswith("audio/")), default=None)
    return _weight(weights, JSON) > (_weight(weights, AUDIO) if audio is None else audio)


def prefers_zip(accept: str) -> bool:
    """Whether one file for all stems is wanted, rather than JSON that says where each is."""
    weights = _weights(accept)
    return _weight(weights, "application/zip") > _weight(weights, JSON)


def _weights(accept: str) -> dict[str, float]:
    found = dict[str, float]()
    for part in accept.lower().split(","):
        kind, *parameters = (piece.strip() for piece in part.split(";"))
        quality = next((p[2:] for p in parameters if p.startswith("q=")), "1")
        found[kind] = float(quality) if re.fullmatch(r"[01](\.\d{0,3})?", quality) else 0.0
    return found


def _weight(weights: Mapping[str, float], kind: str) -> float:
    family = f"{kind.split('/')[0]}/*"
    return weights.get(kind, weights.get(family, weights.get("*/*", 0.0)))
