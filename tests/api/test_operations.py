"""Health and metrics."""

import os
import time
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.live import Live, live
from tests.weights import pulled

from ttsai_server.settings import Auth, Models, Settings

TONE = {"model": "tone", "voice": "tone_a", "text": "la la la"}


def test_the_process_is_live_without_a_key(server: Live) -> None:
    assert httpx.get(f"{server.url}/health/live").json() == {"status": "live"}


def test_ready_says_what_it_waits_for(tmp_path: Path) -> None:
    models = Models(demo=True, dir=tmp_path, preload=("kokoro",))
    with live(Settings(data_dir=tmp_path / "data", models=models)) as server:
        answer = httpx.get(f"{server.url}/health/ready")
    assert (answer.status_code, answer.json()["waiting_for"]) == (503, ["kokoro"])


def test_a_preloaded_model_makes_it_ready(tmp_path: Path) -> None:
    with live(Settings(data_dir=tmp_path, models=Models(demo=True, preload=("tone",)))) as server:
        while httpx.get(f"{server.url}/health/ready").status_code != 200:
            pass
        assert 'ttsai_model_loaded{model="tone"} 1.0' in httpx.get(f"{server.url}/metrics").text


@pytest.mark.engine
def test_the_name_of_a_family_preloads_the_voice_that_is_here(tmp_path: Path, models_dir: Path) -> None:
    pulled("piper-en_US-joe-medium", models_dir)
    with live(Settings(data_dir=tmp_path, models=Models(dir=models_dir, preload=("piper",)))) as server:
        while httpx.get(f"{server.url}/health/ready").status_code != 200:
            time.sleep(0.1)
        assert 'ttsai_model_loaded{model="piper-en_US-joe-medium"} 1.0' in httpx.get(f"{server.url}/metrics").text


def test_a_data_folder_that_can_not_be_written_is_not_ready_and_says_why(tmp_path: Path) -> None:
    with live(Settings(data_dir=tmp_path / "data", models=Models(demo=True))) as server:
        (tmp_path / "data").rename(tmp_path / "elsewhere")
        answer = httpx.get(f"{server.url}/health/ready")
        (tmp_path / "elsewhere").rename(tmp_path / "data")
        assert (answer.status_code, answer.json()["waiting_for"]) == (503, ["data_dir: No such file or directory"])
        assert httpx.get(f"{server.url}/health/ready").status_code == 200


def test_missing_weights_are_503_that_says_what_to_run(tmp_path: Path) -> None:
    with live(Settings(data_dir=tmp_path / "data", models=Models(dir=tmp_path))) as server:
        account, key = server.new_key(credits=10)
        answer = server.client(key).post("/v1/tts/", json={"model": "kokoro", "voice": "af_sky", "text": "Hello."})
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "model_loading")
        assert "models pull kokoro" in answer.json()["message"]
        assert answer.headers["X-Should-Retry"] == "false"
        assert "Retry-After" not in answer.headers
        assert server.account(account).available == 10


def test_metrics_count_what_was_done(server: Live) -> None:
    _, key = server.new_key(credits=10)
    server.client(key).post("/v1/tts/", json=TONE)
    told = httpx.get(f"{server.url}/metrics").text
    for name in (
        'ttsai_requests_total{method="POST",path="/v1/tts",status="200"}',
        'ttsai_request_seconds_bucket{le="0.05",path="/v1/tts"}',
        'ttsai_first_byte_seconds_count{path="/v1/tts"}',
        'ttsai_audio_seconds_total{model="tone"}',
        'ttsai_credits_total{model="tone"}',
        'ttsai_model_queue{model="tone"}',
        'ttsai_model_memory_bytes{model="tone"}',
    ):
        assert name in told


def test_metrics_tell_the_memory_of_the_gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = tmp_path / "nvidia-smi"
    command.write_text("#!/bin/sh\necho '0, GPU-1, NVIDIA L4, 23000, 22000'\n")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    told = ""
    with live(Settings(data_dir=tmp_path / "data", models=Models(demo=True))) as server:
        while "ttsai_gpu_memory_used_bytes{" not in told:
            told = httpx.get(f"{server.url}/metrics").text
    samples = [sample for family in text_string_to_metric_families(told) for sample in family.samples]
    megabytes = {each.name: (each.labels, each.value / 2**20) for each in samples if each.name.startswith("ttsai_gpu")}
    card = {"gpu": "0", "name": "NVIDIA L4"}
    assert megabytes == {"ttsai_gpu_memory_bytes": (card, 23_000), "ttsai_gpu_memory_used_bytes": (card, 1_000)}


def test_metrics_of_unknown_paths_share_one_label(server: Live) -> None:
    server.client().get("/v1/some-path-of-an-attacker")
    assert "attacker" not in httpx.get(f"{server.url}/metrics").text


def test_a_server_without_keys_serves_anybody(tmp_path: Path) -> None:
    with live(Settings(data_dir=tmp_path, auth=Auth(enabled=False), models=Models(demo=True))) as server:
        answer = httpx.post(f"{server.url}/v1/tts/", json=TONE, headers={"Idempotency-Key": "a"})
    assert answer.status_code == 200
    assert "X-Credits-Used" not in answer.headers


def test_the_first_start_makes_a_key_that_works_and_later_starts_none(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, models=Models(demo=True))
    with live(settings) as server:
        assert server.client().post("/v1/tts/", json=TONE).headers["X-Credits-Remaining"] == "999999"
        first = server.key
    with live(settings) as server:
        assert server.first_keys == []
        assert server.client(first).get("/v1/models/").status_code == 200
