"""Speakers to words: transcribed sentences, labelled by who speaks when, and split where the speaker changes."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import accumulate, groupby, pairwise

from ttsai_server.domain import PartialTranscript, Segment, Turn, Word, text_of

FLICKER = 0.3
"""A word that its speaker's turns cover for less, seconds, is no change of speaker: words' times are off by as much."""


class Labeller:
    """Labels segments, which come in order of time: SPEAKER_00 is who has the first word, and so on."""

    def __init__(self, turns: Sequence[Turn]) -> None:
        """turns: of the whole recording, by start; none: one speaker has said it all."""
        self._turns = turns or (Turn(0, 0, 0),)
        self._starts = [turn.start for turn in self._turns]
        self._ends = list(accumulate((turn.end for turn in self._turns), max))
        """The latest end so far."""
        self._labels: dict[int, str] = {}

    def __call__(self, segments: Sequence[Segment]) -> tuple[Segment, ...]:
        """The segments with their speakers and their words'; one that changes speaker is split there."""
        return tuple(part for segment in segments for part in self._split(segment))

    def _split(self, segment: Segment) -> Iterator[Segment]:
        if not segment.words:
            yield replace(segment, speaker=self._label(self._speaker(segment)))
            return
        speakers = self._smooth(segment.words)
        said = groupby(zip(speakers, segment.words, strict=True), key=lambda pair: pair[0])
        runs = [self._labelled([word for _, word in run], speaker) for speaker, run in said]
        if len(runs) == 1:
            yield replace(segment, words=runs[0], speaker=runs[0][0].speaker)
            return
        starts = [segment.start, *(run[0].start for run in runs[1:])]
        ends = [*(run[-1].end for run in runs[:-1]), segment.end]
        for run, start, end in zip(runs, starts, ends, strict=True):
            yield replace(
                segment, text=text_of(run), start=start, end=end, words=run, speaker=run[0].speaker, tokens=()
            )

    def _labelled(self, words: Sequence[Word], speaker: int) -> tuple[Word, ...]:
        label = self._label(speaker)
        return tuple(replace(word, speaker=label) for word in words)

    def _label(self, speaker: int) -> str:
        return self._labels.setdefault(speaker, f"SPEAKER_{len(self._labels):02d}")

    def _smooth(self, words: Sequence[Word]) -> list[int]:
        """The speaker of each word of a sentence; a single word, hardly covered, is that of its neighbours."""
        speakers = [self._speaker(word) for word in words]
        runs = [len(list(run)) for _, run in groupby(speakers)]
        for first, end in pairwise(accumulate(runs, initial=0)):
            around = {speakers[i] for i in (first - 1, end) if 0 <= i < len(words)}
            if end - first == 1 and len(around) == 1 and self._shares(words[first])[speakers[first]] < FLICKER:
                speakers[first] = around.pop()
        return speakers

    def _speaker(self, said: Word | Segment) -> int:
        """Who speaks for the most of it; if nobody does, who speaks nearest to it."""
        if shares := self._shares(said):
            return max(shares, key=shares.__getitem__)
        after = min(bisect_right(self._starts, said.end), len(self._turns) - 1)
        near = self._turns[max(0, after - 1)], self._turns[after]
        return min(near, key=lambda turn: max(turn.start - said.end, said.start - turn.end)).speaker

    def _shares(self, said: Word | Segment) -> dict[int, float]:
        """Speaker → seconds of it, for those who speak during it."""
        shares = defaultdict[int, float](float)
        here = slice(bisect_left(self._ends, said.start), bisect_right(self._starts, said.end))
        for turn in self._turns[here]:
            seconds = min(turn.end, said.end) - max(turn.start, said.start)
            if seconds > 0:
                shares[turn.speaker] += seconds
        return shares


def by_channel(heard: Sequence[Sequence[PartialTranscript]], start: float, seconds: float) -> PartialTranscript:
    """What was heard in each channel of a recording of so many seconds, in one: by start, where they speak at once.

    SPEAKER_00 is the speaker of the first channel, also where the second one speaks first. `start`: where the partial
    transcripts that have been given out, all without segments, end.
    """
    said = [
        _spoken_by(f"SPEAKER_{number:02d}", segment)
        for number, partials in enumerate(heard)
        for partial in partials
        for segment in partial.segments
    ]
    lengths = defaultdict[str, float](float)
    for segment in said:
        lengths[segment.language] += segment.end - segment.start
    language = max(lengths, key=lengths.__getitem__, default=heard[0][-1].language)
    return PartialTranscript(start, seconds, tuple(sorted(said, key=lambda segment: segment.start)), language)


def _spoken_by(label: str, segment: Segment) -> Segment:
    return replace(segment, speaker=label, words=tuple(replace(word, speaker=label) for word in segment.words))
