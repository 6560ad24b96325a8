"""A text that Whisper has generated for a chunk, with Whisper's quality criteria."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

from faster_whisper.tokenizer import Tokenizer

from ttsai_server.domain import Segment

MOST_COMPRESSION, LEAST_LOG_PROBABILITY, SILENCE = 2.4, -1.0, 0.6
"""The thresholds of Whisper's paper (Radford et al. 2022, section 4.5)."""


@dataclass(frozen=True, slots=True)
class Text:
    tokens: tuple[int, ...]
    text: str
    temperature: float
    log_probability: float
    """Mean log probability of its tokens."""
    no_speech: float

    @property
    def compression(self) -> float:
        data = self.text.encode()
        return len(data) / len(zlib.compress(data))

    @property
    def unlikely(self) -> bool:
        return self.log_probability < LEAST_LOG_PROBABILITY

    @property
    def silent(self) -> bool:
        return self.unlikely and self.no_speech > SILENCE

    @property
    def repetitive(self) -> bool:
        return self.compression > MOST_COMPRESSION

    @property
    def failed(self) -> bool:
        return not self.silent and (self.unlikely or self.repetitive)

    def segment(self, language: str) -> Segment:
        """A Segment with what all its sentences have in common. language: ISO code of the spoken language."""
        return Segment(
            self.text,
            0,
            0,
            temperature=self.temperature,
            average_log_probability=self.log_probability,
            compression_ratio=self.compression,
            no_speech_probability=self.no_speech,
            language=language,
        )


def generated(result: Any, tokenizer: Tokenizer, temperature: float) -> Text:
    """Decode a result of CTranslate2's `generate`. Time stamps are dropped; silence and a text without any letter or
    digit become an empty text."""
    tokens = tuple(token for token in result.sequences_ids[0] if token < tokenizer.eot)
    length = len(result.sequences_ids[0])
    log_probability = result.scores[0] * length / (length + 1)  # CTranslate2's score excludes the end token
    text = Text(tokens, tokenizer.decode(list(tokens)).strip(), temperature, log_probability, result.no_speech_prob)
    wordless = not any(character.isalnum() for character in text.text)  # dots, generated for a hum or a held vowel
    return Text((), "", temperature, log_probability, result.no_speech_prob) if text.silent or wordless else text
