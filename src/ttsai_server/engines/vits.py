"""VITS (Kim et al. 2021) for text that is read by its letters, in PyTorch by transformers' `VitsModel`.

The voices are those of Meta's Massively Multilingual Speech (Pratap et al. 2023), one a language.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Generator
from typing import Any

import numpy as np
from pydantic import Field

from ttsai_server.domain import Audio, ModelCard, SpeechRequest
from ttsai_server.engines.base import Cancellation, LoadContext, Synthesizer
from ttsai_server.engines.shared.pytorch import Interruptible, free_device, import_torchaudio, prepare_device
from ttsai_server.errors import BadRequest, EngineFailed, WeightsMissing

FILES = ("config.json", "model.safetensors", "tokenizer_config.json", "vocab.json")


class Vits(Synthesizer):
    """Synthesizer of one voice, mono. Equal requests give equal sound."""

    extra, packages = "vits", ("num2words", "torch", "transformers", "uroman")

    class Options(Synthesizer.Options):
        noise_scale: float | None = Field(default=None, ge=0, le=2)
        """Variation of the sound; None: the voice's own."""
        noise_w: float | None = Field(default=None, ge=0, le=2)
        """Variation of the durations; None: likewise."""
        seed: int = Field(default=0, ge=0, lt=2**32)
        """Another seed is another rendering."""

    def __init__(self, model: Any, tokenizer: Any, romanizer: Any, rate: int, device: str) -> None:
        """romanizer: turns other letters into Latin ones, for a voice that only knows those; None for the others."""
        self._model, self._tokenizer, self._romanizer = model, tokenizer, romanizer
        self._own, self._pace = (model.noise_scale, model.noise_scale_duration), model.speaking_rate
        self._rate, self._device, self._running = rate, device, Interruptible(model)

    @classmethod
    def load(cls, card: ModelCard, place: LoadContext) -> Vits:
        if not all((place.weights / file).is_file() for file in FILES):
            raise WeightsMissing(card.id)
        prepare_device(place)
        import_torchaudio()  # transformers imports it
        from transformers import VitsModel, VitsTokenizer  # pyright: ignore[reportMissingImports]
        from uroman import Uroman  # pyright: ignore[reportMissingImports]

        try:
            tokenizer: Any = VitsTokenizer.from_pretrained(place.weights, local_files_only=True)
            model: Any = VitsModel.from_pretrained(place.weights, local_files_only=True, use_safetensors=True)
        except Exception as error:  # a wrong file may raise anything
            raise EngineFailed(f"The files of {card.id!r} are no checkpoint of VITS: {error}") from error
        if model.config.sampling_rate != card.rate:
            raise EngineFailed(f"The voice speaks at {model.config.sampling_rate} Hz, its card says {card.rate}.")
        romanizer = Uroman() if tokenizer.is_uroman else None
        return cls(model.eval().to(place.device), tokenizer, romanizer, card.rate, place.device)

    def synthesize(self, request: SpeechRequest, cancellation: Cancellation) -> Generator[Audio]:
        options = self.Options.model_validate(dict(request.options))
        words = self._letters(request.text, request.language.split("-")[0])
        waveform = self._speak(words, request.speed, options, cancellation)
        if not np.isfinite(waveform).all():
            raise EngineFailed("The model made sound that is not a number.")
        yield Audio(np.clip(waveform, -1, 1)[:, None], self._rate, last=True)

    def close(self) -> None:
        self._model = None
        free_device(self._device)

    def _letters(self, text: str, language: str) -> str:
        """The text in the letters that the voice knows, with numbers in words.

        Raises BadRequest for a letter that it does not know, which would be left out, and for a text without one.
        """
        known = self._tokenizer.get_vocab()
        text = re.sub(r"\d+", lambda digits: _in_words(digits[0], language), text)
        if self._romanizer:
            text = self._romanizer.romanize_string(text)
        text = "".join(letter for each in text.lower() for letter in _as_known(each, known))
        if strange := sorted({each for each in text if each.isalnum() and each not in known}):
            raise BadRequest(f"The voice has no sound for {', '.join(strange)}.", param="text")
        if not any(each.isalnum() for each in text):
            raise BadRequest("There is nothing in the text that can be said.", param="text")
        return text

    def _speak(self, words: str, speed: float, options: Options, cancellation: Cancellation) -> Any:
        """float32 (n,)."""
        import torch  # pyright: ignore[reportMissingImports]

        model = self._model
        if not model:
            raise EngineFailed("The engine is closed.")
        tokens = self._tokenizer(words, return_tensors="pt").to(self._device)
        given = (options.noise_scale, options.noise_w)
        model.noise_scale, model.noise_scale_duration = (
            own if one is None else one for one, own in zip(given, self._own, strict=True)
        )
        model.speaking_rate = self._pace * speed
        devices = [self._device] if self._device == "cuda" else []
        with self._running.running(cancellation), torch.random.fork_rng(devices):
            torch.manual_seed(options.seed)
            return model(**tokens).waveform[0].float().cpu().numpy()


def _in_words(digits: str, language: str) -> str:
    """A number in words, between spaces. Raises BadRequest for a language whose numbers are not known."""
    from num2words import num2words

    try:
        return f" {num2words(int(digits), lang=language)} "
    except NotImplementedError:
        raise BadRequest(f"Numbers can't be read in {language!r}: write them in words.", param="text") from None


def _as_known(letter: str, known: dict[str, int]) -> str:
    """A letter, without its accents if the voice knows it only so."""
    if letter in known:
        return letter
    plain = "".join(part for part in unicodedata.normalize("NFD", letter) if not unicodedata.combining(part))
    return plain if plain and all(part in known for part in plain) else letter
