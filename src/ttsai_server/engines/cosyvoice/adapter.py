"""CosyVoice 2 (Du et al. 2024, arXiv 2412.10117), in PyTorch by the networks of the package `cosyvoice-minicpmo`.

A language model writes speech tokens for a text, flow matching makes a mel spectrogram of them in the voice of a
recording, and a vocoder sound of that.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray
from pydantic import Field

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import Audio, Embedding, ModelCard, Reference, SpeechRequest
from ttsai_server.engines.base import Cancellation, Cloner, LoadContext
from ttsai_server.engines.cosyvoice import package
from ttsai_server.engines.cosyvoice.package import Networks
from ttsai_server.engines.shared.length import most_tokens, said_to_the_end
from ttsai_server.engines.shared.pytorch import PyTorchEngine, prepare_device
from ttsai_server.engines.shared.silence import heard
from ttsai_server.errors import BadRequest, WeightsMissing

Arrays = Mapping[str, NDArray[np.generic]]
"""Of the recording: `tokens` int32 (1, n), its speech tokens; `mel` float32 (1, 2 n, 80), its mel spectrogram; `timbre`
float32 (1, 192), an embedding of the speaker."""
RATE, REFERENCE_RATE = 24_000, 16_000
"""Hertz of the sound that is made; of what speech tokens and the embedding are made of."""
TOKENS_A_SECOND, SHORTEST, LONGEST = 25, 2, 750
"""Speech tokens in a second; the fewest for each token of the text; the most of an answer: 30 s."""
END_OF_PROMPT = "<|endofprompt|>"


class CosyVoice(PyTorchEngine[Networks], Cloner):
    """Equal requests give equal sound. Speaks a request in one step, with voices from recordings only."""

    class Options(Cloner.Options):
        prompt_text: str | None = None
        """What is said in the recording that the voice is from: with it, its manner is taken over too."""
        instruct_text: str | None = None
        """How to speak, in words, such as `用四川话说`; not together with `prompt_text`."""
        top_p: float = Field(default=0.8, gt=0, le=1)
        """Share of the likeliest tokens to choose from."""
        top_k: int = Field(default=25, ge=1, le=100)
        """How many of the likeliest tokens to choose from."""
        win_size: int = Field(default=10, ge=1, le=100)
        """How many tokens back a repetition is looked for."""
        tau_r: float = Field(default=0.1, gt=0, le=1)
        """Share of them that have to be the same for another token to be chosen, from all."""
        seed: int = Field(default=0, ge=0, lt=2**32)
        """Another seed is another rendering."""

    def __init__(self, card: ModelCard, networks: Networks, device: str) -> None:
        super().__init__(networks, (networks.llm, networks.flow, networks.hift), device)
        self._id, self._longest_reference = card.id, card.reference_seconds[1]

    @classmethod
    def load(cls, card: ModelCard, place: LoadContext) -> CosyVoice:
        if not all((place.weights / file).is_file() for source in card.sources for file in source.files):
            raise WeightsMissing(card.id)
        prepare_device(place)
        return cls(card, package.load(place.weights, place.device, place.threads), place.device)

    def embed(self, recording: Recording, cancellation: Cancellation) -> Generator[Embedding]:
        samples = heard(recording, self._longest_reference)
        lower = np.asarray(soxr.resample(samples, recording.rate, REFERENCE_RATE), np.float32)
        with self._at_work(cancellation) as networks:
            import torch  # pyright: ignore[reportMissingImports]

            reader, speech = networks.reader, torch.from_numpy(lower.copy())[None]
            mel, _ = reader._extract_speech_feat(torch.from_numpy(samples.copy())[None])
            tokens, _ = reader._extract_speech_token(speech)
            timbre = reader._extract_spk_embedding(speech)
        length = min(mel.shape[1] // 2, tokens.shape[1])
        arrays = {
            "tokens": tokens[:, :length].cpu().numpy().astype(np.int32),
            "mel": mel[:, : 2 * length].cpu().numpy().astype(np.float32),
            "timbre": timbre.cpu().numpy().astype(np.float32),
        }
        yield Embedding(0, recording.seconds, Reference(self._id, arrays), last=True)

    def synthesize(self, request: SpeechRequest, cancellation: Cancellation) -> Generator[Audio]:
        options = self.Options.model_validate(dict(request.options))
        if not request.text.strip():
            raise BadRequest("There is nothing to say.", param="text")
        if options.prompt_text and options.instruct_text:
            raise BadRequest("Either 'prompt_text' or 'instruct_text' can be given, not both.", param="instruct_text")
        (voice,) = request.voices
        if not isinstance(voice, Reference):
            raise BadRequest("This model speaks with voices from recordings only.", param="voice")
        with self._at_work(cancellation, options.seed) as networks:
            tokens = self._tokens(networks, request, voice.arrays, options)
            sound = self._sound(networks, tokens, voice.arrays, request.speed)
        yield Audio(np.clip(sound, -1, 1)[:, None], RATE, last=True)

    def _tokens(self, networks: Networks, request: SpeechRequest, arrays: Arrays, options: Options) -> Any:
        """Speech tokens, a tensor (1, n)."""
        import torch  # pyright: ignore[reportMissingImports]

        llm, reader = networks.llm, networks.reader
        english = request.language.split("-")[0] == "en"
        said = _in_words(request.text.strip()) if english else request.text.strip()
        text, _ = reader._extract_text_token(said)
        prompt = f"{options.instruct_text}{END_OF_PROMPT}" if options.instruct_text else options.prompt_text
        before = [] if not prompt else [reader._extract_text_token(prompt)[0]]
        start, task = llm.llm_embedding.weight[llm.sos_eos], llm.llm_embedding.weight[llm.task_id]
        words = llm.llm.model.model.embed_tokens(torch.cat([*before, text], dim=1))
        inputs = [start[None, None], words, task[None, None]]
        if options.prompt_text:
            inputs.append(llm.speech_embedding(torch.tensor(arrays["tokens"]).long().to(self._device)))
        before_speech = torch.cat(inputs, dim=1)
        least, most = SHORTEST * text.shape[1], most_tokens(said, TOKENS_A_SECOND, LONGEST)
        tokens = said_to_the_end(lambda: _written(llm, before_speech, least, most, options))
        return torch.tensor([tokens]).to(self._device)

    def _sound(self, networks: Networks, tokens: Any, arrays: Arrays, speed: float) -> NDArray[np.float32]:
        """float32 (n,) of speech tokens (1, m)."""
        import torch  # pyright: ignore[reportMissingImports]

        prompt, mel = (torch.tensor(arrays[name]).to(self._device) for name in ("tokens", "mel"))
        made, _ = networks.flow.inference(
            token=tokens,
            token_len=torch.tensor([tokens.shape[1]]).to(self._device),
            prompt_token=prompt.long(),
            prompt_token_len=torch.tensor([prompt.shape[1]]).to(self._device),
            prompt_feat=mel,
            prompt_feat_len=torch.tensor([mel.shape[1]]).to(self._device),
            embedding=torch.tensor(arrays["timbre"]).to(self._device),
            streaming=False,
            finalize=True,
        )
        if speed != 1:
            made = torch.nn.functional.interpolate(made, size=round(made.shape[2] / speed), mode="linear")
        sound, _ = networks.hift.inference(speech_feat=made)
        return sound[0].float().cpu().numpy()


def _written(llm: Any, inputs: Any, least: int, most: int, options: CosyVoice.Options) -> list[int] | None:
    """The tokens, at least and at most so many, that the language model writes after `inputs`, a tensor (1, n, width);
    None if it does not come to an end by itself.

    The package's own loop gives the model a mask that newer versions of transformers take for one of the whole past.
    """
    from cosyvoice.utils.common import ras_sampling  # pyright: ignore[reportMissingImports]

    end, past, written = llm.speech_token_size, None, list[int]()
    for count in range(most):
        made = llm.llm.model.model(inputs_embeds=inputs, past_key_values=past, use_cache=True)
        past, scores = made.past_key_values, llm.llm_decoder(made.last_hidden_state[:, -1])[0]
        scores[end + 1 :] = -np.inf  # are for input that comes in parts
        if count < least:
            scores[end] = -np.inf
        token = int(
            ras_sampling(
                scores.log_softmax(0),
                written,
                None,
                top_p=options.top_p,
                top_k=options.top_k,
                win_size=options.win_size,
                tau_r=options.tau_r,
            )
        )
        if token == end:
            return written
        written.append(token)
        inputs = llm.speech_embedding.weight[token][None, None]
    return None


def _in_words(text: str) -> str:
    """English with its numbers in words, as the package prepares it."""
    import inflect  # pyright: ignore[reportMissingImports]
    from cosyvoice.utils.frontend_utils import spell_out_number  # pyright: ignore[reportMissingImports]

    return spell_out_number(text, inflect.engine())
