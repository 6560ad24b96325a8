"""Transcribes chunks of speech by CTranslate2, with faster-whisper's features, tokenizer and alignment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from faster_whisper.audio import pad_or_trim
from faster_whisper.tokenizer import Tokenizer
from faster_whisper.transcribe import get_suppressed_tokens, merge_punctuations

from ttsai_server.domain import Segment, TranscriptionRequest
from ttsai_server.engines.base import Cancellation
from ttsai_server.engines.shared.transcription.languages import ENGLISH, WHISPERS_OWN
from ttsai_server.engines.shared.transcription.windows import RATE, Chunk
from ttsai_server.engines.shared.transcription.words import Aligned, between, omitted, sentences
from ttsai_server.engines.whisper.languages import Languages, States
from ttsai_server.engines.whisper.network import Encoded, Network, states, view
from ttsai_server.engines.whisper.texts import Text, generated
from ttsai_server.engines.whisper.timing import settle

WARMER = 0.2
"""Increase of the temperature if a text is unlikely or repetitive (Radford et al. 2022, section 4.5)."""
SAMPLES = 5
"""Texts sampled at a temperature above 0, of which the likeliest is used."""
PREPENDED, APPENDED = "\"'“¿([{-", "\"'.。,，!！?？:：”)]}、"
"""Punctuation that belongs to the word after it, and to the word before it."""
AGAIN = 3
"""How often omitted speech is transcribed again, in smaller and smaller parts: 30 s become 4 s."""


class ChunkTranscriber:
    """Transcribes the chunks of one recording; several may share a model at the same time."""

    def __init__(
        self,
        network: Network,
        request: TranscriptionRequest,
        beam_size: int,
        lead: float,
        cancellation: Cancellation,
    ) -> None:
        self._network, self._model = network, network.model
        self._request, self._beam_size, self._lead, self._cancellation = request, beam_size, lead, cancellation
        self._requested = request.language if self._model.model.is_multilingual else ENGLISH
        self._languages = Languages(self._guess)

    @property
    def language(self) -> str:
        """ISO code: the requested language, else the one spoken most so far; English before the first chunk."""
        return self._requested or self._languages.main

    def transcribe(self, chunks: Sequence[Chunk]) -> list[Segment]:
        """Transcribe the chunks, in order. Raises Cancelled."""
        encoded = self._encode(chunks)
        if self._requested:
            return self._transcribe(chunks, encoded, self._requested, AGAIN)
        found = [part for i, chunk in enumerate(chunks) for part in self._languages.find(chunk, _one(encoded, i))]
        parts, languages = [part for part, _ in found], [language for _, language in found]
        if len(parts) == len(chunks) and len(set(languages)) == 1:
            return self._transcribe(chunks, encoded, languages[0], AGAIN)
        results = (self._transcribe([part], self._encode([part]), language, AGAIN) for part, language in found)
        return [segment for segments in results for segment in segments]

    def _transcribe(self, chunks: Sequence[Chunk], encoded: Encoded, language: str, again: int) -> list[Segment]:
        """again: how often omitted speech may be transcribed again."""
        tokenizer = self._tokenizer(language)
        texts = self._write(encoded, chunks, tokenizer)
        aligned = self._align(encoded, chunks, texts, tokenizer)
        segments: list[Segment] = []
        for i, (chunk, text, words) in enumerate(zip(chunks, texts, aligned, strict=True)):
            if again and omitted(words, chunk.seconds):
                segments += self._retry(chunk, text, words, view(_one(encoded, i)[None]), language, again)
            else:
                segments += self._sentences(chunk, text, words, language)
        return segments

    def _retry(
        self, chunk: Chunk, text: Text, words: list[Aligned], encoded: Encoded, language: str, again: int
    ) -> list[Segment]:
        """Transcribe a chunk with omitted speech again, and use the new text where it is longer.

        When Whisper omits a sentence, its probabilities don't show it. It omits less when it has to write time stamps,
        and when the chunk is shorter.
        """
        tokenizer = self._tokenizer(language)
        (timed,) = self._generate(encoded, tokenizer, self._request.temperature, timestamps=True)
        if not timed.failed and len(timed.text) > len(text.text):
            text = timed
            (words,) = self._align(encoded, [chunk], [text], tokenizer)
        gap = omitted(words, chunk.seconds)
        cuts = chunk.again(*gap) if gap else ()
        if not cuts:
            return self._sentences(chunk, text, words, language)
        before, *parts, after = chunk.cut(*cuts)
        start, end = before.seconds, chunk.seconds - after.seconds
        more = self._transcribe(parts, self._encode(parts), language, again - 1)
        if sum(len(segment.text) for segment in more) <= sum(len(word.text) for word in between(words, start, end)):
            return self._sentences(chunk, text, words, language)
        return [
            *self._sentences(before, text, between(words, 0, start), language),
            *more,
            *self._sentences(after, text, between(words, end, chunk.seconds + 1), language),
        ]

    def _sentences(self, chunk: Chunk, text: Text, words: list[Aligned], language: str) -> list[Segment]:
        return list(sentences(words, chunk, text.segment(language), self._written(language)))

    def _written(self, language: str) -> str:
        return ENGLISH if self._request.translate else language

    def _encode(self, chunks: Sequence[Chunk]) -> Encoded:
        features = [pad_or_trim(self._model.feature_extractor(chunk.sound)[..., :-1]) for chunk in chunks]
        return self._network.encode(np.stack(features), self._cancellation)

    def _guess(self, heard: States) -> dict[str, float]:
        (likely,) = self._model.model.detect_language(view(heard[None]))
        return {token[2:-2]: probability for token, probability in likely}

    def _tokenizer(self, language: str) -> Tokenizer:
        task = "translate" if self._request.translate else "transcribe"
        own = WHISPERS_OWN.get(language, language)
        return Tokenizer(self._model.hf_tokenizer, self._model.model.is_multilingual, task, own)

    def _write(self, encoded: Encoded, chunks: Sequence[Chunk], tokenizer: Tokenizer) -> list[Text]:
        texts = self._generate(encoded, tokenizer, self._request.temperature)
        return [
            self._try_warmer(text, view(_one(encoded, i)[None]), tokenizer) if text.failed else text
            for i, text in enumerate(texts)
        ]

    def _try_warmer(self, text: Text, encoded: Encoded, tokenizer: Tokenizer) -> Text:
        """Raise the temperature until a text is neither unlikely nor repetitive; else use the likeliest one."""
        texts = [text]
        while texts[-1].failed and texts[-1].temperature + WARMER <= 1:
            texts += self._generate(encoded, tokenizer, texts[-1].temperature + WARMER)
        if not texts[-1].failed:
            return texts[-1]
        varied = [text for text in texts if not text.repetitive]
        return max(varied or texts, key=lambda text: text.log_probability)

    def _generate(
        self, encoded: Encoded, tokenizer: Tokenizer, temperature: float, *, timestamps: bool = False
    ) -> list[Text]:
        before = tokenizer.encode(f" {self._request.prompt.strip()}") if self._request.prompt.strip() else []
        prompt = self._model.get_prompt(tokenizer, before, without_timestamps=not timestamps)
        search = {"beam_size": self._beam_size} if temperature == 0 else _sampling(temperature)
        options: dict[str, Any] = {
            "return_scores": True,
            "return_no_speech_prob": True,
            "suppress_tokens": get_suppressed_tokens(tokenizer, (-1,)),
            **search,
        }
        results = self._network.generate(encoded, prompt, options, self._cancellation)
        return [generated(result, tokenizer, temperature) for result in results]

    def _align(
        self, encoded: Encoded, chunks: Sequence[Chunk], texts: Sequence[Text], tokenizer: Tokenizer
    ) -> list[list[Aligned]]:
        frames = [len(chunk.sound) * self._model.frames_per_second // RATE for chunk in chunks]
        tokens = [text.tokens for text in texts]
        alignments = self._network.align(encoded, tokens, frames, tokenizer, self._cancellation)
        for alignment in alignments:
            merge_punctuations(alignment, PREPENDED, APPENDED)
        return [
            settle([_aligned(word) for word in alignment if word["word"]], chunk.sound, self._lead)
            for alignment, chunk in zip(alignments, chunks, strict=True)
        ]


def _one(encoded: Encoded, number: int) -> States:
    """The encoder's output for one of the chunks encoded together."""
    return states(encoded)[number]


def _sampling(temperature: float) -> dict[str, Any]:
    return {
        "beam_size": 1, "num_hypotheses": SAMPLES, "sampling_topk": 0, "sampling_temperature": temperature
    }  # fmt: skip


def _aligned(word: dict[str, Any]) -> Aligned:
    start, end = float(word["start"]), float(word["end"])
    return Aligned(word["word"], tuple(word["tokens"]), start, end, float(word["probability"]))
