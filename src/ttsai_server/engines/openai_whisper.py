"""Whisper as OpenAI published it (Radford et al. 2022), in PyTorch by their own package `openai-whisper`.

The reference that others are measured against. The engine of `whisper` hears the same for a fraction of the work.
"""

import warnings
from collections import defaultdict
from collections.abc import Generator
from functools import partial
from pathlib import Path
from pickle import UnpicklingError
from threading import Lock
from typing import Any, ClassVar, Self

import numpy as np
from pydantic import Field

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import ModelCard, PartialTranscript, Segment, TranscriptionRequest, Word
from ttsai_server.engines.base import Cancellation, Cancelled, LoadContext, Transcriber
from ttsai_server.engines.shared.listening.windows import Chunk, Sound, read_window
from ttsai_server.errors import EngineFailed, WeightsMissing

WARMER, SAMPLES = 0.2, 5
"""By how much the temperature rises where a text is unlikely or repeats itself; texts that are sampled then."""
UNSURE = 0.5
"""Temperature above which a text is no context for what follows."""
SPEECH = 0.5
"""How sure the speech detector must be for a sound to be heard at all."""
CONTEXT = 1000
"""Characters of earlier text that are shown to the model; it keeps the last 223 tokens of them."""


class OpenAIWhisper(Transcriber):
    """Equal requests give equal text. A step hears up to 30 s of speech."""

    extra, packages = "openai-whisper", ("faster_whisper", "torch", "whisper")

    class Setup(Transcriber.Setup):
        size: str = "base"
        """As the package names it; the weights are <size>.pt."""

    class Options(Transcriber.Options):
        beam_size: int = Field(default=5, ge=1, le=10)
        """Texts that are kept in view while the likeliest is searched."""

    _alone: ClassVar = Lock()
    """The package hooks into a model while it decodes and switches all models' attention while it aligns words."""

    def __init__(self, model: Any) -> None:
        self._model: Any = model
        self._cancellation = Cancellation()
        for module in model.modules():
            module.register_forward_pre_hook(self._stop_if_told)

    @classmethod
    def load(cls, card: ModelCard, place: LoadContext) -> Self:
        size = cls.Setup.model_validate(dict(card.setup)).size
        if not (place.weights / f"{size}.pt").is_file():
            raise WeightsMissing(card.id)
        return cls(_load(place.weights / f"{size}.pt", size, place))

    def warm_up(self, card: ModelCard) -> None:
        import torch  # pyright: ignore[reportMissingImports]
        from whisper.timing import dtw  # pyright: ignore[reportMissingImports]

        dtw(torch.zeros(2, 2))  # numba compiles it: many seconds

    def transcribe(
        self, recording: Recording, request: TranscriptionRequest, cancellation: Cancellation
    ) -> Generator[PartialTranscript]:
        from ttsai_server.engines.shared.listening.languages import ENGLISH, ISO
        from ttsai_server.engines.shared.listening.speech import detect

        position, before = 0, request.prompt
        seconds: dict[str, float] = defaultdict(float)
        while position < recording.frames:
            if cancellation.cancelled:
                raise Cancelled
            window = read_window(recording, position, 1, partial(detect, threshold=SPEECH))
            segments: list[Segment] = []
            for chunk in window.chunks:
                heard = self._hear(chunk.sound, request, before, cancellation)
                language = ISO.get(heard["language"], str(heard["language"]))
                seconds[language] += chunk.seconds
                before = _context(before, heard["segments"])
                segments += [_segment(entry, chunk, language) for entry in heard["segments"] if entry["text"].strip()]
            start, position = position, window.end
            main = max(seconds, key=lambda code: seconds[code], default=request.language or ENGLISH)
            yield PartialTranscript(
                start / recording.rate,
                position / recording.rate,
                tuple(segments),
                main,
                last=position >= recording.frames,
            )

    def close(self) -> None:
        self._model = None

    def _hear(
        self, sound: Sound, request: TranscriptionRequest, before: str, cancellation: Cancellation
    ) -> dict[str, Any]:
        """What `whisper.transcribe` gives. Raises Cancelled."""
        import torch  # pyright: ignore[reportMissingImports]

        from ttsai_server.engines.shared.listening.languages import WHISPERS_OWN

        with self._alone:
            if not self._model:
                raise EngineFailed("The engine is closed.")
            self._cancellation = cancellation
            torch.manual_seed(0)  # sampling makes no difference between equal requests
            try:
                return self._model.transcribe(
                    sound,
                    task="translate" if request.translate else "transcribe",
                    language=WHISPERS_OWN.get(request.language or "", request.language),
                    temperature=tuple(float(degree) for degree in np.arange(request.temperature, 1.001, WARMER)),
                    beam_size=self.Options.model_validate(dict(request.options)).beam_size,
                    best_of=SAMPLES,
                    initial_prompt=before.replace("<|", "< |") or None,  # a special token is refused, not read
                    word_timestamps=request.words,
                    fp16=self._model.device.type == "cuda",
                )
            except RuntimeError as error:
                raise EngineFailed(f"PyTorch failed: {error}") from error
            except Cancelled:
                for block in self._model.decoder.blocks:
                    block.cross_attn._forward_hooks.clear()  # the package takes away its own only at the end
                raise

    def _stop_if_told(self, *_: Any) -> None:
        """Runs before each layer: what is under way when told to stop is one layer, or one kernel on CUDA."""
        if self._cancellation.cancelled:
            raise Cancelled


def _load(file: Path, size: str, place: LoadContext) -> Any:
    import torch  # pyright: ignore[reportMissingImports]
    from whisper import _ALIGNMENT_HEADS, load_model  # pyright: ignore
    from whisper.tokenizer import get_tokenizer  # pyright: ignore[reportMissingImports]

    torch.set_num_threads(place.threads)
    try:
        model = load_model(str(file), place.device)  # with weights_only: nothing in the file is run
        model.set_alignment_heads(_ALIGNMENT_HEADS[size])
    except (RuntimeError, UnpicklingError, EOFError, KeyError, TypeError) as error:
        raise EngineFailed(f"{file.name} is no Whisper {size!r}: {error}") from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the package leaves its vocabulary's file open
        get_tokenizer(model.is_multilingual, num_languages=model.num_languages)
    return model.eval()


def _context(before: str, heard: list[dict[str, Any]]) -> str:
    """What the model is shown of the text so far: all, or what follows a text that it was not sure of."""
    for entry in heard:
        before = "" if entry["temperature"] > UNSURE else f"{before} {entry['text'].strip()}"
    return before[-CONTEXT:].strip()


def _segment(heard: dict[str, Any], chunk: Chunk, language: str) -> Segment:
    words = tuple(_word(word, chunk) for word in heard.get("words", ()) if word["word"].strip())
    start, end = float(heard["start"]), float(heard["end"])
    return Segment(
        heard["text"].strip(),
        words[0].start if words else chunk.time(start, start),
        words[-1].end if words else chunk.time(end, start),
        words,
        tokens=tuple(heard["tokens"]),
        temperature=heard["temperature"],
        average_log_probability=heard["avg_logprob"],
        compression_ratio=heard["compression_ratio"],
        no_speech_probability=heard["no_speech_prob"],
        language=language,
    )


def _word(heard: dict[str, Any], chunk: Chunk) -> Word:
    start, end = float(heard["start"]), float(heard["end"])
    middle = (start + end) / 2
    return Word(
        heard["word"].strip(),
        chunk.time(start, middle),
        chunk.time(end, middle),
        float(heard["probability"]),
        joined=not heard["word"].startswith(" "),
    )
