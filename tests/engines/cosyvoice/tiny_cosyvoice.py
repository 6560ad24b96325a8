"""A CosyVoice 2 that knows nothing: the published architecture and files, narrow, shallow and random.

Its ONNX graphs are written apart, by `write_graphs`, since `onnx` is not in its environment. Run the rest there:
python -m tests.engines.cosyvoice.tiny_cosyvoice FOLDER
"""

import json
import sys
from pathlib import Path
from typing import Any

SETTINGS = """
# set random seed, so that you may reproduce your result.
__set_seed1: !apply:random.seed [1986]

# fixed params
sample_rate: 24000
qwen_pretrain_path: ''
token_mel_ratio: 2
chunk_size: 25 # streaming inference chunk size, in token
num_decoding_left_chunks: -1 # streaming inference flow decoder left chunk size, <0 means use all left chunks

# model params
# for all class/function included in this repo, we use !<name> or !<new> for intialization
llm: !new:cosyvoice.llm.llm.Qwen2LM
    llm_input_size: 64
    llm_output_size: 64
    speech_token_size: 6561
    length_normalized_loss: True
    lsm_weight: 0
    mix_ratio: [5, 15]
    llm: !new:cosyvoice.llm.llm.Qwen2Encoder
        pretrain_path: !ref <qwen_pretrain_path>
    sampling: !name:cosyvoice.utils.common.ras_sampling
        top_p: 0.8
        top_k: 25
        win_size: 10
        tau_r: 0.1

flow: !new:cosyvoice.flow.flow.CausalMaskedDiffWithXvec
    input_size: 512
    output_size: 80
    spk_embed_dim: 192
    output_type: 'mel'
    vocab_size: 6561
    input_frame_rate: 25
    only_mask_loss: True
    token_mel_ratio: !ref <token_mel_ratio>
    pre_lookahead_len: 3
    encoder: !new:cosyvoice.transformer.upsample_encoder.UpsampleConformerEncoder
        output_size: 512
        attention_heads: 1
        linear_units: 64
        num_blocks: 1
        dropout_rate: 0.1
        positional_dropout_rate: 0.1
        attention_dropout_rate: 0.1
        normalize_before: True
        input_layer: 'linear'
        pos_enc_layer_type: 'rel_pos_espnet'
        selfattention_layer_type: 'rel_selfattn'
        input_size: 512
        use_cnn_module: False
        macaron_style: False
        static_chunk_size: !ref <chunk_size>
    decoder: !new:cosyvoice.flow.flow_matching.CausalConditionalCFM
        in_channels: 240
        n_spks: 1
        spk_emb_dim: 80
        cfm_params: !new:omegaconf.DictConfig
            content:
                sigma_min: 1e-06
                solver: 'euler'
                t_scheduler: 'cosine'
                training_cfg_rate: 0.2
                inference_cfg_rate: 0.7
                reg_loss_type: 'l1'
        estimator: !new:cosyvoice.flow.decoder.CausalConditionalDecoder
            in_channels: 320
            out_channels: 80
            channels: [64]
            dropout: 0.0
            attention_head_dim: 64
            n_blocks: 1
            num_mid_blocks: 1
            num_heads: 1
            act_fn: 'gelu'
            static_chunk_size: !ref <chunk_size> * <token_mel_ratio>
            num_decoding_left_chunks: !ref <num_decoding_left_chunks>

hift: !new:cosyvoice.hifigan.generator.HiFTGenerator
    in_channels: 80
    base_channels: 64
    nb_harmonics: 8
    sampling_rate: !ref <sample_rate>
    nsf_alpha: 0.1
    nsf_sigma: 0.003
    nsf_voiced_threshold: 10
    upsample_rates: [8, 5, 3]
    upsample_kernel_sizes: [16, 11, 7]
    istft_params:
        n_fft: 16
        hop_len: 4
    resblock_kernel_sizes: [3]
    resblock_dilation_sizes: [[1, 3, 5]]
    source_resblock_kernel_sizes: [7, 7, 11]
    source_resblock_dilation_sizes: [[1, 3, 5], [1, 3, 5], [1, 3, 5]]
    lrelu_slope: 0.1
    audio_limit: 0.99
    f0_predictor: !new:cosyvoice.hifigan.f0_predictor.ConvRNNF0Predictor
        num_class: 1
        in_channels: 80
        cond_channels: 64

# processor functions
parquet_opener: !name:cosyvoice.dataset.processor.parquet_opener
get_tokenizer: !name:cosyvoice.tokenizer.tokenizer.get_qwen_tokenizer
    token_path: !ref <qwen_pretrain_path>
    skip_special_tokens: True
allowed_special: 'all'
feat_extractor: !name:matcha.utils.audio.mel_spectrogram
    n_fft: 1920
    num_mels: 80
    sampling_rate: !ref <sample_rate>
    hop_size: 480
    win_size: 1920
    fmin: 0
    fmax: 8000
    center: False
data_pipeline: [
    !ref <parquet_opener>,
]
"""
"""As the published file, with smaller sizes and less of what is for training."""


def write_tiny_cosyvoice(folder: Path) -> None:
    import torch  # pyright: ignore[reportMissingImports]

    from ttsai_server.engines.cosyvoice import package

    package.prepare()
    (folder / package.SETTINGS).write_text(SETTINGS)
    _write_words(folder / package.WORDS)
    torch.manual_seed(0)
    parts = package.make(folder)
    for name, weight in parts["llm"].named_parameters():  # surer, so that all that it is told makes a difference
        weight.data *= 5 if weight.dim() == 2 and "embed" not in name else 1
    bias = parts["llm"].llm_decoder.bias.data
    bias[20:] = -100  # so that it repeats itself
    bias[parts["llm"].speech_token_size] = 100  # so that it comes to an end as soon as it may
    parts["hift"].conv_post.bias.data += 1  # louder
    for name in package.MODELS:
        torch.save(parts[name].state_dict(), folder / f"{name}.pt")


def _write_words(folder: Path) -> None:
    """Qwen 2's tokenizer without merges, and a tiny one of its networks."""
    from tokenizers.pre_tokenizers import ByteLevel  # pyright: ignore[reportMissingImports]
    from transformers import Qwen2Config  # pyright: ignore[reportMissingImports]

    folder.mkdir()
    names = [*sorted(ByteLevel.alphabet()), "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({name: number for number, name in enumerate(names)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "Qwen2Tokenizer"}))
    sizes: Any = {"hidden_size": 64, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 1}
    Qwen2Config(vocab_size=512, num_key_value_heads=1, tie_word_embeddings=True, **sizes).save_pretrained(folder)


def write_graphs(folder: Path) -> None:
    """Something like an embedding of a speaker, and like speech tokens: with the inputs and outputs of the published
    graphs."""
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    def save(file: str, nodes: list[Any], inputs: list[Any], output: Any, **constants: Any) -> None:
        values = [numpy_helper.from_array(value, name) for name, value in constants.items()]
        graph = helper.make_graph(nodes, "tiny", inputs, [output], values)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.save(model, folder / file)

    node, tensor = helper.make_node, helper.make_tensor_value_info
    save(
        "campplus.onnx",
        [node("ReduceMean", ["input"], ["mean"], axes=[1], keepdims=0), node("MatMul", ["mean", "weight"], ["output"])],
        [tensor("input", TensorProto.FLOAT, [1, "frames", 80])],
        tensor("output", TensorProto.FLOAT, [1, 192]),
        weight=np.random.default_rng(0).standard_normal((80, 192)).astype(np.float32),
    )
    save(
        "speech_tokenizer_v2.onnx",
        [
            node("ReduceMean", ["feats"], ["level"], axes=[1], keepdims=0),
            node("Slice", ["level", "first", "last", "axis", "four"], ["levels"]),
            node("Mul", ["levels", "scale"], ["scaled"]),
            node("Abs", ["scaled"], ["positive"]),
            node("Cast", ["positive"], ["whole"], to=TensorProto.INT32),
            node("Mod", ["whole", "tokens"], ["indices"]),
        ],
        [tensor("feats", TensorProto.FLOAT, [1, 128, "frames"]), tensor("feats_length", TensorProto.INT32, [1])],
        tensor("indices", TensorProto.INT32, [1, "tokens"]),
        first=np.array([0]),
        last=np.array([2**31]),
        axis=np.array([1]),
        four=np.array([4]),
        scale=np.array(5000, np.float32),
        tokens=np.array(6561, np.int32),
    )


if __name__ == "__main__":
    write_tiny_cosyvoice(Path(sys.argv[1]))
