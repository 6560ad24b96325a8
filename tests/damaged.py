"""Files as a broken disk, a cut connection or an enemy leaves them; the same seed gives the same files."""

import random
from collections.abc import Callable, Iterator, Sequence

_Damage = Callable[[random.Random, bytes, bytes], bytes]
"""(chance, a whole file, another) → a damaged one."""


def damaged(seed: int, count: int, originals: Sequence[bytes]) -> Iterator[bytes]:
    """`count` files, each kind of damage in turn, done to whole files drawn from `originals`."""
    chance = random.Random(seed)
    for number in range(count):
        one, other = chance.choice(originals), chance.choice(originals)
        yield _DAMAGES[number % len(_DAMAGES)](chance, one, other)


def _flipped(chance: random.Random, one: bytes, other: bytes) -> bytes:
    """Up to 64 bits turned over, anywhere."""
    data = bytearray(one)
    for _ in range(chance.randint(1, 64)):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return bytes(data)


def _flipped_head(chance: random.Random, one: bytes, other: bytes) -> bytes:
    """Up to 8 bytes of the first or last 512 drawn anew, where sizes and counts are."""
    data = bytearray(one)
    near = min(512, len(data))
    for _ in range(chance.randint(1, 8)):
        data[chance.randrange(near) - chance.choice((0, near))] = chance.randrange(256)
    return bytes(data)


def _inflated(chance: random.Random, one: bytes, other: bytes) -> bytes:
    """A field of 2, 4 or 8 bytes near the start or end set to all it can hold, or nearly."""
    data = bytearray(one)
    width = chance.choice((2, 4, 8))
    near = min(chance.choice((64, 1024)), len(data) - width)
    begin = chance.randrange(near) if chance.random() < 0.7 else len(data) - width - chance.randrange(near)
    full = chance.choice((b"\xff", b"\x7f", b"\x00")) + chance.choice((b"\xff", b"\x00")) * (width - 1)
    data[begin : begin + width] = full if chance.random() < 0.5 else full[::-1]
    return bytes(data)


def _cut(chance: random.Random, one: bytes, other: bytes) -> bytes:
    return one[: chance.randrange(len(one))]


def _beheaded(chance: random.Random, one: bytes, other: bytes) -> bytes:
    return one[chance.randrange(1, min(4096, len(one))) :]


def _wrong_head(chance: random.Random, one: bytes, other: bytes) -> bytes:
    """One format's head before another's body."""
    size = chance.choice((4, 12, 44, 256, 1024))
    return other[:size] + one[size:]


def _spliced(chance: random.Random, one: bytes, other: bytes) -> bytes:
    return one[: chance.randrange(len(one))] + other[chance.randrange(len(other)) :]


def _holed(chance: random.Random, one: bytes, other: bytes) -> bytes:
    """A stretch of it zeros, as a download leaves that skipped a block."""
    begin = chance.randrange(len(one))
    size = min(chance.randint(1, 8192), len(one) - begin)
    return one[:begin] + bytes(size) + one[begin + size :]


def _repeated(chance: random.Random, one: bytes, other: bytes) -> bytes:
    """A stretch of it many times over: heads inside of heads, packets without end."""
    begin = chance.randrange(len(one))
    part = one[begin : begin + chance.randint(1, 512)]
    return one[:begin] + part * chance.randint(2, 200) + one[begin:]


def _random(chance: random.Random, one: bytes, other: bytes) -> bytes:
    """Noise, half the time behind a true head."""
    head = one[: chance.choice((4, 16, 64, 256))] if chance.random() < 0.5 else b""
    return head + chance.randbytes(chance.randint(0, 20_000))


_DAMAGES: Sequence[_Damage] = (
    _flipped,
    _flipped_head,
    _inflated,
    _cut,
    _beheaded,
    _wrong_head,
    _spliced,
    _holed,
    _repeated,
    _random,
)
