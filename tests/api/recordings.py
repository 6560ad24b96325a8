"""Recordings for tests of the audio tools, and functions that upload them."""

import io
from typing import Any

import httpx
import numpy as np
from tests.containers import Samples, melody
from tests.live import Live

from ttsai_server.audio.decode import Bounds, decode
from ttsai_server.audio.encode import Encoder
from ttsai_server.audio.recording import Recording

RATE = 44_100
SONG = melody(1.5, RATE, 2)
SIXTY_ONE_SECONDS = np.zeros((8000 * 61, 1), np.float32)


def encoded(samples: Samples, rate: int = RATE, format: str = "flac", **target: Any) -> bytes:
    file = io.BytesIO()
    encoder = Encoder(format, rate, channels=samples.shape[1], file=file, **target)
    encoder.push(samples)
    encoder.finish()
    return file.getvalue()


def sent(
    server: Live, tool: str, sound: bytes, *, key: Any = None, headers: Any = None, **fields: Any
) -> httpx.Response:
    path = tool if tool.startswith("/") else f"/v1/audio/{tool}/"
    return server.client(key).post(path, files={"file": ("a.flac", sound)}, data=fields, headers=headers)


def heard(data: bytes) -> tuple[Samples, Recording]:
    with decode(io.BytesIO(data), Bounds(3600)) as recording:
        return recording.read(0, recording.frames), recording
