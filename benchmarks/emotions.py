"""What each emotion of speech to speech does to real speech: the table and the plots of docs/voices.md.

Kokoro says a text with two voices, WORLD gives each the other's, and the emotions move the results. The pitch is
measured by the tracker of `ttsai_server.audio.pitch`, the words are heard by Whisper.

    python -m benchmarks.emotions docs/emotions.svg
"""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr
from tests.engines.converter import joined
from tests.engines.voice_encoder import Sound, recorded
from tests.listening import Ear, wer
from tests.voices import flac
from tests.weights import pulled

from ttsai_server.audio.pitch import HOP, mean_pitch, track
from ttsai_server.audio.prosody import EMOTIONS, Prosody, change
from ttsai_server.audio.recording import Recording
from ttsai_server.domain import Preset, Reference, SpeechRequest
from ttsai_server.engines.base import Cancellation, Converter, Engine, LoadContext, Synthesizer
from ttsai_server.engines.cards import read_card
from ttsai_server.engines.catalog import load_class
from ttsai_server.settings import Settings

TEXTS = (
    "The rain has stopped.",
    "The children are playing in the garden behind the old house.",
    "Their mother calls them for dinner, and the youngest one runs home first.",
    "Nobody wants to be late, because there will be pancakes with honey tonight.",
)
PAUSE = 0.5
"""Seconds between two sentences."""
VOICES = {"af_heart": "am_michael", "am_michael": "af_heart"}
"""Who speaks → whose voice it becomes."""
WIDTH, HEIGHT = 720, 110
"""Of a plot, pixels."""
COLOURS = {"neutral": "#666", "happy": "#c80", "sad": "#27c", "angry": "#c22", "excited": "#a2a"}


@dataclass(frozen=True)
class Measured:
    """Of speech by one voice with one emotion."""

    pitch: np.ndarray
    """Hz, of each HOP."""
    seconds: float
    level: float
    """RMS, dBFS."""
    errors: float
    """Word error rate."""

    @property
    def mean(self) -> float:
        return mean_pitch(self.pitch)

    @property
    def spread(self) -> float:
        """Standard deviation of the pitch, semitones."""
        return float(np.std(12 * np.log2(self.pitch[self.pitch > 0])))


def main() -> None:
    models = Settings().models.dir
    ear = Ear(pulled("whisper-tiny.en", models), pulled("whisper-base", models))
    kokoro, world = _loaded("kokoro", models), _loaded("world", models)
    assert isinstance(kokoro, Synthesizer)
    assert isinstance(world, Converter)
    rate = read_card(Settings().models.cards / "world.toml").rate
    said = {voice: _said(kokoro, voice, rate) for voice in VOICES}
    found = dict[str, dict[str, Measured]]()
    for voice, target in VOICES.items():
        converted = _converted(world, said[voice], _voice_of(world, said[target], rate), rate)
        found[target] = {name: _measured(converted, prosody, rate, ear) for name, prosody in EMOTIONS.items()}
    print("\n".join(_table(found)))
    Path(sys.argv[1]).write_text("\n".join(_plots(found["af_heart"])) + "\n")


def _loaded(model: str, models: Path) -> Engine:
    card = read_card(Settings().models.cards / f"{model}.toml")
    return load_class(card).load(card, LoadContext(pulled(model, models)))


def _said(kokoro: Synthesizer, voice: str, rate: int) -> Sound:
    pieces: list[Sound] = []
    for text in TEXTS:
        request = SpeechRequest(text, (Preset(voice),), "en-us")
        pieces.append(joined(list(kokoro.synthesize(request, Cancellation()))))
        pieces.append(np.zeros((round(PAUSE * 24_000), 1), np.float32))
    return soxr.resample(np.concatenate(pieces), 24_000, rate).astype(np.float32)


def _voice_of(world: Converter, sound: Sound, rate: int) -> Reference:
    with recorded(sound, rate) as recording:
        reference = list(world.embed(recording, Cancellation()))[-1].reference
    assert reference
    return reference


def _converted(world: Converter, sound: Sound, target: Reference, rate: int) -> Sound:
    with recorded(sound, rate) as recording:
        return joined(list(world.convert(recording, target, Cancellation())))


def _measured(sound: Sound, prosody: Prosody, rate: int, ear: Ear) -> Measured:
    with recorded(sound, rate) as recording, change(recording, prosody) as made:
        return _of(made, ear)


def _of(made: Recording, ear: Ear) -> Measured:
    samples = made.read(0, made.frames)
    heard = ear.listen(flac(samples, made.rate))
    level = 20 * float(np.log10(np.std(samples)))
    return Measured(track(samples[:, 0], made.rate), made.seconds, level, wer(" ".join(TEXTS), heard))


def _table(found: Mapping[str, Mapping[str, Measured]]) -> Iterator[str]:
    yield "| emotion | voice | pitch, Hz | its spread, semitones | length, s | level, dBFS | word errors |"
    yield "|---|---|---|---|---|---|---|"
    for emotion in EMOTIONS:
        for voice, by_emotion in found.items():
            it = by_emotion[emotion]
            figures = f"{it.mean:.0f} | {it.spread:.1f} | {it.seconds:.1f} | {it.level:.1f} | {it.errors:.1%}"
            yield f"| {emotion} | `{voice}` | {figures} |"


def _plots(found: Mapping[str, Measured]) -> Iterator[str]:
    """The pitch of each emotion over time, one below the other, as SVG."""
    longest = max(it.seconds for it in found.values())
    box = f"0 0 {WIDTH} {HEIGHT * len(found)}"
    yield f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}" font-family="sans-serif">'
    for row, (name, it) in enumerate(found.items()):
        bottom = HEIGHT * (row + 1) - 20
        yield f'<text x="4" y="{bottom - HEIGHT + 36}" font-size="13" fill="{COLOURS[name]}">{name}</text>'
        yield f'<line x1="0" y1="{bottom}" x2="{WIDTH}" y2="{bottom}" stroke="#ccc"/>'
        for at, hertz in enumerate(it.pitch[::2]):
            if hertz:
                x, y = WIDTH * 2 * at * HOP / longest, bottom - 80 * np.log2(hertz / 80) / np.log2(500 / 80)
                yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="1.2" fill="{COLOURS[name]}"/>'
    legend = f"pitch, 80 to 500 Hz, over {longest:.0f} s"
    yield f'<text x="4" y="{HEIGHT * len(found) - 4}" font-size="11" fill="#666">{legend}</text>'
    yield "</svg>"


if __name__ == "__main__":
    main()
