"""The engine alone, called in a process with nothing else in it, on the chunks that the server makes of a text.

What counts as its sound is what the server sends of it: the engine puts silence around every chunk, the server's
`Joiner` cuts that down, and CPU-seconds by different seconds would tell nothing. Only the engine's own work is timed,
not the joining. Run by `benchmarks.speech_cost`: one JSON object a line in, {"text"}, and one `Sound` a line out.
"""

import json
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from time import process_time

from benchmarks.processes import running
from ttsai_server.audio.dsp import Joiner
from ttsai_server.domain import Preset, SpeechRequest, Voice
from ttsai_server.engines.base import Cancellation, Synthesizer
from ttsai_server.engines.catalog import Catalog
from ttsai_server.runtime.loading import load
from ttsai_server.settings import Settings
from ttsai_server.text.split import pieces


@contextmanager
def alone(model: str, voice: str) -> Generator["subprocess.Popen[str]"]:
    """A process for `cost`, with the engine loaded and warm."""
    with running([sys.executable, "-m", "benchmarks.raw", model, voice]) as process:
        yield process


@dataclass(slots=True)
class Sound:
    """All in seconds."""

    cpu: float = 0.0
    made: float = 0.0
    """By the engine."""
    heard: float = 0.0
    """Joined as the server joins it."""


def cost(process: "subprocess.Popen[str]", text: str) -> Sound:
    assert process.stdin
    assert process.stdout
    print(json.dumps({"text": text}), file=process.stdin, flush=True)
    return Sound(**json.loads(process.stdout.readline()))


class _Engine:
    def __init__(self, model: str, voice: str) -> None:
        settings = Settings()
        catalog = Catalog.read(settings.models.cards, demo=True)
        self._card = catalog.models[model]
        self._voice: Voice = catalog.speakers[voice]
        engine = load(self._card, settings.models)
        assert isinstance(engine, Synthesizer)
        self._engine = engine

    def speak(self, text: str) -> Sound:
        language, card, sound, joiner = self._voice.language, self._card, Sound(), Joiner(self._card.rate)
        for piece in pieces(text, card.chunk_chars, language.split("-")[0]):
            began = process_time()
            parts = list(self._engine.synthesize(self._request(piece.text), Cancellation()))
            sound.cpu += process_time() - began
            sound.made += sum(part.seconds for part in parts)
            joined = [*(joiner.push(part.samples) for part in parts), joiner.end(piece.pause)]
            sound.heard += sum(map(len, joined)) / card.rate
        return sound

    def _request(self, text: str) -> SpeechRequest:
        return SpeechRequest(text, (Preset(self._voice.id),), self._voice.language)


def _serve() -> None:
    engine = _Engine(*sys.argv[1:3])
    for line in sys.stdin:
        print(json.dumps(asdict(engine.speak(json.loads(line)["text"]))), flush=True)


if __name__ == "__main__":
    _serve()
