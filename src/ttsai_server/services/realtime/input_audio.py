"""The sound that a session is sent, until it becomes a part of the conversation."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ttsai_server.services.context import ServiceContext
from ttsai_server.services.realtime.config import Input
from ttsai_server.services.realtime.events import new_id
from ttsai_server.services.realtime.problems import Refused
from ttsai_server.services.realtime.sound import received
from ttsai_server.services.realtime.turn_detection import Started, TurnDetector

WIDTH = 2
"""Bytes of a sample in the buffer."""
LEAST_SECONDS = 0.1
"""Of a turn."""
KEPT_SECONDS = 0.2
"""Of sound before speech, beside the padding: what the detector needs to be sure of it."""
PAUSE_SECONDS = 0.2
"""Of silence that may be the end of a turn."""


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    item_id: str
    """Of the message that it becomes."""
    milliseconds: int
    """From the session's first sound."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What somebody said."""

    item_id: str
    samples: NDArray[np.int16]
    """At the rate of the session's input."""
    rate: int
    milliseconds: int
    """Where it ends, from the session's first sound."""
    spoken: int | None = None
    """Where the last speech in it ends, samples likewise; None: it was not looked for."""

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate


def too_little(seconds: float) -> Refused:
    """Of sound for a message."""
    return Refused(
        "input_audio_buffer_commit_empty",
        f"Error committing input audio buffer: buffer too small. Expected at least 100ms of audio, but buffer only has "
        f"{seconds * 1000:.2f}ms of audio.",
    )


class InputAudio:
    """The buffer of the session's input, and the detector of turns, if there is one."""

    def __init__(self, context: ServiceContext, config: Input) -> None:
        self._context = context
        self._longest = context.settings.chat.max_seconds
        """Seconds of one turn."""
        self._samples = bytearray()
        """16 bits each."""
        self._begin = 0
        """Where the buffer begins, samples from the session's first sound."""
        self._end = 0
        self._item_id = new_id("item")
        self._detector: TurnDetector | None = None
        self._detects_from = 0
        """Where the detector's sound began, samples likewise."""
        self._config = config

    @property
    def empty(self) -> bool:
        return self._begin == self._end

    def configure(self, config: Input) -> None:
        """From now on. Raises Refused if another format comes in the middle of a sound."""
        if config.format != self._config.format:
            if not self.empty:
                raise Refused("invalid_value", "The buffer has sound of another format.", "session.audio.input.format")
            old, new = self._config.format.hertz, config.format.hertz
            self._begin = self._end = self._end * new // old
            self._detector = None
        if config.turn_detection != self._config.turn_detection:
            self._detector = None
        self._config = config

    async def append(self, audio: str) -> list[SpeechStarted | Turn]:
        """Add base64 of an event. → what the detector finds in it. Raises Refused."""
        samples = received(audio, self._config.format)
        if self._seconds(self._end - self._begin + len(samples)) > self._longest and not self._config.turn_detection:
            raise Refused("input_audio_buffer_full", f"A turn has at most {self._longest:g} s: commit it.", "audio")
        if len(samples) > self._longest * self._rate:
            raise Refused("input_audio_buffer_full", f"An event has at most {self._longest:g} s of sound.", "audio")
        self._samples += samples.tobytes()
        self._end += len(samples)
        return await self._detect(samples) if self._config.turn_detection else []

    @property
    def pause(self) -> int | None:
        """Where the speech of the turn that goes on ended, samples from the session's first sound; None: it goes on."""
        if not (self._detector and self._detector.speaking and self._detector.silence >= PAUSE_SECONDS):
            return None
        return self._place(self._detector.spoken)

    def so_far(self, spoken: int) -> Turn:
        """The turn that goes on; spoken: as `pause`."""
        return Turn(self._item_id, self._sound(self._end), self._rate, self._milliseconds(self._end), spoken)

    def commit(self) -> Turn:
        """All that is in the buffer; then it is empty. Raises Refused if that is too little."""
        seconds = self._seconds(self._end - self._begin)
        if seconds < LEAST_SECONDS:
            raise too_little(seconds)
        if self._detector:
            self._detector.stop()
        return self._take(self._end)

    def clear(self) -> None:
        """Forget all that is in the buffer."""
        if self._detector:
            self._detector.stop()
        self._drop(self._end)

    async def _detect(self, samples: NDArray[np.int16]) -> list[SpeechStarted | Turn]:
        assert self._config.turn_detection
        if self._detector is None:
            self._detector = TurnDetector(self._context, self._rate, self._config.turn_detection)
            self._detects_from = self._end - len(samples)
        detector, found = self._detector, list[SpeechStarted | Turn]()
        for each in await detector.add(samples):
            at = self._place(each.at)
            if isinstance(each, Started):
                padding = self._config.turn_detection.prefix_padding_ms / 1000
                self._drop(at - round(padding * self._rate))
                found.append(SpeechStarted(self._item_id, self._milliseconds(self._begin)))
            else:
                found.append(self._take(at, self._place(each.spoken)))
        if not detector.speaking:
            kept = KEPT_SECONDS + self._config.turn_detection.prefix_padding_ms / 1000
            self._drop(self._end - round(kept * self._rate))
        elif self._seconds(self._end - self._begin) > self._longest:
            detector.stop()
            found.append(self._take(self._end))
        return found

    def _take(self, end: int, spoken: int | None = None) -> Turn:
        turn = Turn(self._item_id, self._sound(end), self._rate, self._milliseconds(end), spoken)
        self._drop(end)
        self._item_id = new_id("item")
        return turn

    def _sound(self, end: int) -> NDArray[np.int16]:
        return np.frombuffer(bytes(self._samples[: WIDTH * (end - self._begin)]), np.int16)

    def _place(self, seconds: float) -> int:
        """Sample of the session's sound at a moment of the detector's."""
        return min(self._detects_from + round(seconds * self._rate), self._end)

    def _drop(self, begin: int) -> None:
        """Forget what is before that."""
        begin = max(begin, self._begin)
        del self._samples[: WIDTH * (begin - self._begin)]
        self._begin = begin

    @property
    def _rate(self) -> int:
        return self._config.format.hertz

    def _seconds(self, samples: int) -> float:
        return samples / self._rate

    def _milliseconds(self, sample: int) -> int:
        return round(self._seconds(sample) * 1000)
