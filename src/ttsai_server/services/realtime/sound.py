"""The sound of a session: what it is sent, to 16 kHz for the voice detector; what is spoken, to the client's format."""

import binascii
import wave
from base64 import b64decode
from io import BytesIO

import numpy as np
import soxr
from numpy.typing import NDArray

from ttsai_server.audio import g711
from ttsai_server.audio.encode import to_int16
from ttsai_server.services.realtime.config import Format
from ttsai_server.services.realtime.problems import Refused


def received(audio: str, format: Format) -> NDArray[np.int16]:
    """The samples in an event's base64, at the format's rate. Raises Refused."""
    try:
        data = b64decode(audio, validate=True)
    except (binascii.Error, ValueError):
        raise Refused("invalid_value", "The audio is not valid base64.", "audio") from None
    if len(data) % format.width:
        raise Refused("invalid_value", f"The audio is not a whole number of {format.width} byte samples.", "audio")
    return g711.decode(data, format.law) if format.law else np.frombuffer(data, "<i2").astype(np.int16)


def as_floats(samples: NDArray[np.int16]) -> NDArray[np.float32]:
    """In [-1, 1]."""
    return np.divide(samples, 32768, dtype=np.float32)


def as_wav(samples: NDArray[np.int16], rate: int) -> BytesIO:
    """A WAV file, mono."""
    file = BytesIO()
    with wave.open(file, "wb") as target:
        target.setnchannels(1)
        target.setsampwidth(2)
        target.setframerate(rate)
        target.writeframes(samples.astype("<i2").tobytes())
    file.seek(0)
    return file


class OutputSound:
    """Converts a stream of 16-bit sound, mono, to the client's rate and format."""

    def __init__(self, rate: int, format: Format) -> None:
        """rate: Hertz, of the input."""
        self.seconds = 0.0
        """Length of the output so far."""
        self._format = format
        self._resampler = None if rate == format.hertz else soxr.ResampleStream(rate, format.hertz, 1, "float32")

    def add(self, pcm: bytes, *, last: bool = False) -> bytes:
        """What can be sent now; with the last part, all of it."""
        samples = np.frombuffer(pcm, "<i2").astype(np.int16)
        if self._resampler:
            samples = to_int16(self._resampler.resample_chunk(as_floats(samples), last=last))
        self.seconds += len(samples) / self._format.hertz
        return g711.encode(samples, self._format.law) if self._format.law else samples.astype("<i2").tobytes()
