"""A full disk, simulated: the server's process can't write files longer than 2 MB."""

import resource
from collections.abc import Iterator
from io import BytesIO

import httpx
import numpy as np
import pytest
from tests.api.test_jobs import ended
from tests.jobs.serving import serving

from ttsai_server.audio.encode import Encoder

pytestmark = pytest.mark.service

MOST = 2_000_000


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    folder = tmp_path_factory.mktemp("disk")
    with serving(folder / "data", folder / "log", {}) as server:
        hard = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)[1]
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (MOST, hard))
        with httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {server.key}"}) as client:
            yield client


def silence(format: str, seconds: int, rate: int = 48_000) -> BytesIO:
    encoder = Encoder(format, rate)
    return BytesIO(encoder.push(np.zeros((rate * seconds, 1), np.float32)) + encoder.finish())


@pytest.mark.parametrize(("format", "seconds"), [("wav", 60), ("flac", 60)], ids=["as it comes", "as it is decoded"])
def test_is_told_as_such_and_costs_nothing(client: httpx.Client, format: str, seconds: int) -> None:
    before = client.get("/v1/account/").json()
    answer = client.post("/v1/audio/convert/", files={"file": silence(format, seconds)}, data={"format": "mp3"})
    assert answer.status_code == 503
    assert "no room" in answer.json()["error"]["message"]
    assert int(answer.headers["Retry-After"]) > 0
    assert client.get("/v1/account/").json() == before


def test_a_job_fails_by_it_and_costs_nothing(client: httpx.Client) -> None:
    """The upload fits on the disk, its result does not."""
    before = client.get("/v1/account/").json()
    wanted = {"format": "wav", "sample_rate": "48000", "channels": "stereo", "async": "true"}
    task = client.post("/v1/audio/convert/", files={"file": silence("flac", 20, 16_000)}, data=wanted).json()
    over = ended(client, task["uuid"])
    assert over["status"] == "failed"
    assert "no room" in over["error"]
    assert client.get("/v1/account/").json() == before


def test_what_needs_none_goes_on(client: httpx.Client) -> None:
    answer = client.post("/v1/audio/convert/", files={"file": silence("flac", 1)}, data={"format": "mp3"})
    assert answer.status_code == 200
