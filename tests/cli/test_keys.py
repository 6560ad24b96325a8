"""ttsai-server keys, accounts, db, doctor, config."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
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


def test_ids_are_whole_in_a_narrow_terminal(tmp_path: Path) -> None:
    key = made(tmp_path, "keys", "create", "--label", "a label that is longer than there is room for")
    listed = CliRunner().invoke(app, ["--data-dir", str(tmp_path), "keys", "list"], env={"COLUMNS": "40"}).stdout
    assert str(key["id"]) in listed
    assert str(key["account"]) in listed


def test_the_list_says_until_when_a_key_holds(tmp_path: Path) -> None:
    made(tmp_path, "keys", "create", "--expires", "2030-01-01T00:00:00Z")
    revoked = made(tmp_path, "keys", "create")
    run(tmp_path, "keys", "revoke", str(revoked["id"]))
    first, second = run(tmp_path, "keys", "list").stdout.splitlines()[1:]
    assert "2030-01-01" in first
    assert "revoked" in second


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


def found(data_dir: Path, what: str) -> dict[str, object]:
    """One finding of the doctor."""
    findings = json.loads(run(data_dir, "doctor", "--json").stdout)["findings"]
    return next(finding for finding in findings if finding["what"] == what)


@pytest.fixture
def no_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There are no cards: the doctor need not look whether the packages of models can be imported, which takes long."""
    (tmp_path / "cards").mkdir()
    monkeypatch.setenv("TTSAI_SERVER__MODELS__CARDS", str(tmp_path / "cards"))


def test_the_doctor_names_the_command_that_installs_misaki(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "misaki", None)
    finding = found(tmp_path, "model kokoro")
    assert not finding["ok"]
    assert str(finding["mend"]).startswith("Run: pip install")


@pytest.mark.usefixtures("no_models")
def test_the_doctor_finds_a_folder_that_no_server_has_used_well_and_leaves_it_so(tmp_path: Path) -> None:
    assert found(tmp_path / "new", "database")["ok"]
    assert not (tmp_path / "new").exists()


@pytest.mark.usefixtures("no_models")
def test_the_doctor_finds_a_database_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TTSAI_SERVER__STORE__URL", "postgresql://127.0.0.1:9/ttsai")
    assert not found(tmp_path, "database")["ok"]


@pytest.mark.usefixtures("no_models")
def test_the_doctor_finds_an_upgraded_database_well(tmp_path: Path) -> None:
    assert run(tmp_path, "db", "upgrade").exit_code == 0
    assert found(tmp_path, "database") == {
        "what": "database",
        "ok": True,
        "detail": f"sqlite:///{tmp_path}/ttsai.db",
        "mend": "",
    }


def test_wrong_settings_are_told_by_name(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text("[server]\nport = 'eighty'\n")
    result = CliRunner().invoke(app, ["--config", str(file), "doctor"])
    assert result.exit_code == 2
    assert "server.port" in result.output


@pytest.mark.parametrize("command", [("keys", "create"), ("accounts", "create", "ann")], ids=" ".join)
@pytest.mark.parametrize("credits", [2**63, 10**15 + 1])
def test_more_credits_than_a_balance_holds_are_an_error(tmp_path: Path, command: tuple[str, ...], credits: int) -> None:
    result = run(tmp_path, *command, "--credits", str(credits))
    assert (result.exit_code, "at most" in result.output) == (1, True)
    assert made(tmp_path, "accounts", "list")["accounts"] == []


@pytest.mark.parametrize("credits", [2**63, 10**15])
def test_a_balance_grows_no_larger_by_a_grant(tmp_path: Path, credits: int) -> None:
    account = str(made(tmp_path, "accounts", "create", "ann", "--credits", "5")["id"])
    assert run(tmp_path, "accounts", "grant", account, str(credits)).exit_code == 1
    assert made(tmp_path, "accounts", "grant", account, "1")["available"] == 6


def entries(data_dir: Path, *words: str) -> list[dict[str, Any]]:
    """Of the audit log, newest first."""
    found: Any = made(data_dir, "audit", *words)["entries"]
    return found


def test_the_command_line_makes_keys_for_administrators(tmp_path: Path) -> None:
    assert made(tmp_path, "keys", "create")["admin"] is False
    assert made(tmp_path, "keys", "create", "--admin")["admin"] is True


def test_a_key_for_web_pages_is_none_for_administrators(tmp_path: Path) -> None:
    refused = run(tmp_path, "keys", "create", "--admin", "--publishable", "--origin", "https://page.example")
    assert refused.exit_code == 1
    assert made(tmp_path, "accounts", "list")["accounts"] == []


def test_a_key_is_restricted(tmp_path: Path) -> None:
    key = str(made(tmp_path, "keys", "create")["id"])
    changed = made(tmp_path, "keys", "restrict", key, "--label", "old laptop", "--expires", "2030-01-01T00:00:00Z")
    assert (changed["label"], changed["expires_at"]) == ("old laptop", 1893456000)
    assert run(tmp_path, "keys", "restrict", key, "--expires", "2031-01-01T00:00:00Z").exit_code == 1
    assert run(tmp_path, "keys", "restrict", key, "--origin", "https://page.example").exit_code == 1


def test_the_audit_log_tells_who_used_the_command_line(tmp_path: Path) -> None:
    account = str(made(tmp_path, "accounts", "create", "ann", "--credits", "5")["id"])
    made(tmp_path, "accounts", "grant", account, "10", "--note", "invoice 17")
    grant, creation = entries(tmp_path, "--target", account)
    assert (creation["action"], grant["action"]) == ("account.create", "account.grant")
    assert (grant["before"], grant["after"]) == ({"available": 5}, {"available": 15, "note": "invoice 17"})
    assert grant["actor"].startswith("cli:")
    assert "invoice 17" in run(tmp_path, "audit").stdout
    assert len(entries(tmp_path, "--limit", "1")) == 1
