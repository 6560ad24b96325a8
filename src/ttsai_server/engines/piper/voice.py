"""What Piper's voices have in common, whatever reads the text: each is a VITS (Kim et al. 2021), small and quick, as
rhasspy/piper exports it to ONNX, with a description of what it was trained on."""

import json
from abc import abstractmethod
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ttsai_server.domain import Audio, ModelCard, SpeechRequest
from ttsai_server.engines.base import Cancellation, LoadContext, Synthesizer
from ttsai_server.engines.shared.onnx import Arrays, Session
from ttsai_server.engines.shared.word_clock import Pace, WordClock, between
from ttsai_server.errors import BadRequest, EngineFailed, WeightsMissing

if TYPE_CHECKING:  # an engine with phonemes of its own does without the packages of ours
    from ttsai_server.text.phonemes import WordPhonemes

MODEL, CONFIG = "voice.onnx", "voice.onnx.json"
START, PAD, END = "^", "_", "$"
"""Symbols of every voice: at the start, between any two symbols, at the end."""
MOST_NAMED = 20
"""Speakers that a message names."""
HOP = 256
"""Samples of a latent frame, of every voice."""
OVERLAP = 14
"""Frames decoded beyond either end of a window: the receptive field of the decoder, of the largest voices too."""
FIRST = 64
"""Frames of the first window; each next one is twice as long, decoded while this plays."""


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

    def __init__(self, encoder: Session, decoder: Session, voice: Description) -> None:
        """The two graphs are those of `graph.cut`."""
        self._encoder, self._decoder, self._voice = encoder, decoder, voice

    @classmethod
    def load(cls, card: ModelCard, place: LoadContext) -> Self:
        from ttsai_server.engines.piper.graph import cut

        if not all((place.weights / file).is_file() for file in (MODEL, CONFIG)):
            raise WeightsMissing(card.id)
        voice = Description.read(place.weights / CONFIG)
        if voice.rate != card.rate:
            raise EngineFailed(f"The voice speaks at {voice.rate} Hz, not at {card.rate}, which its card says.")
        encoder, decoder = (Session(graph, place.threads) for graph in cut(place.weights / MODEL))
        return cls(encoder, decoder, voice)

    @abstractmethod
    def symbols(self, request: SpeechRequest) -> str:
        """The text as the voice was taught to read it: phonemes in espeak-ng's notation, or letters. Raises
        BadRequest."""

    def words(self, request: SpeechRequest, symbols: str) -> "Sequence[WordPhonemes]":
        """The words of the text, and which of its symbols are theirs; only of a voice whose card has `timestamps`."""
        raise NotImplementedError

    def synthesize(self, request: SpeechRequest, cancellation: Cancellation) -> Generator[Audio]:
        options = self.Options.model_validate(dict(request.options))
        speaker = self._voice.speaker(options.speaker)
        symbols = self.symbols(request)
        if not any(symbol.isalpha() for symbol in symbols):
            raise BadRequest("There is nothing in the text that can be said.", param="text")
        ids = self._ids(symbols)
        inputs = self._inputs(options, ids, speaker, request.speed)
        clock = self._clock(request, symbols) if request.timestamps else None
        encoded = self._encoder.run(inputs, cancellation)
        ends = np.cumsum(encoded["durations"])[np.cumsum([len(each) for each in ids]) - 1]
        durations = np.diff(ends, prepend=0).astype(np.float32)
        total = encoded["frames"].shape[-1]
        for begin, end in windows(total) if request.soon else [(0, total)]:
            waveform = self._decode({**inputs, **encoded}, begin, end, cancellation)
            last = end == total
            words = clock.hear(waveform, between(durations, begin, end), last=last) if clock else ()
            yield Audio(waveform[:, None], self._voice.rate, last=last, words=words)

    def close(self) -> None:
        self._encoder.close()
        self._decoder.close()

    def _inputs(self, options: Options, ids: Sequence[Sequence[int]], speaker: int, speed: float) -> Arrays:
        """Of the encoder."""
        voice, all_ids = self._voice, np.array([list(chain.from_iterable(ids))], np.int64)
        given = (options.noise_scale, options.length_scale, options.noise_w)
        own = (voice.noise, voice.length, voice.noise_of_lengths)
        noise, length, noise_of_lengths = (
            one if one is not None else of_voice for one, of_voice in zip(given, own, strict=True)
        )
        inputs: dict[str, NDArray[Any]] = {
            "input": all_ids,
            "input_lengths": np.array([all_ids.size], np.int64),
            "scales": np.array([noise, length / speed, noise_of_lengths], np.float32),
        }
        return inputs | ({"sid": np.array([speaker], np.int64)} if voice.speakers > 1 else {})

    def _clock(self, request: SpeechRequest, symbols: str) -> WordClock:
        words = self.words(request, symbols)
        clock = WordClock(request.text, symbols, words, Pace(self._voice.rate, HOP, lead=0))
        clock.begin(symbols)
        return clock

    def _decode(self, known: Arrays, begin: int, end: int, cancellation: Cancellation) -> NDArray[np.float32]:
        """The sound, (samples,), of the frames [begin, end)."""
        frames = known["frames"]
        first, stop = max(0, begin - OVERLAP), min(frames.shape[-1], end + OVERLAP)
        given = {**known, "frames": np.ascontiguousarray(frames[..., first:stop])}
        inputs = {name: given[name] for name in self._decoder.shapes()}
        sound = self._decoder.run(inputs, cancellation)["output"].reshape(-1)
        if len(sound) != HOP * (stop - first) or not np.isfinite(sound).all():
            raise EngineFailed("The model made sound of a wrong length, or that is not a number.")
        return np.clip(sound[HOP * (begin - first) : HOP * (end - first)], -1.0, 1.0)

    def _ids(self, symbols: str) -> list[list[int]]:
        """The ids of START, of each symbol, and of END; none of a sign that the voice has no symbol for.

        Raises BadRequest for such a letter, lest it be dropped silently.
        """
        known = self._voice.symbols
        if letters := sorted({symbol for symbol in symbols if symbol.isalpha() and symbol not in known}):
            raise BadRequest(f"The voice has no sound for {', '.join(letters)}.", param="text")
        return [
            *([*known[symbol], *known[PAD]] if symbol in known else [] for symbol in (START, *symbols)),
            list(known[END]),
        ]


def windows(frames: int) -> Iterator[tuple[int, int]]:
    """[begin, end) of the windows in which so many frames are decoded where the first sound is waited for."""
    begin, longest = 0, FIRST
    while frames - begin > 2 * longest:  # else the rest fits into the last window
        yield begin, begin + longest
        begin, longest = begin + longest, 2 * longest
    yield begin, frames
