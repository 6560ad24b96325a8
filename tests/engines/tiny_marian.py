"""A tiny random model of Marian's transformer, the architecture of Opus-MT and NLLB, as CTranslate2 loads it."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import sentencepiece
import yaml
from ctranslate2.converters import MarianConverter

WIDTH, INNER, LAYERS, HEADS = 16, 32, 2, 2
PIECES = 80
"""Size of the vocabulary, without tokens that name languages."""
TEXT = (
    "the train leaves at nine in the morning and the children are playing in the garden",
    "o trem sai às nove da manhã e as crianças estão brincando no jardim",
    "how are you today my friend I would like a cup of coffee please thank you very much",
    "como você está hoje meu amigo eu gostaria de uma xícara de café por favor obrigado",
)
ACTIVE = {
    "type": "transformer",
    "transformer-decoder-autoreg": "self-attention",
    "transformer-no-projection": False,
    "transformer-ffn-activation": "relu",
    "transformer-preprocess": "",
    "transformer-postprocess": "dan",
    "transformer-postprocess-emb": "d",
    "transformer-postprocess-top": "",
    "transformer-guided-alignment-layer": "last",
    "transformer-heads": HEADS,
    "enc-depth": LAYERS,
    "dec-depth": LAYERS,
}
"""Marian's options, those of Opus-MT's models but for their sizes."""


def write_tiny_marian(folder: Path, languages: Sequence[str] = ()) -> None:
    """Write model.bin, config.json, source.spm and target.spm, as Opus-MT's. languages: more tokens, as NLLB has."""
    vocabulary = _vocabulary(languages)
    processor = sentencepiece.SentencePieceProcessor(model_proto=vocabulary)
    pieces = [processor.id_to_piece(number) for number in range(processor.vocab_size())]
    with TemporaryDirectory() as name:
        listed, weights = Path(name, "vocab.yml"), Path(name, "model.npz")
        listed.write_text("".join(f"{_quoted(piece)}: {number}\n" for number, piece in enumerate(pieces)), "utf-8")
        np.savez(weights, **_weights(len(pieces)))  # pyright: ignore[reportArgumentType]
        MarianConverter(str(weights), [str(listed), str(listed)]).convert(str(folder), force=True)
    for file in ("source.spm", "target.spm"):
        (folder / file).write_bytes(vocabulary)


def _vocabulary(languages: Sequence[str]) -> bytes:
    made = BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXT * 20),
        model_writer=made,
        vocab_size=PIECES + len(languages),
        user_defined_symbols=list(languages),
        bos_id=-1,
        eos_id=0,
        unk_id=1,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    return made.getvalue()


def _quoted(piece: str) -> str:
    escaped = piece.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _weights(size: int) -> dict[str, np.ndarray]:
    """Random ones under Marian's names."""
    random = np.random.default_rng(5)

    def matrix(rows: int, columns: int) -> np.ndarray:
        return random.normal(0, 0.3, (rows, columns)).astype(np.float32)

    made: dict[str, np.ndarray] = {"Wemb": matrix(size, WIDTH), "decoder_ff_logit_out_b": matrix(1, size)}
    for side, blocks in (("encoder", ("self",)), ("decoder", ("self", "context"))):
        for layer in range(1, LAYERS + 1):
            for block in blocks:
                scope = f"{side}_l{layer}_{block}"
                for part in "qkvo":
                    made[f"{scope}_W{part}"] = matrix(WIDTH, WIDTH)
                    made[f"{scope}_b{part}"] = matrix(1, WIDTH)
                made[f"{scope}_Wo_ln_scale"], made[f"{scope}_Wo_ln_bias"] = (
                    np.ones((1, WIDTH), np.float32),
                    matrix(1, WIDTH),
                )
            scope = f"{side}_l{layer}_ffn"
            made[f"{scope}_W1"], made[f"{scope}_b1"] = matrix(WIDTH, INNER), matrix(1, INNER)
            made[f"{scope}_W2"], made[f"{scope}_b2"] = matrix(INNER, WIDTH), matrix(1, WIDTH)
            made[f"{scope}_ffn_ln_scale"], made[f"{scope}_ffn_ln_bias"] = (
                np.ones((1, WIDTH), np.float32),
                matrix(1, WIDTH),
            )
    made["special:model.yml"] = np.frombuffer(yaml.dump(ACTIVE).encode() + b"\0", np.int8)
    return made
