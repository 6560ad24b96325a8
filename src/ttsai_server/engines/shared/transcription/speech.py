"""Finds speech in a sound by faster-whisper's Silero VAD, for the engines that transcribe chunks of speech."""

from faster_whisper.vad import VadOptions, get_speech_timestamps

from ttsai_server.engines.shared.detector import audible
from ttsai_server.engines.shared.transcription.windows import CHUNK, RATE, Sound, Stretch

PAUSE_MS = 160
"""Shortest silence between two stretches of speech, milliseconds."""


def detect(sound: Sound, threshold: float) -> list[Stretch]:
    """Stretches where Silero's probability of speech exceeds `threshold`, 0 to 1; at 0 the whole sound."""
    options = VadOptions(
        threshold=threshold,
        neg_threshold=max(threshold - 0.15, 0.01) if threshold else 0,
        max_speech_duration_s=CHUNK / RATE,
        min_silence_duration_ms=PAUSE_MS,
    )
    return [(stretch["start"], stretch["end"]) for stretch in get_speech_timestamps(audible(sound), options)]
