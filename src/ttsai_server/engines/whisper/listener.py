"""Whisper by CTranslate2 and what faster-whisper brings for it: features, tokenizer, Silero's speech detector."""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.audio import pad_or_trim
from faster_whisper.tokenizer import Tokenizer
from faster_whisper.transcribe import get_suppressed_tokens, merge_punctuations
from faster_whisper.vad import VadOptions, get_speech_timestamps

from ttsai_server.domain import Segment, TranscriptionRequest
from ttsai_server.engines.base import Cancellation, Cancelled
from ttsai_server.engines.whisper.timing import settle
from ttsai_server.engines.whisper.windows import CHUNK, RATE, Chunk, Sound, Stretch
from ttsai_server.engines.whisper.words import Aligned, sentences, unheard

MOST_COMPRESSION, LEAST_LOG_PROBABILITY, SILENCE, WARMER = 2.4, -1.0, 0.6, 0.2
"""The thresholds of Whisper's paper (Radford et al. 2022, section 4.5), and by how much it raises the temperature."""
SAMPLES = 5
"""Texts that are sampled at a temperature above 0; the likeliest is taken."""
SURE = 0.5
"""Probability of a language above which no more is listened to for it."""
PAUSE_MS = 160
"""Shortest silence between two stretches of speech, milliseconds."""
PREPENDED, APPENDED = "\"'“¿([{-", "\"'.。,，!！?？:：”)]}、"
"""Punctuation that clings to the word after it, and to the word before it."""
WHISPERS_OWN = {"jv": "jw"}
"""ISO 639-1 code → the code that Whisper has for it, where they differ."""
ISO = {own: code for code, own in WHISPERS_OWN.items()}
ENGLISH = "en"
AGAIN = 3
"""How often, in ever smaller parts, what was left out is heard again: so often, a chunk of 30 s is down to 4."""


def detect(sound: Sound, threshold: float) -> list[Stretch]:
    """Stretches of speech: what Silero's network is surer of than `threshold`, 0 to 1; at 0, all of it."""
    options = VadOptions(
        threshold=threshold,
        neg_threshold=max(threshold - 0.15, 0.01) if threshold else 0,
        max_speech_duration_s=CHUNK / RATE,
        min_silence_duration_ms=PAUSE_MS,
    )
    return [(stretch["start"], stretch["end"]) for stretch in get_speech_timestamps(sound, options)]


@dataclass(frozen=True, slots=True)
class Text:
    tokens: tuple[int, ...]
    text: str
    temperature: float
    log_probability: float
    """Mean of its tokens."""
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
    def failed(self) -> bool:
        return not self.silent and (self.unlikely or self.compression > MOST_COMPRESSION)


class Listener:
    """Hears one recording, by a model that others may use at the same time."""

    def __init__(
        self,
        model: WhisperModel,
        request: TranscriptionRequest,
        beam_size: int,
        lead: float,
        cancellation: Cancellation,
    ) -> None:
        self._model: Any = model
        self._request, self._beam_size, self._lead, self._cancellation = request, beam_size, lead, cancellation
        self._asked = request.language if model.model.is_multilingual else ENGLISH
        self._votes: dict[str, float] = defaultdict(float)

    @property
    def language(self) -> str:
        """ISO code: asked for, or the likeliest so far; English before anything is heard."""
        return self._asked or max(self._votes, key=lambda code: self._votes[code], default=ENGLISH)

    @property
    def _written(self) -> str:
        return ENGLISH if self._request.translate else self.language

    def hear(self, chunks: Sequence[Chunk], again: int = AGAIN) -> list[Segment]:
        """What is said in the chunks, in order. again: how often what was left out is heard again. Raises Cancelled."""
        features = [pad_or_trim(self._model.feature_extractor(chunk.sound)[..., :-1]) for chunk in chunks]
        encoded = self._encode(np.stack(features))
        self._find_language(encoded)
        tokenizer = self._tokenizer()
        texts = self._write(encoded, features, tokenizer)
        aligned = self._align(encoded, chunks, texts, tokenizer)
        told = (self._told(*each, again) for each in zip(chunks, texts, aligned, strict=True))
        return [segment for segments in told for segment in segments]

    def _told(self, chunk: Chunk, text: Text, words: list[Aligned], again: int) -> list[Segment]:
        """What was heard; where speech had no word of its own, what another hearing of that part gives, if it is more.

        A model that leaves a sentence out is as sure of itself as ever; of less speech it leaves out less.
        """
        gap = unheard(words, len(chunk.sound) / RATE) if again else None
        parts, start, end = chunk.again(*gap) if gap else ((), 0, 0)
        if not parts:
            return self._sentences(chunk, text, words)
        more = self.hear(parts, again - 1)
        if sum(len(segment.text) for segment in more) <= sum(len(w.text) for w in words if start <= w.start < end):
            return self._sentences(chunk, text, words)
        before, after = [w for w in words if w.start < start], [w for w in words if w.start >= end]
        return [*self._sentences(chunk, text, before), *more, *self._sentences(chunk, text, after)]

    def _sentences(self, chunk: Chunk, text: Text, words: list[Aligned]) -> list[Segment]:
        return list(sentences(settle(words, chunk.sound, self._lead), chunk, _segment(text), self._written))

    def _encode(self, features: Any) -> Any:
        if self._cancellation.cancelled:
            raise Cancelled
        return self._model.encode(features)

    def _find_language(self, encoded: Any) -> None:
        if self._asked:
            return
        for likely in self._model.model.detect_language(encoded):
            for token, probability in likely:
                code: str = token[2:-2]
                self._votes[ISO.get(code, code)] += probability
        if self._votes[self.language] > SURE * sum(self._votes.values()):
            self._asked = self.language

    def _tokenizer(self) -> Tokenizer:
        task = "translate" if self._request.translate else "transcribe"
        language = WHISPERS_OWN.get(self.language, self.language)
        return Tokenizer(self._model.hf_tokenizer, self._model.model.is_multilingual, task, language)

    def _write(self, encoded: Any, features: Sequence[Any], tokenizer: Tokenizer) -> list[Text]:
        temperature = self._request.temperature
        texts = self._generate(encoded, len(features), tokenizer, temperature)
        return [
            self._try_warmer(text, feature, tokenizer) if text.failed else text
            for text, feature in zip(texts, features, strict=True)
        ]

    def _try_warmer(self, text: Text, features: Any, tokenizer: Tokenizer) -> Text:
        """The first text of a higher temperature that is neither unlikely nor repeats itself; else the likeliest."""
        encoded, texts = self._encode(features), [text]
        while texts[-1].failed and texts[-1].temperature + WARMER <= 1:
            texts += self._generate(encoded, 1, tokenizer, texts[-1].temperature + WARMER)
        if not texts[-1].failed:
            return texts[-1]
        varied = [text for text in texts if text.compression <= MOST_COMPRESSION]
        return max(varied or texts, key=lambda text: text.log_probability)

    def _generate(self, encoded: Any, count: int, tokenizer: Tokenizer, temperature: float) -> list[Text]:
        if self._cancellation.cancelled:
            raise Cancelled
        before = tokenizer.encode(f" {self._request.prompt.strip()}") if self._request.prompt.strip() else []
        prompt = self._model.get_prompt(tokenizer, before, without_timestamps=True)
        search = {"beam_size": self._beam_size} if temperature == 0 else _sampling(temperature)
        results = self._model.model.generate(
            encoded,
            [prompt] * count,
            return_scores=True,
            return_no_speech_prob=True,
            suppress_tokens=get_suppressed_tokens(tokenizer, (-1,)),
            **search,
        )
        return [_text(result, tokenizer, temperature) for result in results]

    def _align(
        self, encoded: Any, chunks: Sequence[Chunk], texts: Sequence[Text], tokenizer: Tokenizer
    ) -> list[list[Aligned]]:
        tokens = [[token for token in text.tokens if token < tokenizer.eot] for text in texts]
        frames = [len(chunk.sound) * self._model.frames_per_second // RATE for chunk in chunks]
        alignments = self._model.find_alignment(tokenizer, tokens, encoded, frames)
        for alignment in alignments:
            merge_punctuations(alignment, PREPENDED, APPENDED)
        return [[_aligned(word) for word in alignment if word["word"]] for alignment in alignments]


def _sampling(temperature: float) -> dict[str, Any]:
    return {
        "beam_size": 1, "num_hypotheses": SAMPLES, "sampling_topk": 0, "sampling_temperature": temperature
    }  # fmt: skip


def _text(result: Any, tokenizer: Tokenizer, temperature: float) -> Text:
    tokens = tuple(result.sequences_ids[0])
    log_probability = result.scores[0] * len(tokens) / (len(tokens) + 1)  # its score leaves out the end token
    text = Text(tokens, tokenizer.decode(list(tokens)).strip(), temperature, log_probability, result.no_speech_prob)
    wordless = not any(character.isalnum() for character in text.text)  # dots, for a hum or a held vowel
    return Text((), "", temperature, log_probability, result.no_speech_prob) if text.silent or wordless else text


def _aligned(word: dict[str, Any]) -> Aligned:
    start, end = float(word["start"]), float(word["end"])
    return Aligned(word["word"], tuple(word["tokens"]), start, end, float(word["probability"]))


def _segment(text: Text) -> Segment:
    return Segment(
        text.text,
        0,
        0,
        temperature=text.temperature,
        average_log_probability=text.log_probability,
        compression_ratio=text.compression,
        no_speech_probability=text.no_speech,
    )
