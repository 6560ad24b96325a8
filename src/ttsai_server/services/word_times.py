"""When the words of a client's text are said: from the words of its pieces, as the engine has them.

    client's text ──markup, pronunciations──▶ spoken text ──`pieces`──▶ piece ──engine──▶ its words, in its sound

Their places are taken back to the client's text, their times forward to the sound that the client gets.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Self

from ttsai_server.audio.speech_encoder import SpeechEncoder
from ttsai_server.domain import SpokenWord, Word
from ttsai_server.text.markup import without_addresses
from ttsai_server.text.source_map import SourceMap, traced
from ttsai_server.text.split import Piece
from ttsai_server.text.words import Span, is_gap

TimeSource = Literal["model", "aligned"]
"""Whence the times are: from the model that speaks, or from one that has listened to it."""


@dataclass(frozen=True, slots=True)
class WrittenText:
    """Where in a client's text is what is spoken."""

    plain: SourceMap
    """The text without markup, from the client's."""
    spoken: SourceMap
    """What is spoken, from the text without markup."""

    @classmethod
    def of(cls, text: str, plain: str, spoken: SourceMap) -> Self:
        """text: the client's. plain: without markup."""
        found = traced(without_addresses(text), plain)
        return cls(found if found.complete else traced(text, plain), spoken)


class WordTimes:
    """Collects the words of one text, piece by piece."""

    def __init__(self, written: WrittenText, tempo: float) -> None:
        """tempo: how much faster the sound is made than the engine speaks."""
        self.words: list[SpokenWord] = []
        """In the client's text, and in all of the sound; the last one may still grow."""
        self._plain = written.plain
        self._spoken = written.spoken
        self._tempo = tempo
        self._places: list[Span] = []
        """Of `words`, in the text without markup."""
        self._piece = (0, SourceMap("", (), ()))
        """The start of the current piece in the spoken text, and where it comes from after that."""
        self._waiting: list[SpokenWord] = []
        """Those of the current piece whose end has not yet been encoded."""
        self._first = 0
        """How many words there were before the current piece."""

    def begin(self, piece: Piece) -> None:
        """The next piece is about to be said."""
        self._piece = piece.start, traced(self._spoken.text[piece.start : piece.end], piece.text)
        self._first = len(self.words)

    def hear(self, words: Iterable[SpokenWord], encoder: SpeechEncoder) -> None:
        """Words of the piece, as the engine has them, in order; sound of it has been encoded."""
        self._waiting.extend(words)
        start = encoder.piece_start
        while start is not None and self._waiting:
            if start + self._waiting[0].end_seconds / self._tempo > encoder.seconds:
                break
            self._add(self._waiting.pop(0), start, encoder.seconds)

    def end(self, encoder: SpeechEncoder, start: float | None) -> tuple[Word, ...]:
        """The piece is over. start: `encoder.piece_start`, before it was ended. → its words, for subtitles."""
        for word in self._waiting:
            self._add(word, encoder.seconds if start is None else start, encoder.seconds)
        self._waiting.clear()
        return tuple(self._subtitled(number) for number in range(self._first, len(self.words)))

    def _add(self, word: SpokenWord, start: float, now: float) -> None:
        """start: of the piece in the sound, seconds. now: how long the sound is."""
        place = self._place(word)
        earliest = self.words[-1].end_seconds if self.words else 0.0
        times = (start + at / self._tempo for at in (word.start_seconds, word.end_seconds))
        begin, end = (min(max(at, earliest), now) for at in times)
        if self.words and place[0] < self._places[-1][1]:  # another part of the same written word
            begin, before = self.words.pop().start_seconds, self._places.pop()
            place = before[0], max(before[1], place[1])
        self._places.append(place)
        self.words.append(SpokenWord(self._text(place) or word.text, *self._span(place), begin, end))

    def _place(self, word: SpokenWord) -> Span:
        """Where it is in the text without markup."""
        before, piece = self._piece
        start, end = piece.span(word.start_char, word.end_char)
        return self._spoken.span(before + start, before + end)

    def _span(self, place: Span) -> Span:
        """Where it is in the client's text: its letters, and the punctuation that no markup parts from them."""
        start, end = place
        letters = [at for at in range(start, end) if not is_gap(self._plain.text[at])]
        if not letters:
            return self._plain.span(start, end)
        first, last = letters[0], letters[-1]
        while first > start and self._plain.ends[first - 1] == self._plain.starts[first]:
            first -= 1
        while last + 1 < end and self._plain.starts[last + 1] == self._plain.ends[last]:
            last += 1
        return self._plain.span(first, last + 1)

    def _text(self, place: Span) -> str:
        """As the client has written it: without the full stops that were put in."""
        plain = self._plain
        own = (at for at in range(*place) if plain.starts[at] < plain.ends[at] or not is_gap(plain.text[at]))
        return "".join(plain.text[at] for at in own)

    def _subtitled(self, number: int) -> Word:
        word, start = self.words[number], self._places[number][0]
        before = self._plain.text[self._places[number - 1][1] if number else start : start]
        joined = number > 0 and not any(char.isspace() for char in before)
        span = word.start_char, word.end_char
        return Word(word.text, word.start_seconds, word.end_seconds, 1.0, joined=joined, characters=span)
