"""The engine alone, called in a process with nothing else in it, on the chunks that the server would make.

Run by `benchmarks.speech_cost`: one JSON object a line in, {"text"}, and one out, {"cpu", "audio"}, both in seconds.
"""

import json
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from time import process_time

from benchmarks.processes import running
from ttsai_server.domain import SpeechRequest, Voice
from ttsai_server.engines.base import Cancellation, Synthesizer
from ttsai_server.engines.catalog import Catalog
from ttsai_server.runtime.loading import loader
from ttsai_server.settings import Settings
from ttsai_server.text.split import pieces


@contextmanager
def alone(model: str, voice: str) -> Generator["subprocess.Popen[str]"]:
    """A process for `cost`, with the engine loaded and warm."""
    with running([sys.executable, "-m", "benchmarks.raw", model, voice]) as process:
        yield process


def cost(process: "subprocess.Popen[str]", text: str) -> tuple[float, float]:
    """→ CPU-seconds spent on the text, seconds of sound made."""
    assert process.stdin
    assert process.stdout
    print(json.dumps({"text": text}), file=process.stdin, flush=True)
    told = json.loads(process.stdout.readline())
    return told["cpu"], told["audio"]


class _Engine:
    def __init__(self, model: str, voice: str) -> None:
        settings = Settings()
        catalog = Catalog.read(settings.models.cards, demo=True)
        self._card = catalog.models[model]
        self._voice: Voice = catalog.speakers[voice]
        engine = loader(settings.models)(self._card)
        assert isinstance(engine, Synthesizer)
        self._engine = engine

    def speak(self, text: str) -> float:
        """→ seconds of sound."""
        language, card, seconds = self._voice.language, self._card, 0.0
        for piece in pieces(text, card.first_chars, card.chunk_chars, language.split("-")[0]):
            request = SpeechRequest(piece.text, ((self._voice.id, 1.0),), language)
            seconds += sum(audio.seconds for audio in self._engine.synthesize(request, Cancellation()))
        return seconds


def _serve() -> None:
    engine = _Engine(*sys.argv[1:3])
    for line in sys.stdin:
        before = process_time()
        audio = engine.speak(json.loads(line)["text"])
        print(json.dumps({"cpu": process_time() - before, "audio": audio}), flush=True)


if __name__ == "__main__":
    _serve()
