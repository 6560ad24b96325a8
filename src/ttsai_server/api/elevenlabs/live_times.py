"""When the characters of a text are said that is still being written."""

from ttsai_server.api.elevenlabs.alignment import Alignment, chunk_columns
from ttsai_server.services.live_speech import LiveSpeech


class LiveTimes:
    """Returns them a piece of the text at a time, from the end of the sound of the piece before."""

    def __init__(self, speech: LiveSpeech) -> None:
        """speech: with the times of its words."""
        self._speech = speech
        self._alignment = Alignment("")
        self._passages = self._pieces = self._words = 0
        """How many have been returned; words: those of the last passage."""
        self._start = 0.0
        """Where the sound of the next piece begins, seconds."""

    def next(self) -> dict[str, list[object]] | None:
        """Of the piece that has just been said; None: it is still being said."""
        speech = self._speech
        if len(speech.segments) == self._pieces:
            return None
        self._pieces = len(speech.segments)
        for text in speech.written[self._passages :]:
            self._alignment.extend(text)
            self._words = 0
        self._passages = len(speech.written)
        assert speech.times
        words = speech.times.words[self._words :]
        self._words += len(words)
        piece = chunk_columns(self._alignment.spaced(words, speech.seconds), self._start)
        self._start = speech.seconds
        return piece

    def rest(self) -> dict[str, list[object]]:
        """Of what no word of the text is."""
        return chunk_columns(self._alignment.rest((), self._speech.seconds), self._start)
