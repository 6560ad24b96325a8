"""ttsai-server keys, accounts, db, doctor, config."""

import json
from pathlib import Path

from typer.testing import CliRunner, Result

from ttsai_server.cli import app


def run(data_dir: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["--data-dir", str(data_dir), *words])


def made(data_dir: Path, *words: str) -> dict[str, object]:
    result = run(data_dir, *words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_new_key_makes_an_account_with_its_plan_and_balance(tmp_path: Path) -> None:
    key = made(tmp_path, "keys", "create", "--plan", "enterprise", "--credits", "42")
    assert str(key["key"]).startswith("sk-tts-")
    accounts = made(tmp_path, "accounts", "list")["accounts"]
    assert [(a["id"], a["plan"], a["available"]) for a in accounts] == [(key["account"], "enterprise", 42)]  # pyright: ignore


def test_a_key_for_an_account_that_is_there(tmp_path: Path) -> None:
    account = made(tmp_path, "accounts", "create", "ann", "--credits", "5")["id"]
    assert made(tmp_path, "keys", "create", "--account", str(account))["account"] == account


def test_a_key_is_never_shown_again(tmp_path: Path) -> None:
    key = str(made(tmp_path, "keys", "create")["key"])
    listed = run(tmp_path, "keys", "list", "--json").stdout
    assert key not in listed
    assert key[:11] in listed


def test_a_publishable_key_has_origins(tmp_path: Path) -> None:
    key = made(tmp_path, "keys", "create", "--publishable", "--origin", "https://page.example")
    assert str(key["key"]).startswith("pk-tts-")
    assert key["origins"] == ["https://page.example"]


def test_a_publishable_key_without_origin_is_refused(tmp_path: Path) -> None:
    assert run(tmp_path, "keys", "create", "--publishable").exit_code == 1


def test_what_is_no_origin_is_refused_and_no_account_made(tmp_path: Path) -> None:
    assert run(tmp_path, "keys", "create", "--publishable", "--origin", "page.example").exit_code == 1
    assert made(tmp_path, "accounts", "list")["accounts"] == []


def test_an_unknown_plan_is_refused(tmp_path: Path) -> None:
    assert run(tmp_path, "keys", "create", "--plan", "gold").exit_code == 1


def test_a_key_with_a_last_moment(tmp_path: Path) -> None:
    assert made(tmp_path, "keys", "create", "--expires", "2030-01-01T00:00:00Z")["expires_at"] == 1893456000


def test_a_wrong_moment_is_refused(tmp_path: Path) -> None:
    assert run(tmp_path, "keys", "create", "--expires", "soon").exit_code == 1


def test_credits_are_granted_and_taken_back(tmp_path: Path) -> None:
    account = str(made(tmp_path, "accounts", "create", "ann", "--credits", "5")["id"])
    assert made(tmp_path, "accounts", "grant", account, "10")["available"] == 15
    assert run(tmp_path, "accounts", "grant", account, "--", "-16").exit_code == 1


def test_an_account_moves_to_another_plan(tmp_path: Path) -> None:
    account = str(made(tmp_path, "accounts", "create", "ann")["id"])
    assert made(tmp_path, "accounts", "set-plan", account, "enterprise")["plan"] == "enterprise"


def test_the_doctor_says_what_is_missing_and_how_to_mend_it(tmp_path: Path) -> None:
    result = CliRunner().invoke(
        app, ["--data-dir", str(tmp_path), "doctor", "--json"], env={"TTSAI_SERVER__MODELS__DIR": str(tmp_path)}
    )
    findings = {finding["what"]: finding for finding in json.loads(result.stdout)["findings"]}
    assert result.exit_code == 1
    assert findings["model kokoro"]["mend"] == "Run: ttsai-server models pull kokoro"
    assert findings["database"]["mend"] == "Run: ttsai-server db upgrade"


def test_the_doctor_finds_an_upgraded_database_well(tmp_path: Path) -> None:
    assert run(tmp_path, "db", "upgrade").exit_code == 0
    findings = json.loads(run(tmp_path, "doctor", "--json").stdout)["findings"]
    assert next(finding["ok"] for finding in findings if finding["what"] == "database")


def test_wrong_settings_are_told_by_name(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text("[server]\nport = 'eighty'\n")
    result = CliRunner().invoke(app, ["--config", str(file), "doctor"])
    assert result.exit_code == 2
    assert "server.port" in result.output
