"""MeloTTS by MyShell.ai: a VITS (Kim et al. 2021) that speaks Chinese with English words in it.

It is sherpa-onnx's export, which has a lexicon, words and single characters, with a tone for each phoneme.
The reader of sherpa-onnx itself leaves out what is not in it, without a word; here that is spelt out, or refused.
"""

import re
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ttsai_server.domain import Audio, ModelCard, SpeechRequest
from ttsai_server.engines.base import Cancellation, LoadContext, Synthesizer
from ttsai_server.engines.shared.onnx import Session
from ttsai_server.errors import BadRequest, EngineFailed, WeightsMissing

MODEL, LEXICON, TOKENS = "model.onnx", "lexicon.txt", "tokens.txt"
BLANK, SPACE = 0, "_"
"""Id of the token between any two; token of a space between words."""
_PUNCTUATION = dict(zip("，。！？；：、—~“”‘’", ",.!?,,,-.''''", strict=True))
_WORD = re.compile(r"[a-z]+(?:'[a-z]+)*|\d+|\s+|.")

Sounds = tuple[list[int], list[int]]
"""Ids of phonemes, and as many tones."""


class MeloTTS(Synthesizer):
    """Synthesizer of one voice, mono. Not deterministic: the model samples the durations."""

    extra, packages = "melotts", ("cn2an", "num2words", "onnxruntime")

    class Setup(Synthesizer.Setup):
        speaker: int = Field(default=1, ge=0)
        """Number of the voice in the model."""

    class Options(Synthesizer.Options):
        noise_scale: float = Field(default=0.6, ge=0, le=2)
        """Variation of the sound."""
        noise_w: float = Field(default=0.8, ge=0, le=2)
        """Variation of the durations."""

    def __init__(self, session: Session, lexicon: Mapping[str, Sounds], speaker: int, rate: int) -> None:
        self._session, self._lexicon, self._speaker, self._rate = session, lexicon, speaker, rate
        self._longest = max(len(word) for word in lexicon if not word.isascii())

    @classmethod
    def load(cls, card: ModelCard, place: LoadContext) -> Self:
        if not all((place.weights / file).is_file() for file in (MODEL, LEXICON, TOKENS)):
            raise WeightsMissing(card.id)
        lexicon = read_lexicon(place.weights / LEXICON, place.weights / TOKENS)
        speaker = cls.Setup.model_validate(dict(card.setup)).speaker
        return cls(Session(place.weights / MODEL, place.threads), lexicon, speaker, card.rate)

    def synthesize(self, request: SpeechRequest, cancellation: Cancellation) -> Generator[Audio]:
        options = self.Options.model_validate(dict(request.options))
        tokens, tones = self._sounds(request.text, request.language.split("-")[0])
        inputs = {
            "x": _with_blanks(tokens),
            "x_lengths": np.array([2 * len(tokens) + 1], np.int64),
            "tones": _with_blanks(tones),
            "sid": np.array([self._speaker], np.int64),
            "noise_scale": np.array([options.noise_scale], np.float32),
            "length_scale": np.array([1 / request.speed], np.float32),
            "noise_scale_w": np.array([options.noise_w], np.float32),
        }
        waveform = self._session.run(inputs, cancellation)["y"].reshape(-1, 1)
        if not np.isfinite(waveform).all():
            raise EngineFailed("The model made sound that is not a number.")
        yield Audio(np.clip(waveform, -1.0, 1.0), self._rate, last=True)

    def close(self) -> None:
        self._session.close()

    def _sounds(self, text: str, language: str) -> Sounds:
        """Raises BadRequest for a text with nothing to say in it, or with letters that the lexicon does not have."""
        words = list(self._words(text.lower(), language))
        if not any(word.isalnum() for word in words):
            raise BadRequest("There is nothing in the text that can be said.", param="text")
        if strange := sorted({word for word in words if word not in self._lexicon and word.isalnum()}):
            raise BadRequest(f"The voice has no sound for {', '.join(strange)}.", param="text")
        found = [self._lexicon[word] for word in words if word in self._lexicon]
        return [id for ids, _ in found for id in ids], [tone for _, tones in found for tone in tones]

    def _words(self, text: str, language: str) -> Iterator[str]:
        """Entries of the lexicon: a word that is not in it by its letters, Chinese by the longest entries first."""
        text = re.sub(r"\d+", lambda digits: _in_words(digits[0], language), text)
        at = 0
        while at < len(text):
            word = _WORD.match(text, at)
            assert word, "it matches any character"
            if word[0].isspace():
                yield SPACE
            elif word[0].isascii():
                yield from [word[0]] if word[0] in self._lexicon else word[0]
            else:
                longest = range(min(self._longest, len(text) - at), 0, -1)
                found = next((text[at : at + size] for size in longest if text[at : at + size] in self._lexicon), "")
                yield found or _PUNCTUATION.get(word[0], word[0])
                at += max(len(found), 1)
                continue
            at = word.end()


def read_lexicon(lexicon: Path, tokens: Path) -> dict[str, Sounds]:
    """Word → sounds: lines of a word, its phonemes, and as many tones. Raises EngineFailed for other files."""
    try:
        lines = (line.split() for line in tokens.read_text("utf-8").splitlines())
        ids = {token: int(id) for token, id in lines}
        found: dict[str, Sounds] = {}
        for line in lexicon.read_text("utf-8").splitlines():
            word, *sounds = line.split()
            half, odd = divmod(len(sounds), 2)
            if odd:
                raise ValueError(f"{word} has not as many tones as phonemes")
            found[word] = [ids[phone] for phone in sounds[:half]], [int(tone) for tone in sounds[half:]]
        signs = {sign: ([ids[sign]], [0]) for sign in (*"!?,.'-…", SPACE) if sign in ids}
        if not any(not word.isascii() for word in found):
            raise ValueError("no Chinese words")
        return found | signs
    except (ValueError, KeyError) as error:
        raise EngineFailed(f"{lexicon.name} and {tokens.name} are no lexicon of MeloTTS: {error!r}") from error


def _with_blanks(values: list[int]) -> NDArray[np.int64]:
    """int64 (1, 2n + 1)."""
    spread = np.full(2 * len(values) + 1, BLANK, np.int64)
    spread[1::2] = values
    return spread[None]


def _in_words(digits: str, language: str) -> str:
    """A number in words of Chinese or English. Raises BadRequest for one that is too long."""
    from cn2an import an2cn
    from num2words import num2words

    try:
        return an2cn(digits) if language == "zh" else f" {num2words(int(digits))} ".replace("-", " ")
    except (ValueError, OverflowError):
        raise BadRequest(f"{digits[:40]} is too long a number to be said.", param="text") from None
