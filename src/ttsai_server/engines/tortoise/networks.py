"""Loads Tortoise's networks, those of the package `tts-webui-tortoise-tts`, from local files only.

Their sizes are read from the files. The package's own constructor has them written into its code, and downloads.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ttsai_server.engines.shared.pytorch import Tensors, import_torchaudio, read_state
from ttsai_server.errors import EngineFailed

HEAD = 64
"""Width of an attention head, in each of the networks."""
END = (45, 45, 248)
"""The last tokens of a candidate that came to its end, which the package puts there."""
FILES = (
    "autoregressive.pth",
    "diffusion_decoder.pth",
    "clvp2.pth",
    "vocoder.pth",
    "rlg_auto.pth",
    "rlg_diffuser.pth",
)


class CutOff(Exception):
    """No candidate of a text came to its end within the most tokens."""


def load(folder: Path, device: str) -> Any:
    """The package's `TextToSpeech` with its networks on the device. Raises EngineFailed if a file is not usable.

    Its `tts` goes on with the random numbers that follow, chooses a candidate that came to its end, and raises CutOff
    if there is none.
    """
    import_torchaudio()  # which the package imports
    from tortoise import api  # pyright: ignore[reportMissingImports]

    api.print = _say_nothing

    states = {file: read_state(folder / file, "model_g" if file == "vocoder.pth" else "") for file in FILES}
    make = (_autoregressive, _diffusion, _clvp, _vocoder, _random_latents, _random_latents)
    try:
        networks = [build(states[file]) for build, file in zip(make, FILES, strict=True)]
    except Exception as error:  # a wrong file may raise anything
        raise EngineFailed(f"The files in {folder.name} are not Tortoise's: {error}") from error
    return _assembled(api.TextToSpeech, networks, device)


def _say_nothing(*_: object) -> None:
    pass


def _assembled(kind: Any, networks: list[Any], device: str) -> Any:
    """A TextToSpeech with all that its methods use."""
    import torch  # pyright: ignore[reportMissingImports]
    from tortoise.utils.tokenizer import VoiceBpeTokenizer  # pyright: ignore[reportMissingImports]

    made = kind.__new__(kind)
    *on_device, made.rlg_auto, made.rlg_diffusion = networks  # what the last two are given is on the CPU
    made.autoregressive, made.diffusion, made.clvp, made.vocoder = (network.to(device) for network in on_device)
    made.autoregressive.register_forward_pre_hook(_refuse_cut)
    made.clvp.register_forward_hook(_rate_cut_last)
    made.tokenizer = VoiceBpeTokenizer()
    made.device = torch.device(device)
    made.device_only, made.half, made.enable_redaction = True, False, False
    made.cvvp, made.stft = None, None
    made.deterministic_state = _keep_state
    return made


def _keep_state(**_: object) -> None:
    """In place of what sets the seed of each `tts`."""


def _ended(candidates: Any) -> Any:
    """Which of the candidates, a tensor (n, tokens), came to their end: a tensor (n,)."""
    import torch  # pyright: ignore[reportMissingImports]

    return (candidates[:, -len(END) :] == torch.tensor(END).to(candidates.device)).all(1)


def _rate_cut_last(_: Any, arguments: tuple[Any, ...], rating: Any) -> Any:
    """Hook of CLVP: its rating of candidates, a tensor (n,), is the worst for those that were cut off."""
    _, candidates = arguments
    return rating.masked_fill(~_ended(candidates), float("-inf"))


def _refuse_cut(_: Any, arguments: tuple[Any, ...]) -> None:
    """Hook of the language model, which the package calls with the chosen candidate, once it is written."""
    if not _ended(arguments[3]).all():
        raise CutOff


def _autoregressive(state: Tensors) -> Any:
    from tortoise.models.autoregressive import UnifiedVoice  # pyright: ignore[reportMissingImports]

    width = state["text_embedding.weight"].shape[1]
    network = UnifiedVoice(
        layers=_count(state, r"gpt\.h\.(\d+)\."),
        model_dim=width,
        heads=width // HEAD,
        max_mel_tokens=604,
        max_text_tokens=402,
        max_conditioning_inputs=2,
        number_text_tokens=255,
        start_text_token=255,
        checkpointing=False,
        train_solo_embeddings=False,
    )
    # the published file has the masks of an older GPT-2 too, which are constants
    constants = re.compile(r"gpt\.h\.\d+\.attn\.(bias|masked_bias)")
    network.load_state_dict({name: value for name, value in state.items() if not constants.fullmatch(name)})
    network.eval().post_init_gpt2_config(use_deepspeed=False, kv_cache=True, half=False)
    _mend_cache(network)
    return network


def _mend_cache(network: Any) -> None:
    """Let the language model write the same with a cache of keys and values as without.

    The package takes any cache for a filled one, as it was before transformers 4.4x, and so never reads the text; and
    it counts the positions of what is written from 1 with a cache, but from 0 without, as in training.
    """

    def inputs(input_ids: Any, past_key_values: Any = None, attention_mask: Any = None, **_: Any) -> dict[str, Any]:
        filled = past_key_values is not None and past_key_values.get_seq_length() > 0
        return {
            "input_ids": input_ids[:, -1:] if filled else input_ids,
            "past_key_values": past_key_values,
            "attention_mask": attention_mask,
            "use_cache": True,
        }

    positions = network.mel_pos_embedding
    from_one = positions.get_fixed_embedding

    def from_zero(index: int, device: Any) -> Any:
        return from_one(index - 1, device)

    positions.get_fixed_embedding = from_zero
    network.inference_model.prepare_inputs_for_generation = inputs


def _diffusion(state: Tensors) -> Any:
    from tortoise.models.diffusion_decoder import DiffusionTts  # pyright: ignore[reportMissingImports]

    width, latent, _ = state["latent_conditioner.0.weight"].shape
    network = DiffusionTts(
        model_channels=width,
        num_layers=_count(state, r"layers\.(\d+)\.") - 3,  # the last three are of another kind
        in_channels=100,
        out_channels=200,
        in_latent_channels=latent,
        in_tokens=8193,
        num_heads=width // HEAD,
        dropout=0,
        layer_drop=0,
        unconditioned_percentage=0,
    )
    return _filled(network, state)


def _clvp(state: Tensors) -> Any:
    from tortoise.models.clvp import CLVP  # pyright: ignore[reportMissingImports]

    width = state["text_emb.weight"].shape[1]
    depth = _count(state, r"text_transformer\..*?layers\.(\d+)\.") // 2  # each is an attention and a feed-forward
    network = CLVP(
        dim_text=width,
        dim_speech=width,
        dim_latent=width,
        num_text_tokens=256,
        text_enc_depth=depth,
        text_seq_len=350,
        text_heads=width // HEAD,
        num_speech_tokens=8192,
        speech_enc_depth=depth,
        speech_heads=width // HEAD,
        speech_seq_len=430,
        use_xformers=True,
    )
    return _filled(network, state)


def _vocoder(state: Tensors) -> Any:
    from tortoise.models.vocoder import UnivNetGenerator  # pyright: ignore[reportMissingImports]

    network = UnivNetGenerator(channel_size=state["conv_pre.weight_g"].shape[0])
    network.load_state_dict(state)
    network.eval(inference=True)
    return network


def _random_latents(state: Tensors) -> Any:
    from tortoise.models.random_latent_generator import (  # pyright: ignore[reportMissingImports]
        RandomLatentConverter,
    )

    return _filled(RandomLatentConverter(state["layers.0.weight"].shape[0]), state)


def _filled(network: Any, state: Tensors) -> Any:
    network.load_state_dict(state)
    return network.eval()


def _count(state: Tensors, pattern: str) -> int:
    """How many layers there are whose names the pattern matches; its group is the layer's number."""
    return 1 + max(int(found[1]) for name in state if (found := re.match(pattern, name)))
