"""Renders transcripts in OpenAI's formats, and as OpenAI's server-sent events.

The formats are those of the types in OpenAI's Python package (openai.types.audio).
"""

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

import orjson

from ttsai_server.api.schemas import TranscriptFormat
from ttsai_server.api.streaming import event
from ttsai_server.domain import UNSPACED, PartialTranscript, Segment, Transcript, gap
from ttsai_server.services.result_json import times, to_milliseconds
from ttsai_server.text.language import NAMES
from ttsai_server.text.subtitles import subtitles

_MEL_FRAMES = 100
"""Per second: the unit of Whisper's `seek`."""
_AUDIO_TOKENS = 10
"""Per second: how OpenAI counts audio."""


@dataclass(frozen=True, slots=True)
class Rendered:
    body: bytes
    content_type: str
    extension: str = ""
    """File extension for saving it; empty for JSON."""


def openai(transcript: Transcript, form: TranscriptFormat, granularities: Collection[str] = ()) -> Rendered:
    """The body of /v1/audio/transcriptions and /v1/audio/translations.

    Args:
        form: OpenAI's `response_format`.
        granularities: `word`, `segment` or both, for verbose_json; empty means `segment`.
    """
    match form:
        case "text":
            return Rendered(f"{transcript.text}\n".encode(), "text/plain; charset=utf-8", "txt")
        case "srt":
            return Rendered(_subtitles(transcript, "srt"), "application/x-subrip; charset=utf-8", "srt")
        case "vtt":
            return Rendered(_subtitles(transcript, "vtt"), "text/vtt; charset=utf-8", "vtt")
        case "json":
            body = {"text": transcript.text, "usage": _duration(transcript)}
        case "verbose_json":
            body = _verbose(transcript, granularities or ("segment",))
        case "diarized_json":
            body = _diarized(transcript)
    return Rendered(orjson.dumps(body), "application/json")


class TranscriptEvents:
    """The events of one transcription in progress; the deltas, joined, are the transcript's text."""

    def __init__(self, *, translated: bool = False) -> None:
        self._translated = translated
        self._before = ""

    def deltas(self, partial: PartialTranscript) -> bytes:
        """One `transcript.text.delta` per segment; empty without speech."""
        said = (segment for segment in partial.segments if segment.text)
        return b"".join(self._delta(segment.text, segment.language or partial.language) for segment in said)

    def segments(self, transcript: Transcript) -> bytes:
        """One `transcript.text.segment` per segment, for diarized_json, once the speakers are known."""
        return b"".join(map(event, _spoken(transcript)))

    def done(self, transcript: Transcript) -> bytes:
        """`transcript.text.done`, the last event; it reports usage in tokens, its only unit."""
        audio = math.ceil(_AUDIO_TOKENS * transcript.seconds)
        text = sum(len(segment.tokens) for segment in transcript.segments)
        usage = {"type": "tokens", "input_tokens": audio, "output_tokens": text, "total_tokens": audio + text}
        return event({"type": "transcript.text.done", "text": transcript.text, "usage": usage})

    def _delta(self, text: str, language: str) -> bytes:
        delta = gap(self._before, text, "en" if self._translated else language) + text
        self._before = text
        return event({"type": "transcript.text.delta", "delta": delta})


def _verbose(transcript: Transcript, granularities: Collection[str]) -> dict[str, object]:
    body: dict[str, object] = {
        "task": "translate" if transcript.translated else "transcribe",
        "language": NAMES[transcript.written].lower(),
        "duration": to_milliseconds(transcript.seconds),
        "text": transcript.text,
        "usage": _duration(transcript),
    }
    if "word" in granularities:
        body["words"] = [
            {"word": word.text, **times(word)} for segment in transcript.segments for word in segment.words
        ]
    if "segment" in granularities:
        body["segments"] = [
            _detailed(i, segment, transcript.written_in(segment)) for i, segment in enumerate(transcript.segments)
        ]
    return body


def _detailed(number: int, segment: Segment, written: str) -> dict[str, object]:
    lead = "" if written in UNSPACED else " "  # as in Whisper's tokens
    detailed: dict[str, object] = {
        "id": number,
        "seek": int(_MEL_FRAMES * segment.start),
        **times(segment),
        "text": lead + segment.text,
        "tokens": segment.tokens,
        "temperature": segment.temperature,
        "avg_logprob": segment.average_log_probability,
        "compression_ratio": segment.compression_ratio,
        "no_speech_prob": segment.no_speech_probability,
    }
    if segment.language:
        detailed["language"] = NAMES[segment.language].lower()
    return detailed


def _diarized(transcript: Transcript) -> dict[str, object]:
    return {
        "task": "transcribe",
        "duration": to_milliseconds(transcript.seconds),
        "text": transcript.text,
        "segments": _spoken(transcript),
        "usage": _duration(transcript),
    }


def _spoken(transcript: Transcript) -> list[dict[str, object]]:
    speakers = dict.fromkeys(segment.speaker for segment in transcript.segments)
    letters = {speaker: _letters(i) for i, speaker in enumerate(speakers)}
    return [
        {
            "type": "transcript.text.segment",
            "id": f"seg_{number:03}",
            **times(segment),
            "text": segment.text,
            "speaker": letters[segment.speaker],
        }
        for number, segment in enumerate(transcript.segments, 1)
    ]


def _letters(number: int) -> str:
    """A … Z, AA, AB, …: OpenAI's name of a speaker. number: from 0, in order of first speech."""
    more, letter = divmod(number, 26)
    return (_letters(more - 1) if more else "") + chr(ord("A") + letter)


def _subtitles(transcript: Transcript, form: Literal["srt", "vtt"]) -> bytes:
    return "".join(subtitles(transcript.segments, form)).encode()


def _duration(transcript: Transcript) -> dict[str, object]:
    return {"type": "duration", "seconds": math.ceil(transcript.seconds)}
