import io
import os
import time
from contextlib import suppress

import av
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.audio.decoding import MINUTE, decoded, peak, refusal, silent_flac, wav
from tests.containers import KINDS, Kind, Samples, contained, melody
from tests.damaged import damaged

from ttsai_server.audio.decode import Bounds, Stopped, decode
from ttsai_server.audio.encode import CONTENT_TYPES, Encoder
from ttsai_server.errors import BadRequest, FileTooLarge

HEAD_FIRST = {"m4a": "moov_size=20000"}
FRAMES = {"mp3": 1152, "m4a": 1024, "ogg": 960, "opus": 960, "aac": 3 * 1024}
"""Samples by which a file of our encoder's may be longer, at the codec's rate; absent: none."""


def likeness(one: Samples, other: Samples) -> float:
    """Correlation of the first channels at the shift, of at most 4096 samples, that fits best."""
    size = max(len(one), len(other)) + 8192
    spectra = np.fft.rfft(one[:, 0], size) * np.conj(np.fft.rfft(other[:, 0], size))
    best = np.max(np.roll(np.fft.irfft(spectra, size), 4096)[:8192])
    return float(best / np.linalg.norm(one[:, 0]) / np.linalg.norm(other[:, 0]))


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_container_and_codec_is_read(kind: Kind):
    rate = kind.rate or 48_000
    samples = melody(2.123, rate, kind.channels)
    back = decoded(contained(kind, samples, rate))
    assert -kind.unsaid <= len(back) - len(samples) <= kind.frame
    assert likeness(back, samples) >= kind.likeness


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_one_becomes_16_khz_mono(kind: Kind):
    rate = kind.rate or 48_000
    back = decoded(contained(kind, melody(2.123, rate, kind.channels), rate), rate=16_000, channels=1)
    assert back.shape[1] == 1
    assert -kind.unsaid * 16_000 / rate <= len(back) - 2.123 * 16_000 <= kind.frame * 16_000 / rate + 1
    assert likeness(back, melody(2.123, 16_000)) >= kind.likeness - 0.01


@pytest.mark.parametrize("rate", [8000, 11_025, 22_050, 44_100, 96_000, 192_000])
@pytest.mark.parametrize("name", ["wav-s16le", "flac", "m4a-alac"])
def test_every_rate_is_read(name: str, rate: int):
    back = decoded(contained(KINDS[name], melody(1.0, rate), rate), rate=16_000)
    assert len(back) == 16_000
    assert likeness(back, melody(1.0, 16_000)) > 0.999


@pytest.mark.parametrize(("layout", "channels"), [("mono", 1), ("stereo", 2), ("3.0", 3), ("5.1", 6), ("7.1", 8)])
@pytest.mark.parametrize("name", ["wav-s24le", "flac", "m4a"])
def test_every_layout_is_read_and_mixed(name: str, layout: str, channels: int):
    samples = melody(1.0, channels=channels)
    data = contained(KINDS[name], samples, 48_000, layout)
    assert decoded(data).shape[1] == channels
    mono, stereo = decoded(data, channels=1), decoded(data, channels=2)
    assert (mono.shape[1], stereo.shape[1]) == (1, min(channels, 2))
    assert min(likeness(mono, samples), likeness(stereo, samples)) > 0.99


@pytest.mark.parametrize("layout", ["stereo", "5.1"])
def test_a_mix_of_full_scale_is_full_scale(layout: str):
    samples = np.ones((4800, 2 if layout == "stereo" else 6), np.float32)
    mono = decoded(contained(KINDS["wav-f32le"], samples, 48_000, layout), channels=1)
    assert np.allclose(mono, 1, atol=1e-6)


@pytest.mark.parametrize("name", ["wav-s16le", "flac", "mp3", "m4a"])
def test_channels_of_opposite_phase_are_one(name: str):
    mono = melody(2.0)
    back = decoded(contained(KINDS[name], np.hstack([mono, -mono]), 48_000), channels=1)
    assert np.std(back) == pytest.approx(np.std(mono), rel=0.1)
    assert likeness(back, mono) > 0.99


@pytest.mark.parametrize("level", [0, 1e-3, 0.3])
def test_other_channels_are_averaged(level: float):
    right = level * np.sin(np.arange(48_000))
    stereo = np.stack([melody(1.0)[:, 0], right], axis=1).astype(np.float32)
    back = decoded(contained(KINDS["wav-f32le"], stereo, 48_000), channels=1)
    assert np.allclose(back[:, 0], stereo.mean(axis=1), atol=1e-6)


def test_the_centre_where_speech_is_is_not_lost_in_a_mix():
    samples = np.zeros((4800, 6), np.float32)
    samples[:, 2] = 1
    mono = decoded(contained(KINDS["wav-f32le"], samples, 48_000, "5.1"), channels=1)
    assert np.min(mono) > 0.25


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e38, -7])
def test_what_is_no_sample_comes_out_in_range(value: float):
    samples = melody(0.5)
    samples[100:200] = value
    for rate in None, 16_000:
        back = decoded(contained(KINDS["wav-f32le"], samples, 48_000), rate=rate)
        assert np.all(np.abs(back) <= 1)


@given(
    length=st.integers(1, 30_000),
    rate=st.sampled_from([8000, 16_000, 24_000, 44_100, 48_000]),
    channels=st.integers(1, 2),
    format=st.sampled_from(sorted(set(CONTENT_TYPES) - {"pcm", "ulaw", "alaw"})),
)
@settings(max_examples=60)
def test_what_our_encoder_wrote_has_the_same_length(length: int, rate: int, channels: int, format: str):
    # two frames of ADTS are too few to know it by; an MP4 tells where its sound ends in milliseconds
    assume(format not in ("aac", "m4a") or length > 3000)
    samples = melody(1.0, 48_000, channels)[:length]
    file = io.BytesIO()
    encoder = Encoder(format, rate, channels=channels, file=file)
    encoder.push(samples)
    encoder.finish()
    with decode(file, MINUTE) as recording:
        wanted = length * recording.rate / rate
        assert wanted - 1 <= recording.frames <= wanted + FRAMES.get(format, 0)
        if format in ("wav", "flac"):
            assert np.allclose(recording.read(0, length), samples, atol=1 / 32768)


def test_a_name_says_nothing():
    file = io.BytesIO(contained(KINDS["flac"], melody(0.5), 48_000))
    file.name = "playlist.m3u8"
    with decode(file, MINUTE) as recording:
        assert recording.seconds == 0.5


@pytest.mark.parametrize("format", ["wav", "flac", "mp3", "aac", "ogg"])
def test_a_stream_with_no_length_in_its_head_is_read(format: str):
    encoder = Encoder(format, 48_000)
    back = decoded(encoder.push(melody(1.0)) + encoder.finish())
    assert 0 <= len(back) - 48_000 <= 3 * 1152


def test_an_mp4_in_fragments_is_read():
    data = contained(KINDS["mp4"], melody(2.0), 48_000, container_options="movflags=frag_keyframe+empty_moov")
    assert len(decoded(data)) == pytest.approx(2 * 48_000, abs=2048)


def test_chained_oggs_are_read_one_after_another():
    one, two = (contained(KINDS["ogg-opus"], melody(seconds), 48_000) for seconds in (1.0, 2.0))
    assert len(decoded(one + two)) == pytest.approx(3 * 48_000, abs=2 * 960)


@pytest.mark.parametrize("name", ["mp3", "aac"])
@pytest.mark.parametrize("channels", [None, 1])
def test_a_rate_that_changes_on_the_way_is_followed(name: str, channels: int | None):
    one, two = (contained(KINDS[name], melody(2.0, rate), rate) for rate in (48_000, 24_000))
    back = decoded(one + two, channels=channels)
    assert len(back) == pytest.approx(4 * 48_000, abs=8 * 1152)
    assert likeness(back[-100_000:], melody(2.0)) > 0.95


def test_channels_that_change_on_the_way_are_mixed():
    one, two = (contained(KINDS["aac"], melody(1.0, channels=channels), 48_000) for channels in (1, 2))
    assert likeness(decoded(one + two)[-48_000:], melody(1.0)) > 0.95


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty"),
        (b"\0" * 10_000, "not audio"),
        (b"Dear Sir or Madam, " * 100, "not audio"),
        (b"\x89PNG\r\n\x1a\n" + bytes(1000), "is a picture (PNG), which is not accepted"),
        (b"RIFF\x24\0\0\0WAVE", "not audio of a known format, or its head is damaged"),
    ],
)
def test_what_is_not_audio_is_refused(data: bytes, message: str):
    assert message in refusal(data)


def test_a_video_without_sound_is_refused():
    for name in "mp4-video", "webm-video":
        assert "no audio track" in refusal(contained(KINDS[name], np.zeros((24_000, 0), np.float32), 48_000))


@pytest.mark.parametrize("format", ["wav", "flac"])
def test_no_samples_is_refused(format: str):
    file = io.BytesIO()
    Encoder(format, 24_000, file=file).finish()
    assert "0 samples" in refusal(file.getvalue())


@pytest.mark.parametrize(
    "name",
    [
        "mp3",
        "wav-s16le",
        "flac",
        "m4a",
        "mp4-video",
        "mov",
        "webm",
        "webm-video",
        "mka-mp3",
        "aiff",
        "caf",
        "avi-mp3",
        "wma",
    ],
)
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_a_file_cut_short_is_refused_as_truncated(name: str, share: float):
    data = contained(KINDS[name], melody(3.0), 48_000, container_options=HEAD_FIRST.get(name, ""))
    assert "is truncated" in refusal(data[: int(len(data) * share)])


@pytest.mark.parametrize("name", ["wav-s16le", "wav-u8", "aiff", "caf"])
@pytest.mark.parametrize("bytes_too_many", [1, 8, 44, 600])
def test_a_size_that_is_off_by_next_to_nothing_is_a_slip(name: str, bytes_too_many: int):
    samples = melody(3.0)
    data = contained(KINDS[name], samples, 48_000)
    short = len(samples) - len(decoded(data[:-bytes_too_many]))
    assert 0 < short <= 2 + bytes_too_many


def test_more_than_half_a_second_that_is_missing_is_none_however_long_the_file():
    assert "is truncated: 16000 bytes" in refusal(wav(8_000, 1, bytes(2 * 8_000 * 600))[:-16_000], Bounds(1000))


@pytest.mark.parametrize("name", ["aac", "ogg-opus", "amr", "flv-mp3", "mpegts-aac"])
def test_a_stream_cut_short_ends_where_it_ends(name: str):
    rate = KINDS[name].rate or 48_000
    data = contained(KINDS[name], melody(3.0, rate), rate)
    assert 0.25 * 3 * rate < len(decoded(data[: len(data) // 2])) < 0.75 * 3 * rate


def packets(data: bytes) -> list[tuple[int, int]]:
    """Where the packets lie in a file: (position, size)."""
    with av.open(io.BytesIO(data), "r") as container:
        return [(p.pos or 0, p.size) for p in container.demux(container.streams.audio[0]) if p.size]


@pytest.mark.parametrize("name", ["m4a", "flac", "ogg-flac"])
def test_time_is_kept_over_a_packet_that_can_not_be_decoded(name: str):
    samples = melody(6.0)
    data = bytearray(contained(KINDS[name], samples, 48_000))
    places = packets(bytes(data))
    for position, size in places[20:22]:
        data[position : position + size] = bytes(size)
    back = decoded(bytes(data))
    assert len(back) == pytest.approx(len(samples), abs=KINDS[name].frame)
    assert likeness(back[-96_000:], samples[-96_000:]) > 0.99


def test_a_lost_block_of_a_flac_is_silence_not_noise():
    samples = melody(3.0)
    data = bytearray(contained(KINDS["flac"], samples, 48_000))
    position, size = packets(bytes(data))[10]
    data[position + size // 2] ^= 0xFF
    back = decoded(bytes(data))
    wrong = np.flatnonzero(np.abs(back - samples)[:, 0] > 1e-3)
    assert len(back) == len(samples)
    assert 0 < len(wrong) <= 2 * 4608
    assert not np.any(back[wrong])


def test_a_file_with_much_of_it_lost_is_refused():
    data = bytearray(contained(KINDS["m4a"], melody(6.0), 48_000))
    for position, size in packets(bytes(data))[50::3]:
        data[position : position + size] = b"\xff" * size
    assert "can't be decoded" in refusal(bytes(data))


def test_stop_ends_it():
    polls = iter([False] * 5)
    data = contained(KINDS["mp3"], melody(20.0), 48_000)
    with pytest.raises(Stopped):
        decode(io.BytesIO(data), MINUTE, stop=lambda: next(polls, True))


def test_whatever_happens_no_file_stays_open():
    data = contained(KINDS["flac"], melody(3.0), 48_000)
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 a count of descriptors, no files
    decoded(data)
    refusal(data[: len(data) // 2])
    with pytest.raises(FileTooLarge):
        decoded(bytes(data), Bounds(1.0))
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def test_the_file_stays_open():
    file = io.BytesIO(contained(KINDS["flac"], melody(0.5), 48_000))
    decode(file, MINUTE).close()
    assert not file.closed


def test_half_an_hour_takes_no_more_memory_than_a_minute():
    def read(data: bytes) -> None:
        decode(io.BytesIO(data), Bounds(3600), rate=16_000, channels=1).close()

    short, long = silent_flac(60), silent_flac(1800)
    read(short)
    assert peak(lambda: read(long)) < peak(lambda: read(short)) + 5


def test_damaged_files_are_refused_or_read_and_take_no_memory():
    originals = [
        contained(kind, melody(1.0, kind.rate or 24_000, kind.channels), kind.rate or 24_000) for kind in KINDS.values()
    ]

    def survive() -> None:
        for data in damaged(7, 300, originals):
            begun = time.thread_time()
            with suppress(BadRequest, FileTooLarge):
                assert np.all(np.abs(decoded(data, rate=16_000, channels=1)) <= 1)
            assert time.thread_time() - begun < 2

    assert peak(survive) < 150
