"""A GPT-SoVITS that knows nothing: the published architecture and files, shallow, narrow where it can be, and random.

Its English dictionary has a few words, one reading each. Run in its environment:
python -m tests.engines.gpt_sovits.tiny_gpt_sovits FOLDER
"""

import io
import json
import string
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

WORDS = {
    "it": "IH1 T", "rains": "R EY1 N Z", "now": "N AW1", "and": "AH0 N D", "the": "DH AH0",
    "children": "CH IH1 L D R AH0 N", "have": "HH AE1 V", "come": "K AH1 M", "into": "IH1 N T UW1", "house": "HH AW1 S",
}  # fmt: skip
DROPPED = ("ae", "ai", "ar", "ios", "hud", "os")
"""Words that the package takes out of the dictionary, and so expects there."""
TEXT = {
    "hidden_dim": 64, "embedding_dim": 64, "head": 2, "n_layer": 1, "vocab_size": 1025, "phoneme_vocab_size": 732,
    "dropout": 0, "EOS": 1024,
}  # fmt: skip
PACE = 2.5
"""Speech tokens for each phoneme."""
_BALANCE, _SUM, _ZERO = 58, 60, 62
"""Channels of the language model that tell it when to stop: there, positions are near to zero."""
SOUND = {
    "data": {"filter_length": 2048, "hop_length": 640, "win_length": 2048, "sampling_rate": 32_000, "n_speakers": 300},
    "train": {"segment_size": 20_480},
    "model": {
        "inter_channels": 192, "hidden_channels": 192, "filter_channels": 64, "n_heads": 2, "n_layers": 2,
        "kernel_size": 3, "p_dropout": 0, "resblock": "1", "resblock_kernel_sizes": [3],
        "resblock_dilation_sizes": [[1, 3, 5]], "upsample_rates": [10, 8, 2, 2, 2], "upsample_initial_channel": 64,
        "upsample_kernel_sizes": [20, 16, 8, 2, 2], "gin_channels": 1024,
    },
}  # fmt: skip


def write_tiny_gpt_sovits(folder: Path) -> None:
    import torch  # pyright: ignore[reportMissingImports]

    from ttsai_server.engines.gpt_sovits import package

    package.prepare()
    torch.manual_seed(0)
    _write_text_model(folder / package.TEXT_MODEL)
    _write_sound_model(folder / package.SOUND_MODEL)
    _write_speaker_encoder(folder / package.SPEAKER_ENCODER)
    _write_speech_encoder(folder / package.SPEECH_ENCODER)
    _write_text_encoder(folder / package.TEXT_ENCODER)
    _write_english(folder / "g2p/en")
    _write_chinese(folder / "g2p/zh")


def _write_text_model(file: Path) -> None:
    import torch  # pyright: ignore[reportMissingImports]
    from gsv_tts.GPT_SoVITS.GPT.t2s_model import Text2SemanticDecoder  # pyright: ignore[reportMissingImports]

    model = Text2SemanticDecoder({"model": TEXT})
    for name, weight in model.named_parameters():  # surer, so that all that it is told makes a difference
        weight.data *= 3 if weight.dim() == 2 and "embedding" not in name else 1
    with torch.no_grad():
        _let_stop(model)
    names = {
        "qkv.": "self_attn.in_proj_",
        "out_proj.": "self_attn.out_proj.",
        "mlp.0.": "linear1.",
        "mlp.2.": "linear2.",
    }
    weights: dict[str, Any] = {}
    for name, value in model.state_dict().items():
        published = f"model.{name}".replace("t2s_transformer.blocks", "h.layers")
        for here, there in names.items():
            published = published.replace(f".{here}", f".{there}")
        weights[published] = value
    torch.save({"config": {"model": TEXT}, "weight": weights, "info": "tiny"}, file)


def _let_stop(model: Any) -> None:
    """Make it stop once it has said PACE tokens for each phoneme, those of the recording included.

    The first head of its layer averages _BALANCE, which phonemes lower and speech raises, over all that there is so
    far; what it finds becomes the logit of the stop token.
    """
    channels, (layer,) = [_BALANCE, _SUM, _ZERO], model.t2s_transformer.blocks
    text, speech = model.ar_text_embedding.weight, model.ar_audio_embedding.weight
    text[:, channels], speech[:, channels] = 0, 0
    text[:, _BALANCE], speech[:, _BALANCE] = -PACE, 1
    for output in (model.bert_proj, layer.out_proj, layer.mlp[2]):
        output.weight[channels], output.bias[channels] = 0, 0
    query, _, value = layer.qkv.weight.chunk(3)
    layer.qkv.bias[:] = 0
    query[: len(query) // 2], value[0] = 0, 0
    value[0, _BALANCE], layer.out_proj.weight[_SUM, 0] = 1, 1
    stop = model.ar_predict_layer.weight[TEXT["EOS"]]
    stop[:] = 0
    stop[_SUM], stop[_ZERO] = 1e5, -1e5  # the difference, since the layer's norm subtracts the channels' mean


def _write_sound_model(file: Path) -> None:
    import torch  # pyright: ignore[reportMissingImports]
    from gsv_tts.GPT_SoVITS.SoVITS.models import SynthesizerTrn  # pyright: ignore[reportMissingImports]

    model: Any = SynthesizerTrn(1025, 32, n_speakers=300, **SOUND["model"], version="v2ProPlus")
    model.quantizer.vq.layers[0]._codebook.inited.fill_(1)
    for weight in model.parameters():  # the last layers are near to zero before training
        if weight.dim() >= 2:
            torch.nn.init.normal_(weight, std=weight[0].numel() ** -0.5)
    model.quantizer.vq.layers[0]._codebook.embed.normal_()
    content = io.BytesIO()
    torch.save({"config": SOUND, "weight": model.state_dict(), "info": "tiny"}, content)
    file.write_bytes(b"06" + content.getvalue()[2:])  # how the authors mark version 2 Pro Plus


def _write_speaker_encoder(file: Path) -> None:
    import torch  # pyright: ignore[reportMissingImports]
    from gsv_tts.GPT_SoVITS.SV.ERes2NetV2 import ERes2NetV2  # pyright: ignore[reportMissingImports]

    file.parent.mkdir()
    torch.save(ERes2NetV2(baseWidth=24, scale=4, expansion=4).state_dict(), file)


def _write_speech_encoder(folder: Path) -> None:
    import torch  # pyright: ignore[reportMissingImports]
    from transformers import HubertConfig, HubertModel, Wav2Vec2FeatureExtractor  # pyright: ignore[reportMissingImports]

    config: Any = HubertConfig(
        num_hidden_layers=1, num_attention_heads=1, intermediate_size=64, conv_dim=(32,) * 7, num_conv_pos_embeddings=16
    )
    config.save_pretrained(folder)
    torch.save(HubertModel(config).state_dict(), folder / "pytorch_model.bin")
    Wav2Vec2FeatureExtractor().save_pretrained(folder)


def _write_text_encoder(folder: Path) -> None:
    import torch  # pyright: ignore[reportMissingImports]
    from tokenizers import BertWordPieceTokenizer  # pyright: ignore[reportMissingImports]
    from transformers import BertConfig, BertForMaskedLM  # pyright: ignore[reportMissingImports]

    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"下雨了我们回家，。", *string.punctuation]
    config: Any = BertConfig(
        vocab_size=len(vocabulary), hidden_size=1024, num_hidden_layers=3, num_attention_heads=1, intermediate_size=64
    )
    config.save_pretrained(folder)
    torch.save(BertForMaskedLM(config).state_dict(), folder / "pytorch_model.bin")
    tokenizer = BertWordPieceTokenizer({token: number for number, token in enumerate(vocabulary)})
    tokenizer.save(str(folder / "tokenizer.json"))


def _write_english(folder: Path) -> None:
    letters = dict.fromkeys(string.ascii_lowercase, "EY1")
    words = dict.fromkeys(DROPPED, "AY1") | letters | WORDS
    (folder / "g2p_en").mkdir(parents=True)
    (folder / "cmudict.rep").write_text(
        "\n" * 56 + "".join(f"{word.upper()}  {said}\n" for word, said in words.items())
    )
    for empty in ("cmudict-fast.rep", "engdict-hot.rep", "g2p_en/homographs.en"):
        (folder / empty).write_text("read|R IY1 D|R EH1 D|VBP\n" if empty.endswith(".en") else "")
    units, shapes = 8, {"enc": (29, 8), "dec": (74, 8)}
    arrays: dict[str, Any] = {"fc_w": np.zeros((74, units)), "fc_b": np.zeros(74)}
    for part, (symbols, width) in shapes.items():
        arrays |= {
            f"{part}_emb": np.zeros((symbols, width)),
            f"{part}_w_ih": np.zeros((3 * units, width)),
            f"{part}_w_hh": np.zeros((3 * units, units)),
            f"{part}_b_ih": np.zeros(3 * units),
            f"{part}_b_hh": np.zeros(3 * units),
        }
    np.savez(folder / "g2p_en/checkpoint20.npz", **arrays)
    (folder / "namedict_cache.pickle").write_bytes(b"\x80\x04}\x94.")  # an empty dictionary
    (folder / "nltk/taggers").mkdir(parents=True)
    name = "averaged_perceptron_tagger_eng"
    with zipfile.ZipFile(folder / f"nltk/taggers/{name}.zip", "w") as archive:
        for part, content in {"weights": {}, "tagdict": {}, "classes": ["NN"]}.items():
            archive.writestr(f"{name}/{name}.{part}.json", json.dumps(content))


def _write_chinese(folder: Path) -> None:
    """Pinyin → the symbols of its phonemes."""
    folder.mkdir(parents=True)
    pinyin = {"xia": "x ia", "yu": "y v", "le": "l e", "wo": "w o", "men": "m en", "hui": "h ui", "jia": "j ia"}
    (folder / "opencpop-strict.txt").write_text("".join(f"{key}\t{symbols}\n" for key, symbols in pinyin.items()))


if __name__ == "__main__":
    write_tiny_gpt_sovits(Path(sys.argv[1]))
