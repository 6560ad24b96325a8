"""Chatterbox by Resemble AI, in PyTorch by the networks of the package `chatterbox-light`.

T3, a language model, writes speech tokens in a speaker's voice; S3Gen, flow matching and a vocoder (of CosyVoice 2, Du
et al. 2024), makes sound of them. Tokens that are heard in a recording, with another voice, are a conversion.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import numpy as np
import soxr
from numpy.typing import NDArray
from pydantic import Field

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import Audio, Embedding, ModelCard, Reference, SpeechRequest
from ttsai_server.engines.base import Cancellation, Cloner, Converter, LoadContext
from ttsai_server.engines.chatterbox import parts as networks
from ttsai_server.engines.chatterbox import voices
from ttsai_server.engines.chatterbox.parts import Parts, Variant
from ttsai_server.engines.chatterbox.voices import RATE, TOKENS_RATE, Arrays
from ttsai_server.engines.shared.length import most_tokens, said_to_the_end
from ttsai_server.engines.shared.pytorch import PyTorchEngine, prepare_device
from ttsai_server.engines.shared.silence import heard
from ttsai_server.engines.shared.stretches import converted
from ttsai_server.errors import BadRequest, WeightsMissing

if TYPE_CHECKING:
    from ttsai_server.engines.chatterbox.watermark import Watermark

Samples = NDArray[np.float32]

WATERMARK = "watermark.pth.tar"
TOKEN = 960
"""Samples of a speech token."""
SILENT_TOKEN, SPEECH_TOKENS = 4299, 6561
"""The token of silence; how many there are, beside start and stop."""
TOKENS_A_SECOND, LONGEST = 25, 1000
"""Tokens in a second; the most of an answer: 40 s."""
REPETITION, LEAST, TURBO_TOP, TURBO_NUCLEUS = 1.2, 0.05, 1000, 0.95
"""How tokens are sampled: the authors' values."""
QUIET = 10 ** (-45 / 20)
"""Amplitude, relative to the peak, below which the end of the sound is cut off."""
KEPT, FADE = RATE // 10, RATE // 100
"""Samples that are kept after the last that is loud, and how many of these fade out."""


class Chatterbox(PyTorchEngine[Parts], Cloner, Converter):
    """Equal requests give equal sound. Speaks a request in one step; converts 10 s in one."""

    extra, packages = "chatterbox", ("chatterbox", "safetensors", "torch", "transformers")
    gpu_packages = ()

    class Setup(Cloner.Setup):
        variant: Variant = "english"
        checkpoint: str = "t3_cfg.safetensors"
        """File of the language model's weights."""
        watermark: bool = True
        """Whether all sound is marked, inaudibly, as made by a machine."""

    class Options(Cloner.Options):
        exaggeration: float | None = Field(default=None, ge=0, le=2)
        """How strongly emotions are expressed; the default is 0.5. Not of the turbo model."""
        cfg_weight: float | None = Field(default=None, ge=0, le=1)
        """How closely the text, and with it the reference's pace, is followed (weight of classifier-free guidance);
        the default is 0.5. Not of the turbo model."""
        temperature: float = Field(default=0.8, ge=0.05, le=2)
        """Randomness of the speech tokens."""
        seed: int = Field(default=0, ge=0, lt=2**32)
        """Another seed is another rendering."""

    def __init__(
        self, card: ModelCard, parts: Parts, preset: Arrays, watermark: Watermark | None, setup: Setup, device: str
    ) -> None:
        super().__init__(parts, (parts.text, parts.sound, parts.speaker), device)
        self._id, self._preset, self._watermark = card.id, preset, watermark
        self._turbo, self._longest_reference = setup.variant == "turbo", card.reference_seconds[1]

    @classmethod
    def load(cls, card: ModelCard, place: LoadContext) -> Chatterbox:
        setup = cls.Setup.model_validate(dict(card.setup))
        needed = {file for source in card.sources for file in source.files}
        needed -= set() if setup.watermark else {WATERMARK}
        if not all((place.weights / file).is_file() for file in needed):
            raise WeightsMissing(card.id)
        prepare_device(place)
        parts = networks.load(place.weights, setup.variant, setup.checkpoint, place.device)
        preset = voices.read_preset(place.weights / networks.PRESET)
        return cls(card, parts, preset, _watermark(place, setup), setup, place.device)

    def embed(self, recording: Recording, cancellation: Cancellation) -> Generator[Embedding]:
        samples = heard(recording, self._longest_reference)
        with self._at_work(cancellation) as parts:
            arrays = voices.embed(parts, samples, turbo=self._turbo)
        yield Embedding(0, recording.seconds, Reference(self._id, arrays), last=True)

    def synthesize(self, request: SpeechRequest, cancellation: Cancellation) -> Generator[Audio]:
        options = self.Options.model_validate(dict(request.options))
        if not request.text.strip():
            raise BadRequest("There is nothing to say.", param="text")
        if self._turbo and (options.exaggeration, options.cfg_weight) != (None, None):
            raise BadRequest("The turbo model takes neither exaggeration nor cfg_weight.", param="options")
        (voice,) = request.voices
        arrays = voice.arrays if isinstance(voice, Reference) else self._preset
        with self._at_work(cancellation, options.seed) as parts:
            tokens = self._tokens(parts, request, arrays, options)
            sound = self._marked(_trimmed(self._sound(parts, tokens, arrays)))
        yield Audio(np.clip(sound, -1, 1)[:, None], RATE, last=True)

    def convert(self, recording: Recording, target: Reference, cancellation: Cancellation) -> Generator[Audio]:
        def work(samples: Samples) -> Samples:
            with self._at_work(cancellation) as parts:
                return self._marked(self._converted(parts, samples, target.arrays))

        yield from converted(recording, work, cancellation)

    def _tokens(self, parts: Parts, request: SpeechRequest, arrays: Arrays, options: Options) -> Any:
        """Speech tokens, a tensor (n,), up to where the model stopped by itself.

        It sometimes never stops, or stops before the first token: then it tries again, with the random numbers
        that follow. Raises EngineFailed if that does not help either.
        """
        words = parts.tokens(request.text.strip(), request.language.split("-")[0]).to(self._device)
        emotion = 0.5 if options.exaggeration is None else options.exaggeration
        voice = voices.for_text(arrays, emotion, self._device)
        return said_to_the_end(lambda: self._attempt(parts, words, voice, options, request.text))

    def _attempt(self, parts: Parts, words: Any, voice: Any, options: Options, text: str) -> Any:
        """Speech tokens, a tensor (n,); None unless the model stopped by itself after at least one.

        words: text tokens, a tensor (1, n).
        """
        tokens, stopped = self._written(parts, words, voice, options, most_tokens(text, TOKENS_A_SECOND, LONGEST))
        tokens = tokens[tokens < SPEECH_TOKENS]
        return tokens if stopped and len(tokens) else None

    def _written(self, parts: Parts, words: Any, voice: Any, options: Options, longest: int) -> tuple[Any, bool]:
        """Tokens, a tensor (n,), at most `longest`; and whether the model stopped by itself.

        words: text tokens, a tensor (1, n).
        """
        import torch  # pyright: ignore[reportMissingImports]

        if self._turbo:
            tokens = parts.text.inference_turbo(
                voice, words, options.temperature, TURBO_TOP, TURBO_NUCLEUS, REPETITION, max_gen_len=longest
            ).flatten()
            return tokens, len(tokens) <= longest  # one more than that, unless the last was a stop, which it leaves out
        sizes = parts.text.hp
        words = torch.nn.functional.pad(words, (1, 0), value=sizes.start_text_token)
        words = torch.nn.functional.pad(words, (0, 1), value=sizes.stop_text_token)
        tokens = parts.text.inference(
            t3_cond=voice,
            text_tokens=words.repeat(2, 1),  # with and without the text, for guidance
            max_new_tokens=longest,
            temperature=options.temperature,
            cfg_weight=0.5 if options.cfg_weight is None else options.cfg_weight,
            repetition_penalty=REPETITION,
            min_p=LEAST,
            top_p=1.0,
        )[0]
        return tokens, bool(tokens[-1] == sizes.stop_speech_token)

    def _sound(self, parts: Parts, tokens: Any, arrays: Arrays) -> Samples:
        """float32 (n,) of speech tokens (m,)."""
        import torch  # pyright: ignore[reportMissingImports]

        if self._turbo:
            tokens = torch.cat([tokens, tokens.new_full((3,), SILENT_TOKEN)])
        made = self._rendered(parts, tokens, arrays)
        return made if self._turbo else made[: max(1, len(tokens) - 1) * TOKEN]  # the last token is often noise

    def _converted(self, parts: Parts, samples: Samples, arrays: Arrays) -> Samples:
        """float32 (n,) of (n,), both at RATE."""
        # the first token is silence, since its sound is faded in; nothing is converted without half a second
        padded = np.pad(samples, (TOKEN, max(-len(samples) % TOKEN, RATE // 2 - len(samples))))
        heard = np.asarray(soxr.resample(padded, RATE, TOKENS_RATE), np.float32)
        tokens, _ = parts.sound.tokenizer([heard])
        made = self._rendered(parts, tokens, arrays)[TOKEN : TOKEN + len(samples)]
        return np.pad(made, (0, len(samples) - len(made)))

    def _rendered(self, parts: Parts, tokens: Any, arrays: Arrays) -> Samples:
        """TOKEN samples for each of the speech tokens, float32 (n,)."""
        steps = 2 if self._turbo else None
        sound, _ = parts.sound.inference(tokens, ref_dict=voices.for_sound(arrays), n_cfm_timesteps=steps)
        return sound[0].float().cpu().numpy()

    def _marked(self, sound: Samples) -> Samples:
        return self._watermark.mark(sound, RATE) if self._watermark else sound


def _trimmed(sound: Samples) -> Samples:
    """The sound without the silence at its end."""
    loud = np.flatnonzero(np.abs(sound) > QUIET * np.abs(sound).max(initial=0))
    if not len(loud):
        return sound
    kept = sound[: loud[-1] + KEPT].copy()
    if len(kept) < len(sound):
        kept[-FADE:] *= np.linspace(1, 0, FADE, dtype=np.float32)
    return kept


def _watermark(place: LoadContext, setup: Chatterbox.Setup) -> Watermark | None:
    if not setup.watermark:
        return None
    from ttsai_server.engines.chatterbox.watermark import Watermark

    return Watermark(place.weights / WATERMARK, place.device)
