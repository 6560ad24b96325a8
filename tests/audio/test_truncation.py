"""What a file promises of its own size, whatever else is in it."""

from io import BytesIO
from itertools import count

from hypothesis import example, given
from hypothesis import strategies as st

from ttsai_server.audio.truncation import missing_bytes

BEGINNINGS = [b"RIFF....WAVE", b"RIFF....AVI ", b"FORM....AIFF", b"caff", b"ID3", b"\xff\xfb", b"\0\0\0\x18ftyp"]
ASF, MATROSKA = bytes.fromhex("3026B2758E66CF11A6D900AA0062CE6C"), bytes.fromhex("1A45DFA3")
INSIDE = [b"Xing", b"Info", b"ID3\4", b"\xff", b"data", b"fmt ", bytes.fromhex("18538067")]
BODIES = st.lists(st.sampled_from(INSIDE) | st.binary(max_size=20), max_size=9).map(b"".join)
LONGEST_WALK = 10_000
"""Reads that are few enough for a file of any size."""


@given(st.sampled_from([*BEGINNINGS, ASF, MATROSKA]), BODIES)
@example(b"\xff", b" Xing")
@example(b"\xff\xfb" + bytes(56), b"Info" + bytes(99))
def test_no_file_raises(beginning: bytes, body: bytes) -> None:
    assert missing_bytes(BytesIO(beginning + body)) >= 0


def test_a_file_of_nothing_but_tags_is_not_walked_to_its_end() -> None:
    class Counted(BytesIO):
        reads = count()

        def read(self, size: int | None = -1, /) -> bytes:
            assert next(self.reads) < LONGEST_WALK
            return super().read(size)

    assert missing_bytes(Counted(b"ID3\4\0\0\0\0\0\0" * (LONGEST_WALK + 1))) == 0
