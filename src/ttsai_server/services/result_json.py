"""What recordings turned out to be, as the published API writes it: the answers of requests, the results of tasks."""

from collections.abc import Mapping, Sequence

import orjson

from ttsai_server.domain import Music, Segment, Transcript, Word
from ttsai_server.services.harmony import Key


def published_transcript(transcript: Transcript, *, words: bool) -> bytes:
    """schemas.TranscriptBody; speakers are in it where the segments have them."""
    body = {
        "text": transcript.text,
        "language": transcript.language,
        "duration": to_milliseconds(transcript.seconds),
        "segments": [_published(segment, words=words) for segment in transcript.segments],
    }
    return orjson.dumps(body)


def published_music(music: Music, seconds: float) -> bytes:
    """schemas.MusicBody."""
    key = None if music.tonic is None else Key(music.tonic, music.minor)
    body = {
        "key": key and key.tonic_name,
        "scale": key and key.scale_name,
        "bpm": music.bpm and round(music.bpm, 1),
        "candidates": [{"bpm": round(tempo.bpm, 1), "confidence": round(tempo.confidence, 3)} for tempo in music.tempi],
        "time_signature": music.metre,
        "camelot": key and key.camelot,
        "compatible_keys": [other.name for other in key.compatible] if key else [],
        "confidence": {field: round(share, 3) for field, share in music.confidence.items()},
        "reasons": dict(music.reasons),
        "tuning_cents": None if music.tuning is None else round(music.tuning, 1),
        "duration": to_milliseconds(seconds),
    }
    return orjson.dumps(body)


def published_stems(task: str, model: str, seconds: float, stems: Mapping[str, str], credits: int) -> bytes:
    """schemas.StemsBody. stems: name → where it is."""
    body = {
        "task_id": task,
        "status": "completed",
        "model": model,
        "duration": to_milliseconds(seconds),
        "stems": dict(stems),
        "credits_used": credits,
    }
    return orjson.dumps(body)


def published_translation(
    heard: Transcript,
    translation: str,
    target: str,
    segments: Sequence[tuple[Segment, Segment]],
    files: Mapping[str, str],
    credits: int,
) -> bytes:
    """schemas.TranslationBody. segments: as heard, as spoken. files: name → where it is."""
    body = {
        "original_text": heard.text,
        "translated_text": translation,
        "source_language": heard.language,
        "target_language": target,
        "audio_url": files["audio"],
        "credits_used": credits,
        "duration": to_milliseconds(heard.seconds),
        "segments": [_translated(*pair) for pair in segments],
        "subtitles": {name: url for name, url in files.items() if name != "audio"},
    }
    return orjson.dumps(body)


def _translated(heard: Segment, spoken: Segment) -> dict[str, object]:
    return {
        **_published(heard, words=False),
        "translation": spoken.text,
        "audio_start": to_milliseconds(spoken.start),
        "audio_end": to_milliseconds(spoken.end),
    }


def _published(segment: Segment, *, words: bool) -> dict[str, object]:
    shown: dict[str, object] = {**times(segment), "text": segment.text}
    if segment.language:
        shown["language"] = segment.language
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
