"""Settings: their sources, and the example file."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from ttsai_server.cli.config import example
from ttsai_server.settings import CHECKOUT, Ray, Replicas, Settings, load_settings


def test_the_example_file_is_made_from_the_settings() -> None:
    assert (CHECKOUT / "config.example.toml").read_text() == example()


def test_the_example_file_says_the_defaults() -> None:
    assert load_settings(CHECKOUT / "config.example.toml").model_dump() == Settings().model_dump()


def test_the_environment_goes_before_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "c.toml"
    file.write_text("[server]\nport = 1\nhost = 'file'\n")
    monkeypatch.setenv("TTSAI_SERVER__SERVER__PORT", "2")
    settings = load_settings(file)
    assert (settings.server.port, settings.server.host) == (2, "file")


def test_arguments_go_before_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TTSAI_SERVER__DATA_DIR", "elsewhere")
    assert load_settings(data_dir=tmp_path).data_dir == tmp_path


def test_one_field_of_a_plan_can_be_changed_alone(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text("[plans.pro]\nconcurrent = 9\n")
    pro = load_settings(file).plans["pro"]
    assert (pro.concurrent, pro.requests_per_minute, pro.max_characters) == (9, 60, 5000)


def test_an_unknown_setting_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text("[server]\nprot = 1\n")
    with pytest.raises(ValidationError, match="prot"):
        load_settings(file)


def test_the_replicas_of_a_family_differ_from_the_others_in_what_is_said_of_them() -> None:
    ray = Ray(replicas=Replicas(cpus=2, most=3), families={"kokoro": {"gpus": 0.25}})
    assert (ray.of("kokoro").gpus, ray.of("kokoro").cpus, ray.of("whisper-base").gpus) == (0.25, 2, 0)
    with pytest.raises(ValidationError, match="gpu"):
        Ray(families={"kokoro": {"gpu": 1}})


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load_settings(tmp_path / "none.toml")


def test_what_tells_speakers_apart_cannot_be_nothing(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text("[transcription]\ndiarizers = []\n")
    with pytest.raises(ValidationError, match="diarizers"):
        load_settings(file)
