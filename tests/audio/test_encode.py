import hashlib
import io

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ttsai_server.audio import g711
from ttsai_server.audio.encode import CONTENT_TYPES, Encoder, to_int16

Samples = NDArray[np.float32]
LOSSLESS = ("wav", "flac", "pcm")
LOSSY = ("mp3", "ogg", "opus", "aac")
LAWS: dict[str, g711.Law] = {"ulaw": "mu", "alaw": "a"}


def voiced(seconds: float, rate: int = 24_000, channels: int = 1) -> Samples:
    """A buzz with a moving envelope and some noise, (n, channels): as hard to encode as a voice."""
    t = np.arange(int(seconds * rate)) / rate
    buzz = np.sum([np.sin(2 * np.pi * 130 * k * t + k) / k for k in range(1, 30)], axis=0)
    noise = np.random.default_rng(0).normal(0, 0.02, len(t))
    mono = (0.2 * buzz * (0.6 + 0.4 * np.sin(2 * np.pi * 3 * t)) + noise).astype(np.float32)
    return np.stack([mono * (1 - 0.3 * c) for c in range(channels)], axis=1)


def streamed(format: str, samples: Samples, cuts: list[int] | None = None, rate: int = 24_000) -> bytes:
    encoder = Encoder(format, rate, channels=samples.shape[1])
    return b"".join(encoder.push(part) for part in np.split(samples, cuts or [])) + encoder.finish()


def filed(format: str, samples: Samples, rate: int = 24_000) -> bytes:
    file = io.BytesIO()
    encoder = Encoder(format, rate, channels=samples.shape[1], file=file)
    assert encoder.push(samples) + encoder.finish() == b""
    return file.getvalue()


def decoded(format: str, data: bytes, channels: int = 1) -> tuple[Samples, int]:
    if format == "pcm":
        return (np.frombuffer(data, "<i2").reshape(-1, channels) / 32768).astype(np.float32), 24_000
    if law := LAWS.get(format):
        return (g711.decode(data, law).reshape(-1, channels) / 32768).astype(np.float32), 24_000
    with av.open(io.BytesIO(data), "r") as container:
        stream = container.streams.audio[0]
        planes = np.concatenate([f.to_ndarray() for f in container.decode(stream)], axis=1)
        samples = planes.T if stream.format.is_planar else planes.reshape(-1, channels)
    scale = {"int16": 2**15, "int32": 2**31}.get(samples.dtype.name, 1)
    return (samples / scale).astype(np.float32), stream.rate


def likeness(one: Samples, other: Samples) -> float:
    """Correlation of two mono sounds at the shift of at most .15 s that fits best."""
    size = max(len(one), len(other)) + 8192
    spectra = np.fft.rfft(one[:, 0], size) * np.conj(np.fft.rfft(other[:, 0], size))
    best = np.max(np.roll(np.fft.irfft(spectra, size), 4096)[:8192])
    return float(best / np.linalg.norm(one) / np.linalg.norm(other))


@pytest.mark.parametrize("format", LOSSLESS)
def test_lossless_gives_back_every_sample(format: str):
    samples = voiced(1.3)
    for data in streamed(format, samples, [100, 7000]), filed(format, samples):
        back, _ = decoded(format, data)
        assert np.array_equal(to_int16(back), to_int16(samples))


@pytest.mark.parametrize("format", LOSSY)
def test_lossy_sounds_the_same(format: str):
    samples = voiced(2.0)
    for data in streamed(format, samples, [6000, 20000]), filed(format, samples):
        back, rate = decoded(format, data)
        same_rate = samples if rate == 24_000 else np.repeat(samples, rate // 24_000, axis=0)
        assert likeness(back, same_rate) >= 0.99


@pytest.mark.parametrize("format", ["mp3", "ogg", "opus"])
def test_a_file_has_the_very_length(format: str):
    samples = voiced(2.123)
    back, rate = decoded(format, filed(format, samples))
    assert len(back) == len(samples) * rate // 24_000


@pytest.mark.parametrize("format", LOSSY)
def test_a_stream_is_never_shorter_and_at_most_three_frames_longer(format: str):
    samples = voiced(2.123)
    back, rate = decoded(format, streamed(format, samples))
    assert 0 <= len(back) / rate - 2.123 <= 3 * 1024 / 24_000


@pytest.mark.parametrize("format", CONTENT_TYPES)
def test_the_first_push_gives_bytes(format: str):
    assert len(Encoder(format, 24_000).push(voiced(0.3))) > 200


@pytest.mark.parametrize("format", CONTENT_TYPES)
def test_nearly_all_of_a_push_comes_out_at_once(format: str):
    encoder = Encoder(format, 24_000)
    early, late = encoder.push(voiced(5.0)), encoder.finish()
    assert len(late) < 0.06 * len(early)


@given(cuts=st.lists(st.integers(0, 12_000), max_size=6).map(sorted), format=st.sampled_from(sorted(CONTENT_TYPES)))
@settings(max_examples=60)
def test_cuts_leave_no_trace(cuts: list[int], format: str):
    samples = voiced(0.5)
    assert streamed(format, samples, cuts) == streamed(format, samples)


@given(cuts=st.lists(st.integers(0, 11_025), max_size=4).map(sorted))
@settings(max_examples=20)
def test_cuts_leave_no_trace_when_resampled(cuts: list[int]):
    samples = voiced(0.5, rate=22_050)
    assert streamed("opus", samples, cuts, rate=22_050) == streamed("opus", samples, rate=22_050)


@given(length=st.integers(0, 5000), format=st.sampled_from(LOSSLESS))
@settings(max_examples=60)
def test_any_length_is_kept(length: int, format: str):
    samples = voiced(0.25)[:length]
    back = decoded(format, streamed(format, samples))[0] if length else samples
    assert len(back) == len(samples)


@pytest.mark.parametrize(("format", "size"), [("pcm", 0), ("wav", 44)])
def test_no_sound_at_all_is_a_file_with_its_head_alone(format: str, size: int):
    assert len(filed(format, voiced(0))) == size


@pytest.mark.parametrize("format", CONTENT_TYPES)
def test_the_same_sound_gives_the_same_bytes(format: str):
    assert filed(format, voiced(0.4)) == filed(format, voiced(0.4))


def test_a_wav_file_has_true_sizes():
    data = filed("wav", voiced(1.0))
    assert (int.from_bytes(data[4:8], "little"), int.from_bytes(data[40:44], "little")) == (len(data) - 8, 48_000)


def test_a_wav_stream_says_that_its_end_is_open():
    data = streamed("wav", voiced(1.0))
    assert (data[:4], data[4:8], data[36:44]) == (b"RIFF", b"\xff" * 4, b"data" + b"\xff" * 4)


def test_a_flac_file_tells_its_length_and_checksum():
    samples = voiced(1.0)
    head = filed("flac", samples)[8:42]
    assert int.from_bytes(head[13:18], "big") & 0xFFFFFFFFF == 24_000
    assert head[18:34] == hashlib.md5(to_int16(samples).tobytes()).digest()


def test_an_mp3_file_has_the_xing_head_and_a_stream_has_none():
    assert b"Info" in filed("mp3", voiced(1.0))[:64]
    assert b"Info" not in streamed("mp3", voiced(1.0))[:64]


@pytest.mark.parametrize(("format", "seconds"), [("mp3", 10.0), ("wav", 10.0), ("ogg", 10.0)])
def test_players_show_the_right_length(format: str, seconds: float):
    with av.open(io.BytesIO(filed(format, voiced(seconds))), "r") as container:
        assert container.duration == pytest.approx(seconds * av.time_base, abs=0.01 * av.time_base)


@pytest.mark.parametrize("format", CONTENT_TYPES)
def test_stereo_keeps_its_sides_apart(format: str):
    samples = voiced(1.0, channels=2)
    back, _ = decoded(format, filed(format, samples), channels=2)
    loud, soft = np.sqrt(np.mean(back**2, axis=0))
    assert soft / loud == pytest.approx(0.7, abs=0.03)


def test_a_rate_that_the_codec_does_not_know_is_resampled_up():
    encoder = Encoder("mp3", 23_000)
    assert encoder.rate == 24_000
    back, _ = decoded("mp3", encoder.push(voiced(1.0, rate=23_000)) + encoder.finish())
    assert likeness(back, voiced(1.0, rate=24_000)) > 0.9


@pytest.mark.parametrize("rate", [8_000, 44_100])
def test_the_result_has_the_rate_that_is_asked_for(rate: int):
    encoder = Encoder("wav", 24_000, target_rate=rate)
    back, found = decoded("wav", encoder.push(voiced(1.0)) + encoder.finish())
    assert (found, len(back)) == (rate, pytest.approx(rate, abs=2))


@pytest.mark.parametrize(("format", "law"), LAWS.items())
def test_telephone_sound_is_that_of_its_recommendation(format: str, law: g711.Law):
    coded = streamed(format, voiced(1.0))
    wanted = g711.decode(g711.encode(to_int16(voiced(1.0)[:, 0]), law), law).astype(int)
    steps = np.abs(g711.decode(coded, law).astype(int) - wanted)
    assert np.mean(steps == 0) > 0.9
    assert np.all(steps <= np.maximum(np.abs(wanted) // 8, 16))


@pytest.mark.parametrize(("loud", "most"), [(3.0, 32767), (-3.0, -32768)])
def test_too_loud_is_clipped_not_wrapped(loud: float, most: int):
    assert to_int16(np.full((4, 1), loud, np.float32)).tolist() == [[most]] * 4


@pytest.mark.parametrize("bitrate", [64_000, 128_000])
def test_the_bitrate_asked_for_is_the_one_made(bitrate: int):
    file = io.BytesIO()
    encoder = Encoder("mp3", 44_100, bitrate=bitrate, file=file)
    encoder.push(voiced(4.0, rate=44_100))
    encoder.finish()
    assert len(file.getvalue()) * 8 / 4.0 == pytest.approx(bitrate, rel=0.05)


def test_a_stream_holds_nothing_back_in_memory():
    encoder = Encoder("wav", 24_000)
    sizes = [len(encoder.push(voiced(1.0))) for _ in range(5)]
    assert sizes[1:] == [48_000] * 4
