"""Decides key, tempo and metre from a recording's features, or gives the reason why one can't be determined."""

from __future__ import annotations

import numpy as np

from ttsai_server.domain import Music, Tempo
from ttsai_server.engines.music.features import ONSETS_PER_SECOND, PITCHES_PER_SECOND, Features
from ttsai_server.engines.music.key import Key, chroma, find_key, notes, sameness, tuning
from ttsai_server.engines.music.metre import Pulse, find_pulse
from ttsai_server.engines.music.pulse import envelopes, likenesses, note_starts
from ttsai_server.engines.music.tempo import beats_per_minute

SILENT = 10 ** (-60 / 20)
"""Highest root mean square of silence."""
QUIET = 0.02
"""Sound below this share of the loudest does not count as audible."""
SHORT_KEY, SHORT_BEAT = 3.0, 5.0
"""Least seconds of audible sound for a key, and for a beat."""
SHORT_BARS = 3
"""Least audible bars for a metre."""
STEADY = 0.08
"""Least fit of the pitches to semitones for music: measured at least .11 in scores, at most .05 in speech and drums."""
LIKE = 0.4
"""Least likeness to the key's profile: measured at least .43 in songs."""
FEWEST = 4
"""Least number of pitch classes for a key."""
HELD, APART = 0.96, 40
"""Harmonies whose mean similarity over a distance of so many frames (3.7 s) is greater are a single chord; measured at
most .88 in music."""
REGULAR, REGULAR_IN_KEY = 0.21, 0.02
"""Least regularity of a beat: at most .2 in speech. Less suffices for sound with a key, which is not speech."""
SUDDEN, SELDOM = 1.45, 0.02
"""A beat needs onsets of at least so many dB for this share of the time: measured 1.55 in music, 1.4 in swelling
chords."""
FIELDS = ("key", "bpm", "time_signature")


def judge(features: Features | None) -> Music:
    """Key, tempo and metre, with reasons for those that are None. features: None if the recording is empty."""
    if features is None or np.max(features.loudness) <= SILENT:
        return _music(dict.fromkeys(FIELDS, "It is silent."))
    heard = float(np.sum(features.loudness > QUIET * np.max(features.loudness)) / PITCHES_PER_SECOND)
    cents, steadiness = tuning(features)
    pitches, tonal = chroma(features, cents), steadiness >= STEADY
    curves = envelopes(features, pitches)
    starts = note_starts(curves["all"]) / ONSETS_PER_SECOND
    key, pulse = find_key(pitches, starts), find_pulse(likenesses(curves, pitches))
    no_key = _no_key(key, heard, notes(features, cents) if tonal else 0, sameness(pitches, APART))
    struck = float(np.quantile(np.mean(features.onsets, axis=0), 1 - SELDOM)) >= SUDDEN
    no_beat = _no_beat(pulse if struck else None, heard, REGULAR if no_key else REGULAR_IN_KEY)
    missing = {
        "key": no_key,
        "bpm": no_beat,
        "time_signature": no_beat or _no_metre(pulse, heard, tonal),
    }
    reasons = {field: reason for field, reason in missing.items() if reason}
    found = pulse.tempi if pulse and not no_beat else ()
    tempi = tuple(Tempo(beats_per_minute(curves["all"], period), share) for period, share in found)
    return _music(reasons, key, pulse, tempi, cents if tonal else None)


def _music(
    reasons: dict[str, str],
    key: Key | None = None,
    pulse: Pulse | None = None,
    tempi: tuple[Tempo, ...] = (),
    cents: float | None = None,
) -> Music:
    """The result, without the fields that have a reason."""
    key = None if "key" in reasons else key
    metre = None if "time_signature" in reasons else pulse
    sure = {
        "key": key.probability if key else 0.0,
        "bpm": tempi[0].confidence if tempi else 0.0,
        "time_signature": metre.metre_probability if metre else 0.0,
    }
    return Music(
        tonic=key.tonic if key else None,
        minor=bool(key and key.minor),
        bpm=tempi[0].bpm if tempi else None,
        tempi=tempi,
        metre=metre.metre if metre else None,
        tuning=cents,
        confidence=sure,
        reasons=reasons,
    )


def _no_key(key: Key, heard: float, notes: int, same: float) -> str:
    """Reason why there is no key; empty if there is one."""
    if heard < SHORT_KEY:
        return f"It is too short: less than {SHORT_KEY:g} seconds are heard."
    if not notes:
        return "It has no notes of a steady pitch, as speech, noise and drums have none."
    if notes < FEWEST or same > HELD:
        return "It has too few notes, or one chord only: no harmony tells the key."
    return "" if key.likeness >= LIKE else "Its notes keep to no major or minor key."


def _no_beat(pulse: Pulse | None, heard: float, regular: float) -> str:
    if heard < SHORT_BEAT:
        return f"It is too short: less than {SHORT_BEAT:g} seconds are heard."
    return "" if pulse and pulse.regularity >= regular else "It has no regular beat."


def _no_metre(pulse: Pulse | None, heard: float, tonal: bool) -> str:
    if pulse is None or heard < SHORT_BARS * pulse.bar:
        return f"It is too short: less than {SHORT_BARS} bars are heard."
    return "" if tonal else "Drums alone do not tell it: notes and harmonies do."
