import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from tests.engines.weights.sources import BIG, sha256, write_wheel
from typer.testing import CliRunner, Result

from ttsai_server.cli import app

CARD = f"""
id = "m"
name = "M"
tasks = ["tts"]
tier = "free"
engine = "ttsai_server.engines.base:Engine"
licence = "MIT"
languages = ["en"]
rate = 24000
aliases = ["em"]
[[sources]]
kind = "pypi"
name = "tiny-weights"
revision = "1.0"
files = {{ "model.bin" = "tiny_weights/model.bin" }}
[sha256]
"model.bin" = "{sha256(BIG)}"
"""


@pytest.fixture
def carried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that holds the wheel of `m`; the settings name a catalogue of `m` alone, and empty weights."""
    assert tomllib.loads(CARD)
    for name in ("cards", "carried"):
        (tmp_path / name).mkdir()
    (tmp_path / "cards/m.toml").write_text(CARD)
    monkeypatch.setenv("TTSAI_SERVER__MODELS__CARDS", str(tmp_path / "cards"))
    monkeypatch.setenv("TTSAI_SERVER__MODELS__DIR", str(tmp_path / "models"))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "carried"))
    write_wheel(tmp_path / "carried", "tiny-weights", {"tiny_weights/model.bin": BIG})
    return tmp_path / "carried"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["models", *map(str, arguments)])


def answer(result: Result) -> dict[str, Any]:
    return json.loads(result.stdout)


def audited() -> list[dict[str, Any]]:
    told = CliRunner().invoke(app, ["audit", "--json"])
    return json.loads(told.stdout)["entries"]


@pytest.mark.usefixtures("carried")
def test_what_is_pulled_is_in_the_audit_log_of_a_server_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TTSAI_SERVER__DATA_DIR", str(tmp_path / "data"))
    assert run("pull", "m").exit_code == 0
    assert not (tmp_path / "data").exists()
    assert audited() == []
    (tmp_path / "models" / "m" / "model.bin").unlink()
    for _ in range(2):
        assert run("pull", "m").exit_code == 0
    [entry] = audited()
    assert (entry["action"], entry["target"], entry["after"]) == ("model.pull", "m", {"weights": "ready"})
    assert entry["actor"].startswith("cli:")


def test_list_says_what_is_missing(carried: Path) -> None:
    (model,) = answer(run("list", "--json"))["models"]
    assert (model["id"], model["weights"], model["missing"]) == ("m", "missing", ["model.bin"])
    assert (model["status"], model["command"]) == ("needs_pull", "ttsai-server models pull m")


def test_list_for_people_has_one_line_a_model(carried: Path) -> None:
    heads, model = run("list").stdout.splitlines()
    assert heads.split() == ["id", "type", "state", "MB", "speed", "licence"]
    assert model.split() == ["m", "tts", "pull", "MIT"]


def test_the_list_of_all_models_fits_80_columns() -> None:
    ids = [model["id"] for model in answer(run("list", "--json"))["models"]]
    lines = CliRunner().invoke(app, ["models", "list"], env={"COLUMNS": "80"}).stdout.splitlines()
    assert [line.split()[0] for line in lines[1:] if not line.startswith(" ")] == ids
    assert max(map(len, lines)) <= 80


def test_pull_makes_them_ready(carried: Path, tmp_path: Path) -> None:
    result = run("pull", "m", "--json")
    assert (result.exit_code, answer(result)) == (0, {"models": [{"id": "m", "weights": "ready", "error": None}]})
    assert (tmp_path / "models/m/model.bin").read_bytes() == BIG
    assert answer(run("list", "--json"))["models"][0]["weights"] == "ready"


def test_bench_measures_a_model_and_the_lists_tell_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TTSAI_SERVER__DATA_DIR", str(tmp_path))
    monkeypatch.setenv("TTSAI_SERVER__MODELS__DEMO", "true")
    measured = answer(run("bench", "tone", "--json"))
    assert measured["sound_seconds"] > 0.5
    assert measured["real_time_factor"] == pytest.approx(measured["seconds"] / measured["sound_seconds"], abs=0.001)
    models = {model["id"]: model for model in answer(run("list", "--json"))["models"]}
    assert models["tone"]["real_time_factor"] == measured["real_time_factor"]
    assert models["tone"]["measured"]["cpu_seconds"] == measured["cpu_seconds"]
    assert models["kokoro"]["measured"] is None


def test_check_finds_a_wrong_checksum_and_names_the_command(carried: Path, tmp_path: Path) -> None:
    run("pull", "m")
    assert run("check", "m").stdout == "m: ready\n"
    (tmp_path / "models/m/model.bin").write_bytes(BIG[::-1])
    result = run("check", "m")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "m: model.bin has a wrong checksum. Run: ttsai-server models pull m" in result.stderr


def test_an_alias_can_be_pulled(carried: Path) -> None:
    assert run("pull", "em").stdout == "m: ready\n"


def test_a_familys_name_pulls_all_of_it(carried: Path, tmp_path: Path) -> None:
    for id in ("a", "b"):
        card = CARD.replace('id = "m"', f'id = "{id}"\nfamily = "letters"').replace('aliases = ["em"]', "")
        (tmp_path / f"cards/{id}.toml").write_text(card)
    assert run("pull", "letters").stdout == "a: ready\nb: ready\n"


def test_import_takes_them_from_a_folder(carried: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("subprocess.Popen", None)
    assert run("pull", "m", "--import", carried).exit_code == 0


def test_a_failure_exits_1_and_says_why(carried: Path) -> None:
    next(carried.iterdir()).unlink()
    result = run("pull", "m", "--json")
    assert result.exit_code == 1
    assert "pypi tiny-weights @ 1.0: tiny-weights: pip: ERROR" in answer(result)["models"][0]["error"]


def test_a_failure_for_people_is_on_standard_error(carried: Path, tmp_path: Path) -> None:
    result = run("pull", "m", "--import", tmp_path / "cards")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "not in" in result.stderr


def test_an_unknown_model_exits_2(carried: Path) -> None:
    result = run("pull", "nothing")
    assert result.exit_code == 2
    assert "no model 'nothing'" in result.stderr


def test_a_folder_that_is_not_there_exits_2(carried: Path, tmp_path: Path) -> None:
    assert run("pull", "m", "--import", tmp_path / "nowhere").exit_code == 2
