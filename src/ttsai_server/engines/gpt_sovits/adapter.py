"""GPT-SoVITS, version 2 Pro Plus, in PyTorch by the networks of the package `gsv-tts-lite`.

A language model writes speech tokens for the phonemes of a text; a VITS (Kim et al. 2021) makes sound of both, in the
voice of a recording.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import Audio, Embedding, ModelCard, Reference, SpeechRequest
from ttsai_server.engines.base import Cancellation, Cloner, LoadContext
from ttsai_server.engines.gpt_sovits import package as gsv
from ttsai_server.engines.shared.length import most_tokens, said_to_the_end
from ttsai_server.engines.shared.pytorch import PyTorchEngine, prepare_device
from ttsai_server.engines.shared.silence import heard
from ttsai_server.errors import BadRequest, WeightsMissing

Arrays = Mapping[str, NDArray[np.generic]]
"""`timbre` float32 (1, n, 1): what the sound is conditioned on; `tokens` int32 (1, m): speech tokens of the
recording, 25 a second."""
Language = Literal["zh", "en", "ja"]
RATE = 32_000
TOKENS_A_SECOND = 25
LONGEST = 600
"""Speech tokens of an answer: 24 s."""


class GptSovits(PyTorchEngine[Any], Cloner):
    """Equal requests give equal sound. Speaks a request in one step, with voices from recordings only."""

    class Options(Cloner.Options):
        prompt_text: str | None = None
        """What is said in the recording that the voice is from: with it, its manner is taken over too."""
        prompt_language: Language | None = None
        """Language of `prompt_text`; the default is that of the text."""
        top_k: int = Field(default=15, ge=1, le=100)
        """How many of the likeliest tokens to choose from."""
        top_p: float = Field(default=1.0, gt=0, le=1)
        """Share of the likeliest tokens to choose from."""
        temperature: float = Field(default=1.0, ge=0.05, le=2)
        """Randomness of the speech tokens."""
        repetition_penalty: float = Field(default=1.35, ge=1, le=5)
        """Keeps it from drawn-out sounds."""
        noise_scale: float = Field(default=0.5, ge=0, le=1)
        """Randomness of the sound."""
        seed: int = Field(default=0, ge=0, lt=2**32)
        """Another seed is another rendering."""

    def __init__(self, card: ModelCard, package: Any, device: str) -> None:
        """package: what `package.load` returns."""
        parts = (gsv.text_model(package), gsv.sound_model(package).vq_model, package.cnhubert_model)
        super().__init__(package, (*parts, package.sv_model.embedding_model), device)
        self._id, self._longest_reference = card.id, card.reference_seconds[1]

    @classmethod
    def load(cls, card: ModelCard, place: LoadContext) -> GptSovits:
        if not all((place.weights / file).is_file() for source in card.sources for file in source.files):
            raise WeightsMissing(card.id)
        prepare_device(place)
        return cls(card, gsv.load(place.weights, place.device), place.device)

    def embed(self, recording: Recording, cancellation: Cancellation) -> Generator[Embedding]:
        samples = heard(recording, self._longest_reference)
        with self._at_work(cancellation) as package:
            import torch  # pyright: ignore[reportMissingImports]

            sound, model = (torch.from_numpy(samples.copy())[None], recording.rate), gsv.sound_model(package)
            spectrum, lower = package._get_spec(model.hps, sound)
            timbre = model.vq_model.get_ge(spectrum, package.sv_model.compute_embedding3(lower))
            tokens = package._get_prompt(package.cnhubert_model, model, sound)
        arrays = {
            "timbre": timbre.float().cpu().numpy(),
            "tokens": tokens.cpu().numpy().astype(np.int32),
        }
        yield Embedding(0, recording.seconds, Reference(self._id, arrays), last=True)

    def synthesize(self, request: SpeechRequest, cancellation: Cancellation) -> Generator[Audio]:
        options = self.Options.model_validate(dict(request.options))
        if not request.text.strip():
            raise BadRequest("There is nothing to say.", param="text")
        (voice,) = request.voices
        if not isinstance(voice, Reference):
            raise BadRequest("This model speaks with voices from recordings only.", param="voice")
        with self._at_work(cancellation, options.seed) as package:
            sound = self._said(package, request, voice.arrays, options)
        yield Audio(np.clip(sound, -1, 1)[:, None], RATE, last=True)

    def _said(self, package: Any, request: SpeechRequest, arrays: Arrays, options: Options) -> NDArray[np.float32]:
        """float32 (n,) at RATE."""
        import torch  # pyright: ignore[reportMissingImports]

        language = request.language.split("-")[0]
        phonemes, features = _read(package, request.text, language, "text")
        device, dtype = package.tts_config.device, package.tts_config.dtype
        prompt = torch.zeros((1, 0), dtype=torch.int64, device=device)  # without its text, the model goes by none
        before: list[int] = []
        if options.prompt_text:
            before, of_prompt = _read(package, options.prompt_text, options.prompt_language or language, "prompt_text")
            features = torch.cat([of_prompt, features])
            prompt = torch.tensor(arrays["tokens"]).long().to(device)
        read = torch.tensor([before + phonemes]).to(device)
        tokens = said_to_the_end(lambda: _tokens(package, read, prompt, features[None], request.text, options))
        timbre = torch.tensor(arrays["timbre"]).to(device, dtype)
        made, _ = gsv.sound_model(package).vq_model.decode(
            tokens,
            torch.tensor([phonemes]).to(device),
            timbre,
            noise_scale=options.noise_scale,
            speed=request.speed,
        )
        sound = made[0, 0]
        return sound[package._find_head_threshold_offsets(sound) :].float().cpu().numpy()


def _tokens(
    package: Any, phonemes: Any, prompt: Any, features: Any, text: str, options: GptSovits.Options
) -> Any | None:
    """Speech tokens, a tensor (1, 1, n); None if the model did not come to an end by itself.

    Raises BadRequest if the text, `prompt_text` and its recording fill the model's cache: no speech token would fit.
    """
    room = gsv.CACHES[-1][1] - phonemes.shape[1] - prompt.shape[1]
    if room < 1:
        raise BadRequest("The text is too long, together with 'prompt_text' and its recording.", param="text")
    longest = min(room, most_tokens(text, TOKENS_A_SECOND, LONGEST))
    written = gsv.text_model(package).infer_stream(
        phonemes,
        prompt,
        features,
        top_k=options.top_k,
        top_p=options.top_p,
        temperature=options.temperature,
        repetition_penalty=options.repetition_penalty,
        stream_chunk=1,
        boost_first_chunk=False,
        debug=False,
    )
    for tokens, ended in written:
        if tokens.shape[-1] >= longest:  # without room, the package says that it has ended
            return None
        if ended:
            return tokens
    return None


def _read(package: Any, text: str, language: str, param: str) -> tuple[list[int], Any]:
    """Numbers of the text's phonemes, and features of its meaning, a tensor (n, 1024). Raises BadRequest if it has
    nothing that can be read."""
    from gsv_tts.TextProcessor import get_phones_and_bert  # pyright: ignore[reportMissingImports]

    text = text.strip()
    text = text if package._check_pause(text) else f"{text}."
    try:
        phonemes, _, features, _ = get_phones_and_bert(text, package.tts_config, language)
    except ValueError as error:
        raise BadRequest(f"Nothing in it can be said: {error}", param=param) from error
    return phonemes, features
