"""Files that ask for too much: channels, rates, lengths, tracks, pictures, other files."""

import io
import struct
import time
from pathlib import Path

import numpy as np
import pytest
from tests.audio.decoding import decoded, peak, refusal, silent_flac, wav
from tests.containers import KINDS, contained, melody

from ttsai_server.audio.decode import Bounds, decode
from ttsai_server.errors import FileTooLarge


@pytest.mark.parametrize("channels", [9, 500])
def test_too_many_channels_are_refused(channels: int):
    assert f"{channels} channels" in refusal(wav(8000, channels))


def test_channels_beyond_all_measure_are_refused_at_once():
    assert peak(lambda: refusal(wav(8000, 65_535))) < 30


@pytest.mark.parametrize("rate", [1, 999, 400_000, 2**31 - 1])
def test_a_rate_out_of_bounds_is_refused(rate: int):
    assert "sample rate" in refusal(wav(rate, 1))


@pytest.mark.parametrize("name", ["mp3", "wav-s16le", "flac", "ogg-opus", "m4a", "webm", "aac"])
def test_a_file_over_the_longest_is_too_large(name: str):
    data = contained(KINDS[name], melody(3.0), 48_000)
    with pytest.raises(FileTooLarge, match="long"):
        decode(io.BytesIO(data), Bounds(2.0))


def test_a_file_of_the_longest_is_not():
    assert len(decoded(contained(KINDS["wav-s16le"], melody(3.0), 48_000), Bounds(3.0))) == 3 * 48_000


@pytest.mark.parametrize("name", ["flac", "wav-s16le"])
def test_a_file_of_more_samples_than_are_taken_is_too_large(name: str):
    data = contained(KINDS[name], melody(3.0, channels=2), 48_000)
    assert len(decoded(data, Bounds(60, samples=3 * 96_000))) == 3 * 48_000
    with pytest.raises(FileTooLarge, match="samples in all its channels"):
        decode(io.BytesIO(data), Bounds(60, samples=1.5 * 96_000))


class Counted(io.BytesIO):
    taken = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.taken += len(data)
        return data


def test_of_a_file_that_is_too_long_the_rest_is_not_read():
    file = Counted(wav(48_000, 2, bytes(20_000_000)))
    with pytest.raises(FileTooLarge):
        decode(file, Bounds(1.0))
    assert file.taken < 2_000_000


def test_hours_of_silence_in_a_few_bytes_stop_at_the_longest():
    endless = bytearray(silent_flac(3600))
    endless[21:26] = (endless[21] & 0xF0, 0, 0, 0, 0)  # the head no longer tells the length
    assert len(endless) < 1_000_000
    begun = time.process_time()
    with pytest.raises(FileTooLarge):
        decode(io.BytesIO(endless), Bounds(60))
    assert time.process_time() - begun < 1.0


def box(name: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I", 8 + len(body)) + name + body


def indexed(count: int, tracks: int = 1) -> bytes:
    """An M4A of some hundred bytes whose index says that it has `count` packets of a byte each."""
    entry = box(b"mp4a", bytes(6), struct.pack(">H8xHHHHI", 1, 2, 16, 0, 0, 44_100 << 16))
    table = box(
        b"stbl",
        box(b"stsd", struct.pack(">II", 0, 1), entry),
        box(b"stts", struct.pack(">IIII", 0, 1, count, 2)),
        box(b"stsc", struct.pack(">IIIII", 0, 1, 1, count, 1)),
        box(b"stsz", struct.pack(">III", 0, 1, count)),
        box(b"stco", struct.pack(">III", 0, 1, 40)),
    )
    media = box(
        b"mdia",
        box(b"mdhd", struct.pack(">IIIIII", 0, 0, 0, 44_100, 44_100, 0)),
        box(b"hdlr", bytes(8), b"soun", bytes(13)),
        box(b"minf", box(b"smhd", bytes(8)), table),
    )
    head = box(b"tkhd", struct.pack(">IIIIII", 0, 0, 0, 1, 0, 44_100), bytes(60))
    movie = box(b"mvhd", struct.pack(">IIIII", 0, 0, 0, 1000, 1000), bytes(80))
    return (
        box(b"ftyp", b"M4A ", bytes(4))
        + box(b"mdat", bytes(100))
        + box(b"moov", movie, box(b"trak", head, media) * tracks)
    )


def test_an_index_beyond_all_measure_takes_no_memory():
    assert peak(lambda: refusal(indexed(100_000_000))) < 50


def test_indices_that_are_too_large_together_are_refused():
    assert "index of over 2,500,000 packets" in refusal(indexed(250_000, tracks=11))


def test_more_tracks_than_anyone_needs_are_refused():
    assert "over 12 tracks" in refusal(indexed(100, tracks=1000))


@pytest.mark.parametrize("others", [12, 200])
def test_a_film_with_many_subtitles_is_heard_from_its_start(others: int):
    film = contained(KINDS["mka-mp3"], melody(8.0), 48_000, subtitles=others)
    assert np.array_equal(decoded(film), decoded(contained(KINDS["mka-mp3"], melody(8.0), 48_000)))


def test_a_matroska_of_more_tracks_than_any_film_has_is_refused():
    assert "over 250 tracks" in refusal(contained(KINDS["mka-mp3"], melody(1.0), 48_000, subtitles=250))


def test_many_tracks_with_large_indices_take_little_memory():
    assert peak(lambda: refusal(indexed(200_000, tracks=12))) < 150


def pictured(*sizes: int) -> bytes:
    """An MP3 with covers of so many bytes."""
    pictures = [
        b"APIC" + struct.pack(">I", size) + bytes(2) + b"\0image/png\0\3\0".ljust(size, b"\1") for size in sizes
    ]
    digits = bytes(sum(map(len, pictures)) >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\3\0\0" + digits + b"".join(pictures) + contained(KINDS["mp3"], melody(0.5), 48_000)


@pytest.mark.parametrize("size", [1_000_000, 60_000_000])
def test_a_cover_is_passed_over(size: int):
    data = pictured(size)
    assert len(decoded(data)) == 24_000
    assert peak(lambda: decoded(data)) < 30


def test_many_large_covers_are_refused():
    data = pictured(*[15_000_000] * 4)
    assert peak(lambda: refusal(data)) < 80


@pytest.mark.parametrize(
    "script",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:9,\n{0}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile '{0}'\n",
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><BaseURL>{0}</BaseURL></MPD>',
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n",
        "[playlist]\nFile1={0}\n",
    ],
)
@pytest.mark.parametrize("scheme", ["", "file:", "http://127.0.0.1:9/"])
def test_a_script_that_names_another_file_is_refused(script: str, scheme: str, tmp_path: Path):
    (tmp_path / "secret.wav").write_bytes(contained(KINDS["wav-s16le"], melody(0.5), 48_000))
    refusal(script.format(scheme + str(tmp_path / "secret.wav")).encode())
