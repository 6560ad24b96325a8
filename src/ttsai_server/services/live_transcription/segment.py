"""A segment of an utterance: its sound as it grows, and when it is worth hearing."""

import asyncio
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from ttsai_server.services.live_transcription.plan import RATE, LivePlan

Samples = NDArray[np.float32]
"""float32 (n,), at RATE."""
LONGEST = 28 * RATE
"""Samples of a segment; with more, models whose input is 30 s would have to hear it in two parts."""
SEARCHED = 8 * RATE
"""Samples of its end in which the pause is looked for where a segment that has got too long is cut."""
BLOCK = RATE // 50
"""Samples whose loudness is measured to find a pause."""
NEAR = 10
"""Blocks that a pause should last."""
STEP = RATE
"""Samples of new sound that are worth another hearing."""
PAUSE = RATE // 5
"""Samples without speech after which a segment is heard at once: if it ends there, that was the last hearing."""


class Segment:
    """Grows until it is over. All its positions are samples from its start."""

    def __init__(self, plan: LivePlan, utterance: int, start: int, sound: Samples) -> None:
        """start: position of its first sample in all the sound."""
        self.plan = plan
        self.utterance = utterance
        self.start = start
        self.spoken = 0
        """Where the last speech ends."""
        self.settled = 0
        """Where the last stable word ends."""
        self.heard = 0
        """How far the latest hearing hears, or has heard."""
        self.reported = 0
        """How far of it has been reported, in frames."""
        self.last = True
        """Whether its utterance ends with it."""
        self.dropped = False
        """Whether nobody wants its text any more."""
        self.over = asyncio.Event()
        self._changed = asyncio.Event()
        self._sound = sound
        self._blocks: list[Samples] = []
        self.frames = len(sound)

    @property
    def seconds(self) -> float:
        return self.frames / RATE

    @property
    def sound(self) -> Samples:
        self._sound, self._blocks = np.concatenate([self._sound, *self._blocks]), []
        return self._sound

    def add(self, samples: Samples, *, speech: bool) -> None:
        """Append sound."""
        self._blocks.append(samples)
        self.frames += len(samples)
        if speech:
            self.spoken = self.frames
        self._changed.set()

    def end(self, *, last: bool = True) -> None:
        """It grows no more."""
        self.last = last
        self.over.set()
        self._changed.set()

    def drop(self) -> None:
        """Its text is not wanted any more."""
        self.dropped = True
        self.end()

    def cut(self) -> "Segment":
        """End it in its quietest place near the end, after all words that are stable. → the segment that goes on."""
        at = _quietest(self.sound, max(self.settled, self.frames - SEARCHED))
        rest = Segment(self.plan, self.utterance, self.start + at, self.sound[at:])
        rest.spoken = max(0, self.spoken - at)
        self._sound, self.frames, self.spoken = self.sound[:at], at, min(self.spoken, at)
        self.end(last=False)
        return rest

    def covered(self, end: int) -> bool:
        """Whether a hearing of its sound up to `end` has heard all that is said in it."""
        return not self.dropped and self.spoken <= end <= self.frames

    def is_heard(self, end: int) -> bool:
        """Whether a hearing up to `end` was the last one that it needs."""
        return self.over.is_set() and self.covered(end)

    async def worth_hearing(self, not_before: float) -> None:
        """Wait until it is over, or pauses after new speech, or a STEP of it is new.

        not_before: when the last of these counts, by the loop's clock.
        """
        now = asyncio.get_running_loop().time
        while not (self.over.is_set() or self._pauses() or (self._has_grown() and now() >= not_before)):
            self._changed.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(not_before - now() if self._has_grown() else None):
                    await self._changed.wait()

    async def ends_unheard(self, *, pauses: bool) -> None:
        """Wait until it is over, or with `pauses` pauses too, after speech that the latest hearing does not hear."""
        while not (self.over.is_set() and not self.covered(self.heard)) and not (pauses and self._pauses()):
            self._changed.clear()
            await self._changed.wait()

    def _pauses(self) -> bool:
        return self.heard < self.spoken <= self.frames - PAUSE

    def _has_grown(self) -> bool:
        return self.plan.partials and self.frames - self.heard >= STEP


def _quietest(sound: Samples, first: int) -> int:
    """The middle of the quietest place from sample `first` on; the end of the sound if there is no room for one."""
    blocks = sound[first : first + (len(sound) - first) // BLOCK * BLOCK].reshape(-1, BLOCK)
    if len(blocks) < NEAR:
        return len(sound)
    power = np.convolve(np.square(blocks).sum(1), np.ones(NEAR), "valid")
    return first + (int(np.argmin(power)) + NEAR // 2) * BLOCK
