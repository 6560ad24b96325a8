"""An engine that speaks as vividly as it is told to: the tone engine, louder the more it exaggerates."""

from collections.abc import Generator
from dataclasses import replace

from pydantic import Field

from ttsai_server.domain import Audio, SpeechRequest
from ttsai_server.engines.base import Cancellation
from ttsai_server.engines.tone import Tone


class Dramatic(Tone):
    class Options(Tone.Options):
        exaggeration: float = Field(default=0.5, ge=0, le=2)

    def synthesize(self, request: SpeechRequest, cancellation: Cancellation) -> Generator[Audio]:
        loudness = self.Options.model_validate(dict(request.options)).exaggeration
        for audio in super().synthesize(request, cancellation):
            yield replace(audio, samples=audio.samples * loudness)
