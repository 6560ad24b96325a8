"""Makes readable subtitles, SubRip or WebVTT, from words with times.

The limits are those of Netflix's Timed Text Style Guides (general, English, Chinese and Korean): two lines of 42
characters, or of 16 full-width ones; 5/6 to 7 seconds; 17 characters per second. From the BBC's Subtitle Guidelines,
part 3: a subtitle is one sentence, unless that is too short to be read, and lines break at punctuation.
It works word by word, so hours of speech take no more memory than a sentence.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Literal
from unicodedata import east_asian_width

import regex

from ttsai_server.domain import Segment, Word
from ttsai_server.text.words import UNITS

LINE = 42
"""Most characters of a line, including the speaker's label."""
_FULL_WIDTH = LINE / 16
"""Width of a full-width character, in characters."""
_SHORTEST, _LONGEST = 5 / 6, 7.0
"""Seconds on screen: at least, if the next subtitle allows it; and at most."""
_BLINK = 0.001
"""Seconds on screen of a word by itself, at least."""
_PER_SECOND = 17
"""Characters that can be read per second."""
_PAUSE = 1.0
"""Seconds of silence that end a subtitle."""
_BREATH = 0.3
"""Seconds of silence that count as a comma."""
_MANY = 100
"""Words after which a sentence without punctuation is ended."""

_SENTENCE = regex.compile(r"""[.!?…。！？｡।۔؟]['"”’»)\]』」]*$""")
_CLAUSE = regex.compile(r"""(?:[,;:،؛、，；：]|[—–])['"”’»)\]』」]*$""")
_NO_END = regex.compile(r"(?:^|\W)(?:\p{Lu}|Mrs?|Ms|Dr|Prof|St|Sra?|Jr|Mme|Mlle|Nr|vs)\.$")
"""`J.`, `Dr.`: a dot that ends no sentence."""
_GRAPHEME = regex.compile(r"\X")


@dataclass(frozen=True, slots=True)
class Cue:
    """One subtitle."""

    start: int
    """Milliseconds from the start of the recording."""
    end: int
    """Milliseconds; after `start`, and not after the next one's `start`."""
    lines: tuple[str, ...]
    """One or two, of at most 42 characters, with the speaker's label before the first."""
    speaker: str = ""
    """SPEAKER_00, …; empty without diarization."""
    words: tuple[tuple[Word, ...], ...] = ()
    """Those of each line."""


def subtitles(
    segments: Iterable[Segment],
    form: Literal["srt", "vtt"],
    *,
    by: Literal["sentence", "word"] = "sentence",
    karaoke: bool = False,
) -> Iterator[str]:
    """The subtitle file, in parts of one subtitle each. karaoke: whether WebVTT marks when each word begins."""
    found = (cues if by == "sentence" else word_cues)(timed_words(segments))
    return srt(found) if form == "srt" else vtt(found, karaoke=karaoke)


def timed_words(segments: Iterable[Segment]) -> Iterator[Word]:
    """All words; if a segment has none, those of its text are spread over its time."""
    for segment in segments:
        yield from segment.words or spread(segment)


def spread(segment: Segment) -> tuple[Word, ...]:
    """The words of a segment's text, with times in proportion to their characters."""
    tokens = segment.text.split()
    found = [part for token in tokens for part in _parts(token, first=token is tokens[0])]
    ends = list(accumulate((len(text) for text, _ in found), initial=0))
    times = [min(segment.end, segment.start + (segment.end - segment.start) * end / max(1, ends[-1])) for end in ends]
    sure = min(1.0, math.exp(segment.average_log_probability))
    return tuple(
        Word(text, start, end, sure, segment.speaker, joined)
        for (text, joined), start, end in zip(found, times, times[1:], strict=False)
    )


def cues(words: Iterable[Word]) -> Iterator[Cue]:
    """Group words into subtitles that don't overlap; every word is kept, in order.

    A pause of a second or another speaker begins a new one. A word longer than a line continues in the next line.
    Inconsistent times (a word that begins before the previous one, or has no duration) don't change the order.
    """
    return _apart_in_time(_merged(_sentences(_short(words))), _reading)


def word_cues(words: Iterable[Word]) -> Iterator[Cue]:
    """One subtitle for each word, as long as the word."""
    return _apart_in_time(([word] for word in _short(words)), lambda _: _BLINK)


def _apart_in_time(groups: Iterable[list[Word]], least: Callable[[list[Word]], float]) -> Iterator[Cue]:
    """A subtitle for each group, none of which overlap. least: how long a group is seen, seconds."""
    held: Cue | None = None
    for group in groups:
        cue = _cue(group, held.start + 1 if held else 0, least(group))
        if held:
            yield replace(held, end=min(held.end, cue.start))
        held = cue
    if held:
        yield held


def srt(cues: Iterable[Cue]) -> Iterator[str]:
    """SubRip, cue by cue; it has no escape for `-->`, which becomes `->`, as in Whisper."""
    for number, cue in enumerate(cues, 1):
        text = _label(cue.speaker) + "\n".join(cue.lines)
        yield f"{number}\n{_clock(cue.start, ',')} --> {_clock(cue.end, ',')}\n{text.replace('-->', '->')}\n\n"


def vtt(cues: Iterable[Cue], *, karaoke: bool = False) -> Iterator[str]:
    """WebVTT (W3C), its header, then cue by cue, with speakers as voice spans.

    karaoke: whether to mark when each word begins; players show then which words have been said.
    """
    yield "WEBVTT\n\n"
    for cue in cues:
        voice = f"<v {_escaped(cue.speaker)}>" if cue.speaker else ""
        text = voice + (_marked(cue) if karaoke else _escaped("\n".join(cue.lines)))
        yield f"{_clock(cue.start, '.')} --> {_clock(cue.end, '.')}\n{text}\n\n"


def _parts(token: str, *, first: bool) -> Iterator[tuple[str, bool]]:
    """The words of a token, each with whether no space precedes it."""
    for match in UNITS.finditer(token):
        yield match[0], match.start() > 0 or (first and match["one"] is not None)


def _short(words: Iterable[Word]) -> Iterator[Word]:
    """The words without line breaks or NUL, which would break the file, each cut to the length of a line."""
    for word in words:
        rest, start, joined = " ".join(word.text.replace("\0", " ").split()), word.start, word.joined
        while rest:
            at = _cut(rest, _room(word.speaker))
            end = start + (word.end - start) * at / len(rest)
            yield replace(word, text=rest[:at], start=start, end=end, joined=joined)
            rest, start, joined = rest[at:], end, True


def _cut(text: str, room: int) -> int:
    """How many characters fit, up to a grapheme boundary if there is one."""
    head = text[: room + 1]
    fit = sum(width <= room for width in accumulate(map(_width, head)))
    if fit == len(text):
        return fit
    return max((m.end() for m in _GRAPHEME.finditer(head) if m.end() <= fit), default=fit)


def _sentences(words: Iterable[Word]) -> Iterator[list[Word]]:
    """Groups of words for one subtitle: a sentence, or a part of a sentence that is too long."""
    held: list[Word] = []
    for word in words:
        if held and (_apart(held[-1], word) or _ends(held[-1], word) or len(held) == _MANY):
            yield from _divided(held)
            held = []
        held.append(word)
    yield from _divided(held)


def _apart(word: Word, following: Word) -> bool:
    """Whether they must be in two subtitles."""
    return word.speaker != following.speaker or following.start - word.end > _PAUSE


def _ends(word: Word, following: Word) -> bool:
    """Whether a sentence ends between them."""
    return bool(_SENTENCE.search(word.text)) and not _NO_END.search(word.text) and not following.text[0].islower()


def _divided(words: list[Word]) -> Iterator[list[Word]]:
    """Parts of about equal length that fit, cut where it disturbs least."""
    while (most := _most(words)) < len(words):
        widths = _widths(words)
        seconds = words[-1].end - words[0].start
        parts = max(2, math.ceil(max(widths[-1] / (1.8 * LINE), seconds / _LONGEST)))  # lines are rarely full
        target = widths[-1] / parts
        at = min(range(1, most + 1), key=lambda i: _weakness(words, i) + (widths[i - 1] / target - 1) ** 2)
        yield words[:at]
        words = words[at:]
    if words:
        yield words


def _merged(groups: Iterable[list[Word]]) -> Iterator[list[Word]]:
    """Merge groups that are too short to be read with a neighbour, if both fit."""
    held: list[Word] = []
    for group in groups:
        if held and not _apart(held[-1], group[0]) and _hasty(held, group) and _most(held + group) == len(held + group):
            held = held + group
            continue
        if held:
            yield held
        held = group
    if held:
        yield held


def _hasty(group: list[Word], following: list[Word]) -> bool:
    """Whether there is too little time to read them as separate subtitles."""
    return following[0].start - group[0].start < _reading(group) or following[-1].end - following[0].start < _reading(
        following
    )


def _reading(words: list[Word]) -> float:
    """Seconds needed to read them."""
    return max(_SHORTEST, _widths(words)[-1] / _PER_SECOND)


def _most(words: list[Word]) -> int:
    """How many of the words fit into one subtitle, at least one."""
    widths = _widths(words)
    first = sum(width <= _room(words[0].speaker) for width in widths) if words else 0
    rest = _widths(words[first:])
    fit = first + sum(width <= LINE for width in rest)
    in_time = (i for i, word in enumerate(words) if i and word.end - words[0].start > _LONGEST)
    return min(fit, next(in_time, fit))


def _weakness(words: list[Word], at: int) -> float:
    """How much a break before `words[at]` disturbs."""
    word, following = words[at - 1], words[at]
    if _ends(word, following):
        return 0.0
    if _CLAUSE.search(word.text) or following.start - word.end > _BREATH:
        return 0.05
    if following.joined and not (_wide(word.text) or _wide(following.text)):
        return 1.0
    # in most languages a short word leads the next phrase: `people | of the`
    return 0.2 if len(word.text) > 3 >= len(following.text) else 0.3


def _cue(words: list[Word], earliest: int, least: float) -> Cue:
    start = max(earliest, round(1000 * words[0].start))
    wanted = max(round(1000 * words[-1].end), start + round(1000 * least))
    lines = _lines(words)
    shown = tuple(map(_written, lines))
    return Cue(start, min(wanted, start + round(1000 * _LONGEST)), shown, words[0].speaker, tuple(map(tuple, lines)))


def _marked(cue: Cue) -> str:
    """Its lines, each word after the time at which it begins: WebVTT wants those within the cue's, and increasing."""
    reached = cue.start
    lines: list[str] = []
    for line in cue.words:
        said = list[str]()
        for word in line:
            begin = round(1000 * word.start)
            mark = f"<{_clock(begin, '.')}>" if reached < begin < cue.end else ""
            reached = max(reached, begin)
            said.append(f"{' ' if said and not word.joined else ''}{mark}{_escaped(word.text)}")
        lines.append("".join(said))
    return "\n".join(lines)


def _lines(words: list[Word]) -> tuple[list[Word], ...]:
    """The words of the first line, and of the second if they need one."""
    widths, room = _widths(words), _room(words[0].speaker)
    if widths[-1] <= room:
        return (words,)
    breaks = [i for i in range(1, len(words)) if widths[i - 1] <= room and _widths(words[i:])[-1] <= LINE]
    at = min(breaks, key=lambda i: _weakness(words, i) + (2 * widths[i - 1] / widths[-1] - 1) ** 2)
    return words[:at], words[at:]


def _written(words: Sequence[Word]) -> str:
    return "".join(word.text if word.joined or not i else f" {word.text}" for i, word in enumerate(words))


def _widths(words: list[Word]) -> list[float]:
    """Widths, in characters, of the first word, the first two, …"""
    return list(accumulate(_width(word.text) + bool(i and not word.joined) for i, word in enumerate(words)))


def _width(text: str) -> float:
    return len(text) if text.isascii() else sum(_FULL_WIDTH if _wide(char) else 1 for char in text)


def _wide(text: str) -> bool:
    """Whether it begins with a full-width character."""
    return east_asian_width(text[0]) in "WF"


def _label(speaker: str) -> str:
    return f"{speaker}: " if speaker else ""


def _room(speaker: str) -> int:
    """Characters left in the first line after the speaker's label."""
    return max(LINE // 2, LINE - len(_label(speaker)))


def _clock(milliseconds: int, mark: str) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{mark}{rest:03}"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
