"""How large the index of an ISO media file (MP4, M4A, MOV) is, before FFmpeg allocates memory for it."""

import re
from typing import BinaryIO

_SAMPLE_SIZES = re.compile(rb"(?:stsz|stz2).{8}(.{4})", re.DOTALL)
"""Sample size box (ISO/IEC 14496-12, 8.7.3): version, flags, size or field size, then the count of samples."""
_MOST_BOXES = 4096
_MOST_BYTES = 32 << 20
"""Longest `moov` that is read; `decode` reads no more of a head either."""


def index_entries(file: BinaryIO) -> int:
    """How many packets the indices of all its tracks say they have, which need not be there. Changes its position."""
    return sum(int.from_bytes(found[1], "big") for index in _indices(file) for found in _SAMPLE_SIZES.finditer(index))


def _indices(file: BinaryIO) -> list[bytes]:
    """The `moov` boxes at the top level."""
    found, position, left = list[bytes](), 0, _MOST_BYTES
    for _ in range(_MOST_BOXES):
        file.seek(position)
        head = file.read(16)
        size = int.from_bytes(head[:4], "big")
        size = int.from_bytes(head[8:], "big") if size == 1 else size
        if head[4:8] == b"moov":
            file.seek(position)
            found.append(file.read(min(size, left) if size else left))
            left -= len(found[-1])
        if len(head) < 8 or size < 8:
            break
        position += size
    return found
