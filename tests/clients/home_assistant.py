"""Home Assistant's own integration `wyoming` as the client of a Wyoming port; run in an environment that has it.

Arguments: the port; a WAV file, 16 kHz, 16 bits, mono, to transcribe; a text to speak; the file for its sound.
Prints JSON: the kinds of entities that it sets up, the voices for English, what it has heard.
"""

# pyright: reportMissingImports=false

import asyncio
import json
import sys
import wave
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

from homeassistant.components import stt
from homeassistant.components.wyoming.data import WyomingService
from homeassistant.components.wyoming.stt import WyomingSttProvider
from homeassistant.components.wyoming.tts import WyomingTtsProvider
from homeassistant.config_entries import ConfigEntry

CHUNK_FRAMES = 512


async def sound_of(file: str) -> AsyncGenerator[bytes]:
    with wave.open(file) as opened:
        while part := opened.readframes(CHUNK_FRAMES):
            yield part


async def use(port: int, recording: str, text: str) -> tuple[dict[str, Any], bytes]:
    """→ what is printed, and the sound of the text, a WAV file."""
    service = await WyomingService.create("127.0.0.1", port)
    assert service, "no information about the service has come"
    data = {"host": "127.0.0.1", "port": port}
    entry = ConfigEntry(version=1, minor_version=1, domain="wyoming", title="test", data=data, source="user")
    speaking, listening = WyomingTtsProvider(entry, service), WyomingSttProvider(entry, service)
    kind, sound = await speaking.async_get_tts_audio(text, "en", {"voice": "af_heart"})
    assert kind == "wav"
    asked = stt.SpeechMetadata(
        language="en",
        format=stt.AudioFormats.WAV,
        codec=stt.AudioCodecs.PCM,
        bit_rate=stt.AudioBitRates.BITRATE_16,
        sample_rate=stt.AudioSampleRates.SAMPLERATE_16000,
        channel=stt.AudioChannels.CHANNEL_MONO,
    )
    heard = await listening.async_process_audio_stream(asked, sound_of(recording))
    voices = speaking.async_get_supported_voices("en")
    found = {"platforms": service.platforms, "voices": [voice.voice_id for voice in voices], "heard": heard.text}
    return found, sound


if __name__ == "__main__":
    port, recording, text, speech = sys.argv[1:]
    found, sound = asyncio.run(use(int(port), recording, text))
    Path(speech).write_bytes(sound)
    print(json.dumps(found))
