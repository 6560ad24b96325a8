"""A transcript as the published API writes it: the JSON of /v1/stt/, and the result of a task that listened."""

import orjson

from ttsai_server.domain import Segment, Transcript, Word


def published(transcript: Transcript, *, words: bool) -> bytes:
    """schemas.TranscriptBody; speakers are in it where the segments have them."""
    body = {
        "text": transcript.text,
        "language": transcript.language,
        "duration": to_milliseconds(transcript.seconds),
        "segments": [_published(segment, words=words) for segment in transcript.segments],
    }
    return orjson.dumps(body)


def _published(segment: Segment, *, words: bool) -> dict[str, object]:
    shown: dict[str, object] = {**times(segment), "text": segment.text}
    if segment.speaker:
        shown["speaker"] = segment.speaker
    if words:
        shown["words"] = [
            {"word": word.text, **times(word), "probability": round(word.probability, 4)} for word in segment.words
        ]
    return shown


def times(stretch: Segment | Word) -> dict[str, object]:
    return {"start": to_milliseconds(stretch.start), "end": to_milliseconds(stretch.end)}


def to_milliseconds(seconds: float) -> float:
    """Seconds, rounded."""
    return round(seconds, 3)
