"""Transcribes a recording step by step: a window of speech each."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from functools import partial

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import PartialTranscript, Segment, TranscriptionRequest
from ttsai_server.engines.base import Cancellation, Cancelled
from ttsai_server.engines.shared.transcription.windows import Chunk, read_window

SPEECH = 0.5
"""Probability of speech above which sound is transcribed."""

Hear = Callable[[Sequence[Chunk]], tuple[Sequence[Segment], str]]
"""The chunks of a window → their segments, and the language spoken most so far, ISO 639-1."""


def transcribed(
    recording: Recording,
    request: TranscriptionRequest,
    cancellation: Cancellation,
    hear: Hear,
    *,
    chunks: int = 1,
    threshold: float = SPEECH,
) -> Generator[PartialTranscript]:
    """One step for each window of at most so many chunks; without words unless they are requested.

    threshold: probability of speech above which sound is transcribed, 0 to 1. Raises Cancelled between two steps.
    """
    from ttsai_server.engines.shared.transcription.speech import detect

    position = 0
    while position < recording.frames:
        if cancellation.cancelled:
            raise Cancelled
        window = read_window(recording, position, chunks, partial(detect, threshold=threshold))
        segments, language = hear(window.chunks)
        start, position = position, window.end
        yield PartialTranscript(
            start / recording.rate,
            position / recording.rate,
            tuple(segment if request.words else replace(segment, words=()) for segment in segments),
            language,
            last=position >= recording.frames,
        )
