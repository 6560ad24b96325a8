"""ElevenLabs' names of sound formats: codec, sample rate and, where it has one, bit rate, as `mp3_44100_128`."""

from typing import Annotated, Literal, TypedDict

from fastapi import Query

OutputFormat = Literal[
    "mp3_22050_32", "mp3_24000_48", "mp3_44100_32", "mp3_44100_64", "mp3_44100_96", "mp3_44100_128", "mp3_44100_192",
    "pcm_8000", "pcm_16000", "pcm_22050", "pcm_24000", "pcm_32000", "pcm_44100", "pcm_48000",
    "wav_8000", "wav_16000", "wav_22050", "wav_24000", "wav_32000", "wav_44100", "wav_48000",
    "opus_48000_32", "opus_48000_64", "opus_48000_96", "opus_48000_128", "opus_48000_192",
    "ulaw_8000", "alaw_8000",
]  # fmt: skip
AskedFormat = Annotated[OutputFormat, Query()]
DEFAULT: OutputFormat = "mp3_44100_128"


class Sound(TypedDict):
    """Fields of a `SpeechOrder`."""

    format: str
    sound_rate: int
    bitrate: int | None


def sound_of(name: OutputFormat) -> Sound:
    """What a format's name stands for."""
    format, rate, *kilobits = name.split("_")
    return {"format": format, "sound_rate": int(rate), "bitrate": int(kilobits[0]) * 1000 if kilobits else None}
