"""What the tests of decoding ask of it, and files that they decode."""

import io
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.containers import Samples

from ttsai_server.audio.decode import Bounds, decode
from ttsai_server.audio.encode import Encoder
from ttsai_server.errors import BadRequest

MINUTE = Bounds(60)


def decoded(data: bytes, bounds: Bounds = MINUTE, rate: int | None = None, channels: int | None = None) -> Samples:
    with decode(io.BytesIO(data), bounds, rate=rate, channels=channels) as recording:
        return recording.read(0, 10**8)


def refusal(data: bytes, bounds: Bounds = MINUTE) -> str:
    with pytest.raises(BadRequest) as caught:
        decode(io.BytesIO(data), bounds)
    assert caught.value.param == "file"
    return caught.value.message


def peak(work: Callable[[], object]) -> float:
    """Megabytes by which the process's resident memory grows at most while `work` runs."""

    def status(field: str) -> float:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(field))

    Path("/proc/self/clear_refs").write_text("5")  # the peak so far is forgotten
    before = status("VmRSS")
    work()
    return status("VmHWM") - before


def silent_flac(seconds: int) -> bytes:
    """Hours of it are some kilobytes."""
    file = io.BytesIO()
    encoder = Encoder("flac", 8000, file=file)
    for _ in range(seconds // 10):
        encoder.push(np.zeros((80_000, 1), np.float32))
    encoder.finish()
    return file.getvalue()


def wav(rate: int, channels: int, data: bytes = bytes(4000)) -> bytes:
    head = struct.pack("<HHIIHH", 1, channels, rate, rate * channels * 2 & 0xFFFFFFFF, channels * 2 & 0xFFFF, 16)
    body = b"WAVEfmt " + struct.pack("<I", len(head)) + head + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body
