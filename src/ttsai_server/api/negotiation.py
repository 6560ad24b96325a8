"""Content negotiation: whether a request is answered with a job or with its result (part 2 of the contract)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import Scope

from ttsai_server.settings import Compat

SDKS = re.compile(r"tts-(ruby|rust|go|php|js)/")
"""User agents of the SDKs that read JSON only; the Python SDK chooses by the path."""
JSON = "application/json"
AUDIO = "audio/mpeg"
"""Stands for all audio types in `Accept`."""


@dataclass(frozen=True, slots=True)
class JobPreference:
    """The parts of a request that decide whether it is answered with a job."""

    headers: Mapping[str, str]
    """By names in lower case."""
    api_prefix: bool
    """Whether the path began with /api."""
    publishable: bool
    """Whether the key is a publishable one."""
    asynchronous: bool = False
    """The field `async` of the body."""
    webhook_url: str | None = None


def dialect(scope: Scope) -> tuple[object, ...]:
    """Everything besides path and body that decides the form of the answer: equal values, equal form."""
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


def wants_job(preference: JobPreference, compat: Compat) -> bool:
    """Whether text to speech is answered with a job: if any of the contract's conditions holds."""
    return (
        preference.api_prefix
        or prefers_json(preference.headers.get("accept", ""))
        or asks_for_job(preference)
        or preference.publishable
        or SDKS.match(preference.headers.get("user-agent", "")) is not None
        or compat.tts_response == "job"
    )


def asks_for_job(preference: JobPreference) -> bool:
    """Whether the client explicitly asks for a job: with a field of the body, or with `Prefer` (RFC 7240)."""
    prefer = preference.headers.get("prefer", "")
    return preference.asynchronous or preference.webhook_url is not None or prefers_async(prefer)


def prefers_async(prefer: str) -> bool:
    """Whether the header `Prefer` contains respond-async, RFC 7240 §4.1."""
    return any(part.split(";")[0].strip().lower() == "respond-async" for part in prefer.split(","))


def prefers_json(accept: str) -> bool:
    """Whether `Accept` gives JSON a higher weight than audio, RFC 9110 §12.5.1; `*/*` gives both the same."""
    weights = _weights(accept)
    audio = max((weight for kind, weight in weights.items() if kind.startswith("audio/")), default=None)
    return _weight(weights, JSON) > (_weight(weights, AUDIO) if audio is None else audio)


def prefers_zip(accept: str) -> bool:
    """Whether the client prefers one ZIP file with all stems to JSON with their URLs."""
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
