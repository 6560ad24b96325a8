"""Detects truncated files before decoding: compares the size stated in a file's headers with its actual size.

WAV, AVI, AIFF and CAF (chunk sizes), ISO base media (ISO/IEC 14496-12, box sizes), Matroska and WebM (RFC 9559, size of
the Segment), ASF (file properties), MP3 (the bytes field of a Xing or Info header). Ogg, ADTS, AMR, FLV, MPEG-TS and an
MP3 without such a header state no size; FLAC states its number of samples, which `decode` checks.
"""

from collections.abc import Callable
from typing import BinaryIO, Literal

_MOST_CHUNKS = 4096
"""Chunks read before the walk gives up: a hostile file may have millions."""
_OPEN = 0x7FFF_0000
"""A 32-bit size from here on means "until the end of the file": written by recorders that can't seek back."""
_SLIP, _SHARE, _SLACK_SECONDS = 64, 100, 0.5
"""Tolerance, for writers miscount: 64 bytes, or one byte in 100 but no more than .5 s of sound, may be missing."""
_BOXES = frozenset(b"ftyp moov mdat free skip wide moof mfra uuid meta styp sidx udta pnot".split())
_ASF = bytes.fromhex("3026B2758E66CF11A6D900AA0062CE6C")
_ASF_PROPERTIES = bytes.fromhex("A1DCAB8C47A9CF118EE400C00C205365")
_SEGMENT = bytes.fromhex("18538067")


def missing_bytes(file: BinaryIO) -> int:
    """How many bytes the file lacks of the size in its headers; 0 if it is complete or its format states no size.

    A slight difference in a WAV, AIFF or CAF is ignored as an error of the program that wrote it.

    file: seekable; its position changes.
    """
    head = _at(file, 0, 32)
    for offset, magic, walk in _WALKS:
        if head[offset : offset + len(magic)] == magic:
            end = walk(file)
            absent = max(0, end - file.seek(0, 2))
            return 0 if magic in _TOLERATED and absent <= _slack(head, end) else absent
    return max(0, _boxes(file) - file.seek(0, 2)) if head[4:8] in _BOXES else 0


def is_iso(file: BinaryIO) -> bool:
    """Whether it is an ISO base media file: MP4, M4A, MOV. Changes the file's position."""
    return _at(file, 4, 4) in _BOXES


def _slack(head: bytes, end: int) -> float:
    """How many bytes may be missing of a file that should end at byte `end`."""
    per_second = int.from_bytes(head[28:32], "little") if head[12:16] == b"fmt " else 0
    return min(max(_SLIP, end // _SHARE), max(_SLIP, _SLACK_SECONDS * per_second) if per_second else 1 << 16)


def _at(file: BinaryIO, position: int, count: int) -> bytes:
    file.seek(position)
    return file.read(count)


def _chunks(file: BinaryIO, order: Literal["little", "big"], sound: bytes) -> int:
    """Byte at which the chunk `sound` ends; 0 if its size is not stated."""
    position = 12
    for _ in range(_MOST_CHUNKS):
        head = _at(file, position, 8)
        size = int.from_bytes(head[4:], order)
        if len(head) < 8 or head[:4] == sound:
            return 0 if len(head) < 8 or not 0 < size < _OPEN else position + 8 + size
        position += 8 + size + size % 2
    return 0


def _caf(file: BinaryIO) -> int:
    position = 8
    for _ in range(_MOST_CHUNKS):
        head = _at(file, position, 12)
        size = int.from_bytes(head[4:], "big", signed=True)
        if len(head) < 12 or size < 0:
            return 0
        position += 12 + size
        if head[:4] == b"data":
            return position
    return 0


def _boxes(file: BinaryIO) -> int:
    position = 0
    for _ in range(_MOST_CHUNKS):
        head = _at(file, position, 16)
        size = int.from_bytes(head[:4], "big")
        if size == 1:
            size = int.from_bytes(head[8:], "big")
        if len(head) < 8 or size < 8 or head[4:8] not in _BOXES:
            break
        position += size
    return position


def _avi(file: BinaryIO) -> int:
    """End of the first RIFF chunk, the only one in a file under 2 GB."""
    size = int.from_bytes(_at(file, 4, 4), "little")
    return 8 + size if 0 < size < _OPEN else 0


def _asf(file: BinaryIO) -> int:
    """File size in the file properties; 0 for a broadcast."""
    head = _at(file, 0, 1 << 16)
    found = head.find(_ASF_PROPERTIES)
    broadcast = found < 0 or head[found + 88 : found + 89] != b"\x02"
    return 0 if broadcast else int.from_bytes(head[found + 40 : found + 48], "little")


def _segment(file: BinaryIO) -> int:
    """End of the Segment, which is everything after the EBML header; 0 if its size is unknown (a live recording)."""
    head = _at(file, 0, 64)
    begin = head.find(_SEGMENT) + len(_SEGMENT)
    width = 9 - head[begin].bit_length() if len(_SEGMENT) <= begin < len(head) else 9
    size = int.from_bytes(head[begin : begin + width], "big") & (1 << 7 * width) - 1
    return 0 if width > 8 or size == (1 << 7 * width) - 1 else begin + width + size


def _mpeg(file: BinaryIO) -> int:
    """End of an MP3's last frame according to its Xing or Info header; 0 without one."""
    begin = 0
    for _ in range(_MOST_CHUNKS):
        tag = _at(file, begin, 10)
        if tag[:3] != b"ID3" or len(tag) < 10:
            break
        begin += 10 + sum((byte & 0x7F) << shift for byte, shift in zip(tag[6:], (21, 14, 7, 0), strict=True))
    frame = _at(file, begin, 64)
    found = max(frame.find(b"Xing"), frame.find(b"Info"))
    flags = int.from_bytes(frame[found + 7 : found + 8])
    if frame[:1] != b"\xff" or found < 0 or not flags & 2:
        return 0
    fields = frame[found + 8 + 4 * (flags & 1) :]
    return begin + int.from_bytes(fields[:4], "big")


_WALKS: tuple[tuple[int, bytes, Callable[[BinaryIO], int]], ...] = (
    (8, b"WAVE", lambda file: _chunks(file, "little", b"data")),
    (8, b"AVI ", _avi),
    (0, _ASF, _asf),
    (8, b"AIFF", lambda file: _chunks(file, "big", b"SSND")),
    (8, b"AIFC", lambda file: _chunks(file, "big", b"SSND")),
    (0, b"caff", _caf),
    (0, bytes.fromhex("1A45DFA3"), _segment),
    (0, b"ID3", _mpeg),
    (0, b"\xff", _mpeg),
)
"""Offset of the magic number, the magic number, the function that returns where the file should end."""
_TOLERATED = (b"WAVE", b"AIFF", b"AIFC", b"caff")
