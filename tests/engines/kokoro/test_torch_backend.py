"""Kokoro on PyTorch says what it says on OpenVINO. Needs the extra `torch`."""

import shutil
import time
import warnings
import weakref
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Timer
from typing import Any, cast

import numpy as np
import onnx
import pytest

pytest.importorskip("torch")
pytest.importorskip("kokoro")

from tests.engines.kokoro.test_adapter import LONG, TEXT, request, say
from tests.listening import Ear, wer

from ttsai_server.domain import ModelCard
from ttsai_server.engines.base import Cancellation, Cancelled, LoadContext
from ttsai_server.engines.cards import read_card
from ttsai_server.engines.kokoro import torch_backend
from ttsai_server.engines.kokoro.adapter import LONGEST_PIECE, Kokoro
from ttsai_server.engines.kokoro.backend import ModelOutput, PhonemeChunk, open_backend
from ttsai_server.engines.kokoro.checkpoint import exported
from ttsai_server.errors import EngineFailed
from ttsai_server.settings import Settings


@pytest.fixture(scope="module")
def card() -> ModelCard:
    return read_card(Settings().models.cards / "kokoro.toml")


@pytest.fixture(scope="module")
def engine(card: ModelCard, kokoro_weights: Path) -> Generator[Kokoro]:
    loaded = Kokoro.load(replace(card, setup={"runtime": "torch"}), LoadContext(kokoro_weights))
    yield loaded
    loaded.close()


@pytest.fixture(scope="module")
def chunk(kokoro_weights: Path) -> PhonemeChunk:
    table = np.fromfile(kokoro_weights / "voices" / "af_heart.bin", "<f4").reshape(-1, 256)
    ids = np.random.default_rng(0).integers(43, 140, (1, LONGEST_PIECE))
    return PhonemeChunk(ids, table[LONGEST_PIECE - 1 : LONGEST_PIECE], 1.0)


def spoken_by(name: Any, card: ModelCard, weights: Path, asked: PhonemeChunk) -> ModelOutput:
    Kokoro.prepare(card, weights)
    runtime = open_backend(name, "f32", LoadContext(weights), 1)
    speech = runtime.speak(asked, Cancellation())
    runtime.close()
    return speech


@pytest.fixture(scope="module")
def torchs(card: ModelCard, kokoro_weights: Path, chunk: PhonemeChunk) -> ModelOutput:
    return spoken_by("torch", card, kokoro_weights, chunk)


@pytest.fixture(scope="module")
def openvinos(card: ModelCard, kokoro_weights: Path, chunk: PhonemeChunk) -> ModelOutput:
    return spoken_by("openvino", card, kokoro_weights, chunk)


def spectrum(speech: ModelOutput) -> np.ndarray:
    """Level of each frequency over the whole sound, decibels."""
    frames = np.lib.stride_tricks.sliding_window_view(speech.waveform, 512)[::256] * np.hanning(512)
    return 10 * np.log10(np.square(np.abs(np.fft.rfft(frames))).mean(0))


def test_it_says_the_words(engine: Kokoro, ear: Ear) -> None:
    assert wer(TEXT, ear.listen(say(engine, request()))) <= 0.1


def test_equal_requests_give_equal_sound(engine: Kokoro) -> None:
    first, second = (say(engine, request("Hello.")).samples for _ in range(2))
    assert np.array_equal(first, second)


def test_what_threads_say_at_once_is_what_they_say_alone(engine: Kokoro) -> None:
    texts = ["Hello.", "Good night."]
    with ThreadPoolExecutor() as pool:
        together = list(pool.map(partial(say, engine), map(request, texts)))
    for text, heard in zip(texts, together, strict=True):
        np.testing.assert_allclose(heard.samples, say(engine, request(text)).samples, atol=1e-5)


def test_ids_last_as_long_as_with_openvino(torchs: ModelOutput, openvinos: ModelOutput) -> None:
    # weights in float16, as OpenVINO has them, round a duration here and there to its neighbour
    heard = np.flatnonzero(openvinos.frames)[1:-1]  # the chain cuts off the silence at both ends, with its ids
    difference = np.abs(torchs.frames - openvinos.frames)[heard]
    assert difference.max() <= 1
    assert difference.mean() < 0.05


def test_durations_add_up_to_the_waveform(torchs: ModelOutput) -> None:
    assert torchs.frames.sum() * 600 == len(torchs.waveform)


def test_its_spectrum_is_openvinos_within_2_decibels(torchs: ModelOutput, openvinos: ModelOutput) -> None:
    assert np.abs(spectrum(torchs) - spectrum(openvinos)).mean() < 2


def test_told_to_stop_it_spends_less_than_a_second_more(engine: Kokoro) -> None:
    cancellation = Cancellation()
    told: list[float] = []
    Timer(0.5, lambda: (told.append(time.process_time()), cancellation.cancel())).start()
    with pytest.raises(Cancelled):
        for _ in engine.synthesize(request(LONG), cancellation):
            pass
    assert time.process_time() - told[0] < 1.0


def test_it_speaks_on_after_a_stop(engine: Kokoro) -> None:
    cancellation = Cancellation()
    cancellation.cancel()
    with pytest.raises(Cancelled):
        next(engine.synthesize(request(), cancellation))
    assert say(engine, request("Hello.")).seconds > 0.3


def test_closed_twice_it_lets_go_of_the_model(kokoro_weights: Path) -> None:
    runtime = torch_backend.Torch(LoadContext(kokoro_weights))
    weight = weakref.ref(next(runtime._model._model.parameters()))  # pyright: ignore[reportOptionalMemberAccess]
    runtime.close()
    runtime.close()
    assert weight() is None


def test_no_gpu_is_an_error_that_says_so(kokoro_weights: Path) -> None:
    if torch_backend.torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(EngineFailed, match="CUDA"):
        torch_backend.Torch(LoadContext(kokoro_weights, "cuda"))


@pytest.fixture
def publishers(kokoro_weights: Path, tmp_path: Path) -> tuple[Path, Any]:
    """A folder with a checkpoint in the publisher's form, and the model that it is of."""
    from kokoro.model import KModel  # pyright: ignore[reportMissingImports]

    config, build = shutil.copy(kokoro_weights / "config.json", tmp_path), cast("Any", KModel)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = build("hexgrad/Kokoro-82M", config, torch_backend._empty())
    parts = {
        name: {f"module.{k}": v for k, v in part.state_dict().items() if ".norm." not in k}
        for name, part in model.named_children()
    }
    torch_backend.torch.save(parts, tmp_path / torch_backend.CHECKPOINT)
    return tmp_path, model


def test_the_publishers_checkpoint_is_taken_where_it_is_there(publishers: tuple[Path, Any]) -> None:
    folder, model = publishers
    loaded = torch_backend._load(folder)
    for path in ("bert_encoder", "decoder.encode.conv1", "predictor.F0_proj"):
        kernels = (m.get_submodule(path).weight.detach().numpy() for m in (loaded, model))
        np.testing.assert_allclose(*kernels, rtol=1e-5, err_msg=path)


def test_a_tensor_that_the_publishers_checkpoint_lacks_is_named(publishers: tuple[Path, Any]) -> None:
    folder, model = publishers
    torch_backend.torch.save({"bert": model.bert.state_dict()}, folder / torch_backend.CHECKPOINT)
    with pytest.raises(EngineFailed, match=r"bert_encoder\.bias"):
        torch_backend.Torch(LoadContext(folder))


def test_a_tensor_that_the_export_lacks_is_named(kokoro_weights: Path, tmp_path: Path) -> None:
    empty = onnx.helper.make_model(onnx.helper.make_graph([], "empty", [], []))
    onnx.save(empty, tmp_path / "model.onnx")
    with pytest.raises(EngineFailed, match=r"bert_encoder\.bias"):
        exported(tmp_path / "model.onnx", {"bert_encoder.bias": np.zeros(512)})


def test_a_tensor_of_another_shape_is_named(kokoro_weights: Path) -> None:
    with pytest.raises(EngineFailed, match=r"bert_encoder\.weight"):
        exported(kokoro_weights / "model.onnx", {"bert_encoder.weight": np.zeros((512, 767))})
