"""What Piper's voices have in common, whatever reads the text: each is a VITS (Kim et al. 2021), small and quick, as
rhasspy/piper exports it to ONNX, with a description of what it was trained on."""

import json
from abc import abstractmethod
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ttsai_server.domain import Audio, ModelCard, SpeechRequest
from ttsai_server.engines.base import Cancellation, LoadContext, Synthesizer
from ttsai_server.engines.shared.onnx import Session
from ttsai_server.errors import BadRequest, EngineFailed, WeightsMissing

MODEL, CONFIG = "voice.onnx", "voice.onnx.json"
START, PAD, END = "^", "_", "$"
"""Symbols of every voice: at the start, between any two symbols, at the end."""
MOST_NAMED = 20
"""Speakers that a message names."""


@dataclass(frozen=True, slots=True)
class Description:
    """A voice's `voice.onnx.json`."""

    symbols: Mapping[str, list[int]]
    """Symbol → its ids."""
    noise: float
    """VITS's noise_scale: variation of the sound."""
    length: float
    """VITS's length_scale: duration, 1 as in the recordings."""
    noise_of_lengths: float
    """VITS's noise_w: variation of the durations."""
    rate: int
    """Hertz."""
    speakers: int
    names: Mapping[str, int]
    """Speaker's name → number; empty where they have none."""
    espeak_voice: str
    """The voice of espeak-ng that wrote the phonemes it was trained on."""
    symbols_are_letters: bool
    """Whether it was trained on the letters of the text, not on phonemes."""

    @classmethod
    def read(cls, file: Path) -> Self:
        """Raises EngineFailed if it does not describe a Piper voice, or one that was trained on symbols of another
        kind than phonemes or letters."""
        try:
            config: dict[str, Any] = json.loads(file.read_text("utf-8"))
            symbols, given = config["phoneme_id_map"], config["inference"]
            if lacking := {START, PAD, END} - symbols.keys():
                raise KeyError(*lacking)
            kind = config.get("phoneme_type", "espeak")
            if kind not in ("espeak", "text"):
                raise ValueError(f"phoneme_type {kind!r}")
            return cls(
                symbols=symbols,
                noise=float(given["noise_scale"]),
                length=float(given["length_scale"]),
                noise_of_lengths=float(given["noise_w"]),
                rate=int(config["audio"]["sample_rate"]),
                speakers=int(config.get("num_speakers", 1)),
                names=config.get("speaker_id_map", {}),
                espeak_voice=config["espeak"]["voice"],
                symbols_are_letters=kind == "text",
            )
        except (ValueError, KeyError, TypeError) as error:
            raise EngineFailed(f"{file.name} does not describe a Piper voice: {error!r}") from error

    def speaker(self, asked: str | int | None) -> int:
        """The number of a speaker, given by name or number; None: the first. Raises BadRequest."""
        if asked is None:
            return 0
        if (named := self.names.get(str(asked))) is not None:
            return named
        if str(asked).isdecimal() and int(asked) < self.speakers:
            return int(asked)
        names = ", ".join(list(self.names)[:MOST_NAMED])
        known = f"0 to {self.speakers - 1}" + (f", by name {names}" if names else "")
        more = " …" if len(self.names) > MOST_NAMED else ""
        raise BadRequest(f"The voice has no speaker {str(asked)[:40]!r}; it has {known}{more}.", param="speaker")


class PiperVoice(Synthesizer):
    """Synthesizer of one voice, mono. Not deterministic: the model samples the durations."""

    class Options(Synthesizer.Options):
        speaker: str | int | None = None
        """Name or number of the speaker, where the voice has several; None: the first."""
        length_scale: float | None = Field(default=None, ge=0.25, le=4)
        """Duration at speed 1, relative to the recordings; None: as the voice's publisher chose."""
        noise_scale: float | None = Field(default=None, ge=0, le=2)
        """Variation of the sound; None: likewise."""
        noise_w: float | None = Field(default=None, ge=0, le=2)
        """Variation of the durations; None: likewise."""

    def __init__(self, session: Session, voice: Description) -> None:
        self._session, self._voice = session, voice

    @classmethod
    def load(cls, card: ModelCard, place: LoadContext) -> Self:
        if not all((place.weights / file).is_file() for file in (MODEL, CONFIG)):
            raise WeightsMissing(card.id)
        voice = Description.read(place.weights / CONFIG)
        if voice.rate != card.rate:
            raise EngineFailed(f"The voice speaks at {voice.rate} Hz, not at {card.rate}, which its card says.")
        return cls(Session(place.weights / MODEL, place.threads), voice)

    @abstractmethod
    def symbols(self, request: SpeechRequest) -> str:
        """The text as the voice was taught to read it: phonemes in espeak-ng's notation, or letters. Raises
        BadRequest."""

    def synthesize(self, request: SpeechRequest, cancellation: Cancellation) -> Generator[Audio]:
        options, voice = self.Options.model_validate(dict(request.options)), self._voice
        speaker = voice.speaker(options.speaker)
        symbols = self.symbols(request)
        if not any(symbol.isalpha() for symbol in symbols):
            raise BadRequest("There is nothing in the text that can be said.", param="text")
        ids = self._ids(symbols)
        given = (options.noise_scale, options.length_scale, options.noise_w)
        own = (voice.noise, voice.length, voice.noise_of_lengths)
        noise, length, noise_of_lengths = (
            one if one is not None else of_voice for one, of_voice in zip(given, own, strict=True)
        )
        inputs: dict[str, NDArray[Any]] = {
            "input": ids,
            "input_lengths": np.array([ids.size], np.int64),
            "scales": np.array([noise, length / request.speed, noise_of_lengths], np.float32),
        }
        if voice.speakers > 1:
            inputs["sid"] = np.array([speaker], np.int64)
        waveform = self._session.run(inputs, cancellation)["output"].reshape(-1, 1)
        if not np.isfinite(waveform).all():
            raise EngineFailed("The model made sound that is not a number.")
        yield Audio(np.clip(waveform, -1.0, 1.0), voice.rate, last=True)

    def close(self) -> None:
        self._session.close()

    def _ids(self, symbols: str) -> NDArray[np.int64]:
        """int64 (1, n). Raises BadRequest for a letter that the voice lacks, lest it be dropped silently."""
        known = self._voice.symbols
        unknown = {symbol for symbol in symbols if symbol not in known}
        if letters := sorted(symbol for symbol in unknown if symbol.isalpha()):
            raise BadRequest(f"The voice has no sound for {', '.join(letters)}.", param="text")
        said = [symbol for symbol in symbols if symbol not in unknown]
        ids = [id for symbol in (START, *said) for id in (*known[symbol], *known[PAD])]
        return np.array([[*ids, *known[END]]], np.int64)
