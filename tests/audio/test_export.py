"""A recording → every format that a client may ask for: as long, as loud, with its tags."""

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from tests.containers import KINDS, Samples, contained, melody

from ttsai_server.audio.decode import Bounds, decode
from ttsai_server.audio.export import ExportFormat, export
from ttsai_server.audio.recording import Recording, Stopped

FORMATS = ("mp3", "wav", "flac", "ogg", "m4a", "aac")
LOSSLESS = ("wav", "flac")
RATES = (22_050, 44_100, 48_000)
OF_A_RATE = ("flac", "wma", "amr")
"""Sources of 48, 44.1 and 8 kHz, which are all the rates of KINDS."""
SECONDS = 2.123
TAGS = {
    "title": "Tøsten ☂",
    "artist": "Someone & Co.",
    "album": "An album",
    "track": "3",
    "date": "2021",
    "genre": "Jazz",
    "comment": "For the test",
}
EXTRA = {"mp3": 0, "m4a": 1024, "aac": 2 * 1024, "ogg": 128}
"""Samples that a lossy file may be longer by: a frame; ADTS can't say, either, that its first is the encoder's own."""


@pytest.fixture
def stereo() -> Iterator[Recording]:
    with recorded(melody(SECONDS, 44_100, 2), 44_100) as recording:
        yield recording


def recorded(samples: Samples, rate: int) -> Recording:
    recording = Recording(rate, samples.shape[1])
    recording.append(samples)
    return recording


def exported(recording: Recording, format: str, **target: Any) -> bytes:
    file = io.BytesIO()
    export(recording, ExportFormat(format, **target), file)
    return file.getvalue()


def back(data: bytes) -> tuple[Samples, Recording]:
    with decode(io.BytesIO(data), Bounds(60)) as recording:
        return recording.read(0, recording.frames), recording


def correlation(one: Samples, other: Samples) -> float:
    """Of the first channels, sample by sample."""
    length = min(len(one), len(other))
    return float(np.corrcoef(one[:length, 0], other[:length, 0])[0, 1])


@pytest.mark.parametrize("channels", [None, 1, 2])
@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("format", FORMATS)
def test_a_file_is_what_was_asked_for(stereo: Recording, format: str, rate: int, channels: int | None) -> None:
    sound, recording = back(exported(stereo, format, rate=rate, channels=channels))
    assert (recording.rate, recording.channels) == (rate, channels or 2)
    assert 0 <= len(sound) - round(SECONDS * rate) <= EXTRA.get(format, 0)


def test_channels_of_opposite_phase_become_one() -> None:
    mono = melody(SECONDS, 48_000)
    with recorded(np.hstack([mono, -mono]), 48_000) as recording:
        sound, _ = back(exported(recording, "flac", channels=1))
    assert correlation(sound, mono) > 0.999


PAIRS = [(name, format) for name in KINDS for format in FORMATS]
SOME = [(name, format) for name, format in PAIRS if name in OF_A_RATE or format == "flac"]


@pytest.mark.parametrize(
    ("name", "format"), [*SOME, *(pytest.param(*pair, marks=pytest.mark.slow) for pair in PAIRS if pair not in SOME)]
)
def test_every_source_becomes_every_format(name: str, format: str) -> None:
    """Length within a frame, content alike: each is decoded, exported, and decoded again.

    What is exported knows of its source the rate alone, so each time one source of a rate is taken for all formats.
    """
    kind = KINDS[name]
    rate = kind.rate or 48_000
    data = contained(kind, melody(SECONDS, rate, kind.channels), rate)
    with decode(io.BytesIO(data), Bounds(60), channels=2) as source:
        sound, made = back(exported(source, format))
        original = source.read(0, source.frames)
    scale = made.rate / source.rate
    assert -1 <= len(sound) - source.frames * scale <= EXTRA.get(format, 0) + 1
    if scale == 1:
        sound = sound[1024:] if format == "aac" else sound
        assert correlation(original, sound) >= (0.9999 if format in LOSSLESS else 0.98)


@pytest.mark.parametrize("format", LOSSLESS)
def test_lossless_keeps_every_sample(stereo: Recording, format: str) -> None:
    sound, _ = back(exported(stereo, format))
    assert np.max(np.abs(sound - stereo.read(0, stereo.frames))) <= 0.5 / 2**15


@pytest.mark.parametrize("format", LOSSLESS)
@pytest.mark.parametrize("source", ["wav-s24le", "aiff-24", "wav-f32le"])
def test_a_source_of_24_bits_keeps_them(source: str, format: str) -> None:
    samples = melody(0.5, 48_000)
    with decode(io.BytesIO(contained(KINDS[source], samples, 48_000)), Bounds(60)) as recording:
        sound, made = back(exported(recording, format, depth=recording.depth))
        assert np.max(np.abs(sound - recording.read(0, recording.frames))) <= 1 / 2**23
    assert made.depth == 24


@pytest.mark.parametrize("bitrate", [64, 96, 128, 160, 192, 224, 256, 320])
def test_mp3_is_as_loud_as_its_source(stereo: Recording, bitrate: int) -> None:
    sound, _ = back(exported(stereo, "mp3", bitrate=1000 * bitrate))
    assert decibels(sound) == pytest.approx(decibels(stereo.read(0, stereo.frames)), abs=0.03)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("rate", RATES)
def test_no_format_changes_the_loudness(stereo: Recording, format: str, rate: int) -> None:
    sound, _ = back(exported(stereo, format, rate=rate))
    whole = sound[: round(SECONDS * rate)]
    assert decibels(whole) == pytest.approx(decibels(stereo.read(0, stereo.frames)), abs=0.15)


def decibels(sound: Samples) -> float:
    return float(20 * np.log10(np.sqrt(np.mean(sound**2))))


@pytest.mark.parametrize(("format", "kilobits"), [(f, k) for f in ("mp3", "m4a", "aac") for k in (64, 128, 192, 256)])
def test_a_bit_rate_is_kept(format: str, kilobits: int) -> None:
    """On noise, which no encoder gets cheaper."""
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (4 * 44_100, 2)).astype(np.float32)
    with recorded(noise, 44_100) as recording:
        size = len(exported(recording, format, bitrate=1000 * kilobits))
    assert 8 * size / 4000 == pytest.approx(kilobits, rel=0.12)


@pytest.mark.parametrize("rate", RATES)
def test_more_bits_make_a_bigger_ogg(rate: int) -> None:
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (2 * 48_000, 2)).astype(np.float32)
    with recorded(noise, 48_000) as recording:
        sizes = [len(exported(recording, "ogg", rate=rate, bitrate=1000 * k)) for k in (64, 128, 192, 256, 320)]
    assert sizes == sorted(set(sizes))


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("format", FORMATS)
def test_the_highest_bit_rate_is_taken_everywhere(stereo: Recording, format: str, channels: int, rate: int) -> None:
    """Where the codec can't do so much at that rate, as MP3 at 22.05 kHz, it is the most that it can."""
    sound, _ = back(exported(stereo, format, bitrate=320_000, rate=rate, channels=channels))
    assert len(sound) >= round(SECONDS * rate)


def test_full_scale_in_both_sides_is_full_scale_in_mono() -> None:
    with recorded(np.ones((4800, 2), np.float32), 48_000) as recording:
        sound, _ = back(exported(recording, "flac", channels=1))
    assert np.allclose(sound, 1, atol=1e-4)


def test_mono_is_both_sides_of_stereo() -> None:
    mono = melody(0.5, 48_000)
    with recorded(mono, 48_000) as recording:
        sound, _ = back(exported(recording, "wav", channels=2))
    assert np.array_equal(sound[:, 0], sound[:, 1])
    assert np.max(np.abs(sound[:, :1] - mono)) <= 0.5 / 2**15


@pytest.mark.parametrize(("format", "rate"), [(f, None) for f in FORMATS if f != "aac"] + [("ogg", 44_100)])
def test_tags_are_kept(stereo: Recording, format: str, rate: int | None) -> None:
    _, made = back(exported(stereo, format, rate=rate, tags=TAGS))
    assert {name: made.tags.get(name) for name in TAGS} == TAGS


def test_raw_aac_has_no_place_for_tags(stereo: Recording) -> None:
    assert back(exported(stereo, "aac", tags=TAGS))[1].tags == {}


@pytest.mark.parametrize("format", FORMATS)
def test_one_sample_is_a_file(format: str) -> None:
    with recorded(np.full((1, 1), 0.5, np.float32), 48_000) as recording:
        assert len(exported(recording, format)) > 7


@pytest.mark.parametrize("format", ["flac", "ogg"])
def test_told_to_stop_it_stops(stereo: Recording, format: str) -> None:
    with pytest.raises(Stopped):
        export(stereo, ExportFormat(format, rate=22_050), io.BytesIO(), stop=lambda: True)
