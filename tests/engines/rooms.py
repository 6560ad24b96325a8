"""Simulated rooms: a box, by the image method (Allen and Berkley 1979); and how near a sound is to what is wanted."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Sound = np.ndarray
"""float, (n,)."""
Place = tuple[float, float, float]
"""Metres."""
SPEED = 343.0
"""Metres a second."""
SIZE: Place = (6.2, 5.1, 2.9)
TALKER: Place = (4.6, 3.4, 1.6)
EARS: tuple[Place, ...] = ((2.1, 2.2, 1.4), (2.1, 2.0, 1.4))
"""2.8 m away, 20 cm apart."""
CORNER: Place = (5.9, 4.7, 1.7)
FAR_EARS: tuple[Place, ...] = ((0.5, 0.7, 1.2), (0.5, 0.5, 1.2))
"""6.7 m away from the corner, where even a room of .3 s costs words."""
EARLY = 0.05
"""Seconds: reflections that come sooner help to understand."""


@dataclass(frozen=True, slots=True)
class Room:
    responses: tuple[Sound, ...]
    """From the talker to each ear; sample 0 is the direct sound at the first, of size 1."""
    rate: int
    """Hertz."""

    def heard(self, said: Sound) -> Sound:
        """float32 (n, ears), half a second longer than what is said."""
        return np.stack([self._said(said, response) for response in self.responses], axis=1).astype(np.float32)

    def early(self, said: Sound) -> Sound:
        """float32 (n,): what the first ear hears within EARLY."""
        return self._said(said, self.responses[0][: round(EARLY * self.rate)]).astype(np.float32)

    def _said(self, said: Sound, response: Sound) -> Sound:
        size = len(said) + self.rate // 2
        whole = len(said) + len(response)
        return np.fft.irfft(np.fft.rfft(said, whole) * np.fft.rfft(response, whole), whole)[:size]


def room(seconds: float, rate: int, talker: Place = TALKER, ears: Sequence[Place] = EARS) -> Room:
    """A room of that reverberation time (RT60, measured from -5 to -25 dB), within a seventh.

    No ear is nearer to the talker than the first.
    """
    begin = math.dist(talker, ears[0])
    assert all(math.dist(talker, ear) >= begin for ear in ears)
    wanted = seconds
    for _ in range(4):
        near = _response(wanted, 16_000, 1.2 * seconds, talker, ears[0], begin)
        wanted *= seconds / reverberation_time(near, 16_000)
    return Room(tuple(_response(wanted, rate, 1.2 * seconds, talker, ear, begin) for ear in ears), rate)


def reverberation_time(response: Sound, rate: int) -> float:
    """Seconds, by Schroeder's backward integration."""
    left = np.cumsum(response[::-1] ** 2)[::-1]
    level = 10 * np.log10(left / left[0] + 1e-20)
    return float(3 * (np.argmax(level < -25) - np.argmax(level < -5)) / rate)


def direct_to_reverberant(response: Sound, rate: int) -> float:
    """Decibels."""
    direct = round(0.0025 * rate)
    return float(10 * np.log10(np.sum(response[:direct] ** 2) / np.sum(response[direct:] ** 2)))


def likeness(sound: Sound, wanted: Sound) -> float:
    """SI-SDR (Le Roux et al. 2019), decibels, over as much as both have."""
    count = min(len(sound), len(wanted))
    made, target = sound[:count].astype(float), wanted[:count].astype(float)
    target *= np.sum(made * target) / np.sum(target**2)
    return float(10 * np.log10(np.sum(target**2) / np.sum((made - target) ** 2)))


def _response(wanted: float, rate: int, seconds: float, talker: Place, ear: Place, begin: float) -> Sound:
    """From `begin` metres on. What the walls take, Sabine says of `wanted`; flat walls sound longer, so it is tried."""
    area = 2 * (SIZE[0] * SIZE[1] + SIZE[0] * SIZE[2] + SIZE[1] * SIZE[2])
    reflected = np.exp(-0.1611 * np.prod(SIZE) / (2 * area * wanted))
    (x, across), (y, along), (z, up) = (
        _images(length, said, heard, SPEED * seconds) for length, said, heard in zip(SIZE, talker, ear, strict=True)
    )
    response = np.zeros(round(seconds * rate))
    for far, bounces in zip(x, across, strict=True):
        distance = np.sqrt(far + y[:, None] + z)
        time = np.rint((distance - begin) / SPEED * rate).astype(int)
        there = (time >= 0) & (time < len(response))
        size = begin / distance * reflected ** (bounces + along[:, None] + up)
        response += np.bincount(time[there], size[there], len(response))
    return response


def _images(length: float, talker: float, ear: float, reach: float) -> tuple[Sound, Sound]:
    """Squared distances along one axis to the talker's images, and how many bounces each has had."""
    count = int(np.ceil(reach / (2 * length)))
    turns, side = np.meshgrid(np.arange(-count, count + 1), [0, 1], indexing="ij")
    distance = (1 - 2 * side) * talker + 2 * turns * length - ear
    return (distance**2).ravel(), (np.abs(turns - side) + np.abs(turns)).ravel()
