"""The reader of TensorFlow's checkpoints: on one that TensorFlow 2.15 wrote, and on damaged ones."""

from base64 import b64decode
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engines.spleeter.tiny_spleeter import bundle, table, write_tiny_spleeter

from ttsai_server.engines.spleeter.checkpoint import DATA, INDEX, read_checkpoint, read_tensors
from ttsai_server.errors import EngineFailed

INDEX_BY_TENSORFLOW = b64decode(
    "AAAGCAEaAggBAAsPY29udjJkL2JpYXMIARIEEgIIAigINZolGsYHBhlrZXJuZWwIARIMEgIIAhICCAMSAggEIAgoYDUfNFUTAAsNZ2xvYmFsX3N0ZXAI"
    "CRIAIGgoCDW7158RAAYNc2NhbGFyCAESACBwKAQ1i1h38gAAAAABAAAAACKkYIAAAAAAAQAAAADA8qGwAAEDdACBAQAAAAABAAAAADsMwD6GAQiTAQ8A"
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAV/uAiyR1R9s="
)
"""Of `conv2d/bias`, `conv2d/kernel` and `scalar`, float32, and `global_step`, int64."""
DATA_BY_TENSORFLOW = b64decode(
    "AAAAPwAAwL8AAAAAAAAAPgAAgD4AAMA+AAAAPwAAID8AAEA/AABgPwAAgD8AAJA/AACgPwAAsD8AAMA/AADQPwAA4D8AAPA/AAAAQAAACEAAABBAAAAY"
    "QAAAIEAAAChAAAAwQAAAOEAHAAAAAAAAAAAAEEA="
)


def test_a_checkpoint_of_tensorflows_is_read() -> None:
    found = read_tensors(INDEX_BY_TENSORFLOW, DATA_BY_TENSORFLOW)
    assert found.keys() == {"conv2d/bias", "conv2d/kernel", "scalar"}
    assert found["conv2d/bias"].tolist() == [0.5, -1.5]
    assert np.array_equal(found["conv2d/kernel"], np.arange(24).reshape(2, 3, 4) / 8)
    assert found["scalar"].shape == ()
    assert found["scalar"] == 2.25


@settings(max_examples=30)
@given(st.dictionaries(st.text(min_size=1, max_size=40), st.lists(st.integers(0, 300), max_size=3), max_size=50))
def test_what_is_written_is_read(shapes: dict[str, list[int]]) -> None:
    values = {name: np.zeros([size % 7 for size in shape], np.float32) + len(name) for name, shape in shapes.items()}
    found = read_tensors(*bundle(values))
    assert found.keys() == values.keys()
    assert all(np.array_equal(found[name], value) for name, value in values.items())


@pytest.mark.parametrize("keep", [0, 47, 48, -1, -20])
def test_an_index_that_is_cut_off_is_refused(keep: int) -> None:
    with pytest.raises(EngineFailed, match=INDEX):
        read_tensors(INDEX_BY_TENSORFLOW[:keep], DATA_BY_TENSORFLOW)


@given(st.integers(0, len(INDEX_BY_TENSORFLOW) - 1), st.integers(0, 255))
def test_a_wrong_byte_is_refused_or_does_no_harm(place: int, byte: int) -> None:
    damaged = bytearray(INDEX_BY_TENSORFLOW)
    damaged[place] = byte
    try:
        read_tensors(bytes(damaged), DATA_BY_TENSORFLOW)
    except EngineFailed:
        return


def test_data_that_are_cut_off_are_refused() -> None:
    with pytest.raises(EngineFailed, match="can't be 4 bytes"):
        read_tensors(INDEX_BY_TENSORFLOW, DATA_BY_TENSORFLOW[:-1])


def test_a_compressed_table_is_refused() -> None:
    with pytest.raises(EngineFailed, match="compressed"):
        read_tensors(table([(b"", b"")], compression=1), b"")


@pytest.mark.parametrize("lacking", [INDEX, DATA])
def test_a_folder_without_a_checkpoint_is_refused(tmp_path: Path, lacking: str) -> None:
    write_tiny_spleeter(tmp_path, 1)
    (tmp_path / lacking).unlink()
    with pytest.raises(EngineFailed, match=f"{lacking} can't be read"):
        read_checkpoint(tmp_path)
