"""Vocabularies of SentencePiece, as the package `tokenizers` writes them.

A vocabulary is a `ModelProto` of sentencepiece_model.proto: repeated field 1 has the pieces (1: text, 2: score), field
3 the normalizer (2: the compiled map of characters). The messages are read by protobuf's wire format.
"""

import base64
import struct
from collections.abc import Iterator

import orjson

PIECES, NORMALIZER, CHARACTERS = 1, 3, 2
TEXT, SCORE = 1, 2
UNKNOWN = "<unk>"


def tokenizer(vocabulary: bytes) -> bytes:
    """The vocabulary of a unigram model (Kudo 2018) → tokenizer.json. Raises ValueError, IndexError or KeyError for a
    damaged one."""
    messages = list(_fields(vocabulary))
    pieces = [_piece(dict(_fields(content))) for field, content in messages if field == PIECES]
    normalizer = next((dict(_fields(content)) for field, content in messages if field == NORMALIZER), {})
    blanks = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}
    return orjson.dumps(
        {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": [],
            "normalizer": {
                "type": "Sequence",
                "normalizers": [
                    {
                        "type": "Precompiled",
                        "precompiled_charsmap": base64.b64encode(normalizer.get(CHARACTERS, b"")).decode(),
                    },
                    {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "},
                    {"type": "Strip", "strip_left": True, "strip_right": True},
                ],
            },
            "pre_tokenizer": blanks,
            "post_processor": None,
            "decoder": blanks,
            "model": {
                "type": "Unigram",
                "unk_id": [text for text, _ in pieces].index(UNKNOWN),
                "vocab": pieces,
                "byte_fallback": False,
            },
        }
    )


def _piece(fields: dict[int, bytes]) -> tuple[str, float]:
    score: float = struct.unpack("<f", fields[SCORE])[0] if SCORE in fields else 0.0
    return fields[TEXT].decode(), score


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """(number, content) of a message's fields; of a varint without its content, which nobody needs here."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        match key & 7:
            case 0:
                _, at = _varint(message, at)
                continue
            case 1:
                size = 8
            case 5:
                size = 4
            case 2:
                size, at = _varint(message, at)
            case kind:
                raise ValueError(f"unknown wire type {kind}")
        yield key >> 3, message[at : at + size]
        at += size


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """→ the number at `at`, and where it ends."""
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
