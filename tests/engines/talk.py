"""Speech whose every word is known, and when it begins: Kokoro tells, within .05 s (`kokoro/test_timing.py`)."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

import numpy as np
import soxr
from tests.listening import HEARING_RATE, spoken
from tests.speaker import Speaker

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import Word

RATE = 24_000
LINES = [
    (
        "af_heart",
        "The old lighthouse keeper climbed the stairs every evening, counting each step under his breath.",
        0.5,
    ),
    ("af_heart", "Nobody knew exactly how the fire had started.", 0.9),
    ("am_michael", "Could you please turn down the music?", 0.3),
    ("am_michael", "They walked along the beach in silence, watching the sun go down.", 1.6),
    ("bf_emma", "The judge asked the witness to speak more slowly.", 0.4),
    ("bf_emma", "If it rains tomorrow, the picnic will be moved to the school gym.", 0.7),
    ("bm_george", "Oranges, lemons and limes grow well in this valley.", 2.5),
    ("bm_george", "The wind blew so hard that three trees fell across the road.", 0.2),
    ("af_bella", "The orchestra tuned their instruments while the audience found their seats.", 0.6),
    ("af_bella", "At the end of the day, what matters is that everybody came home safe.", 1.0),
]
"""Voice, what it says, and the seconds of silence after it."""


@dataclass(frozen=True, slots=True)
class Talk:
    """About 45 s of five voices."""

    sound: np.ndarray
    """Float32 (n,), 16 kHz."""
    text: str
    words: Sequence[tuple[str, float]]
    """Word as written, and the second in which it begins."""
    recording: Recording
    short: Recording
    """Its first sentence."""
    halves: tuple[Recording, Recording]
    long: Recording
    """It four times over: more than one step."""

    def close(self) -> None:
        for recording in (self.recording, self.short, *self.halves, self.long):
            recording.close()

    def near(self, heard: Sequence[Word], seconds: float) -> float:
        """Share of the words that are heard right and begin within so many seconds of the truth."""
        said, got = [spoken(word) for word, _ in self.words], [spoken(word.text) for word in heard]
        blocks = SequenceMatcher(None, said, got, autojunk=False).get_matching_blocks()
        off = [
            abs(heard[block.b + i].start - self.words[block.a + i][1]) for block in blocks for i in range(block.size)
        ]
        return sum(distance <= seconds for distance in off) / len(off)


def talk(speaker: Speaker) -> Talk:
    parts, words, now = [], [], 0.0
    for voice, text, pause in LINES:
        sound, starts = speaker.timed(voice, text)
        words += [(word, now + start) for word, start in zip(text.split(), starts, strict=True)]
        parts += [sound, np.zeros(round(pause * RATE), np.float32)]
        now += (len(parts[-2]) + len(parts[-1])) / RATE
    sound = soxr.resample(np.concatenate(parts), RATE, HEARING_RATE).astype(np.float32)
    middle = round((words[sum(len(text.split()) for _, text, _ in LINES[:5])][1] - 0.2) * HEARING_RATE)
    first = round((len(parts[0]) / RATE + 0.2) * HEARING_RATE)
    pieces = [_recording(piece) for piece in (sound, sound[:first], sound[:middle], sound[middle:], np.tile(sound, 4))]
    return Talk(
        sound, " ".join(line[1] for line in LINES), words, pieces[0], pieces[1], (pieces[2], pieces[3]), pieces[4]
    )


def _recording(sound: np.ndarray) -> Recording:
    recording = Recording(HEARING_RATE)
    recording.append(sound[:, None])
    return recording
