"""faster-whisper alone, called in a process with nothing else in it, with the options that our adapter gives it.

Run by `benchmarks.listening`: one JSON object a line in, {"file"}, and one out, {"cpu"} in seconds and {"words"}.
"""

import json
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from time import process_time
from typing import Any

from benchmarks.processes import running
from ttsai_server.settings import Settings

BATCH = 2
"""Chunks of 30 s in one step, as the adapter has it on a processor."""


@contextmanager
def alone(model: str) -> Generator["subprocess.Popen[str]"]:
    """A process for `cost`, with the model loaded."""
    with running([sys.executable, "-m", "benchmarks.raw_listening", model]) as process:
        yield process


def cost(process: "subprocess.Popen[str]", file: str) -> float:
    """→ CPU-seconds spent on the file, decoding included."""
    assert process.stdin
    assert process.stdout
    print(json.dumps({"file": file}), file=process.stdin, flush=True)
    return json.loads(process.stdout.readline())["cpu"]


def _serve(model: str) -> None:
    from faster_whisper import BatchedInferencePipeline, WhisperModel

    weights = Settings().models.dir / model
    loaded = WhisperModel(str(weights), device="cpu", compute_type="int8", cpu_threads=1, num_workers=2)
    pipeline: Any = BatchedInferencePipeline(loaded)
    for line in sys.stdin:
        before = process_time()
        segments, _ = pipeline.transcribe(
            json.loads(line)["file"], language="en", beam_size=5, batch_size=BATCH, without_timestamps=False
        )
        words = sum(len(segment.text.split()) for segment in segments)
        print(json.dumps({"cpu": process_time() - before, "words": words}), flush=True)


if __name__ == "__main__":
    _serve(sys.argv[1])
