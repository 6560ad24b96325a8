"""The compose files of more than one container, and what they mount, as far as they can be checked without Docker."""

import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from ttsai_server.settings import CHECKOUT, load_settings
from ttsai_server.store.results.s3 import S3

DOCKER = CHECKOUT / "docker"
FILES = sorted(DOCKER.glob("compose*.yaml"))
SECRETS = "/run/secrets/"
BIN = Path(sys.executable).parent


@cache
def read(file: str) -> dict[str, Any]:
    return yaml.safe_load((DOCKER / file).read_text())


FULL = read("compose.full.yaml")


def mounts(service: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(what is mounted, where) of a service."""
    for mount in service.get("volumes", ()):
        source, target, *_ = mount.split(":")
        yield source, target


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of secrets that the script makes."""
    folder = tmp_path_factory.mktemp("docker")
    script = folder / "make-secrets"
    script.write_bytes((DOCKER / "make-secrets").read_bytes())
    subprocess.run(["sh", script], check=True)
    return folder / "secrets"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_compose_file_is_valid(file: Path) -> None:
    check = (BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", file)
    subprocess.run(check, check=True, stdout=subprocess.DEVNULL)


def test_what_is_mounted_is_there_or_is_a_volume() -> None:
    found = {source for service in FULL["services"].values() for source, _ in mounts(service)}
    assert {source for source in found if not source.startswith(".")} == set(FULL["volumes"])
    ours = {source for source in found if source.startswith(".")}
    assert ours == {source for source in ours if (DOCKER / source).exists()}


def test_every_secret_is_made_by_the_script_and_used(secrets: Path) -> None:
    declared = {name: Path(secret["file"]).name for name, secret in FULL["secrets"].items()}
    assert set(declared.values()) == {file.name for file in secrets.iterdir()}
    assert {name for service in FULL["services"].values() for name in service.get("secrets", ())} == set(declared)


def test_a_service_reads_only_secrets_that_it_has() -> None:
    for service in FULL["services"].values():
        words = json.dumps([service.get("command"), service.get("environment")]).split(SECRETS)[1:]
        assert {word.split('"')[0] for word in words} <= set(service.get("secrets", ()))


def test_the_nodes_can_use_the_settings_that_the_script_makes(secrets: Path) -> None:
    settings = load_settings(secrets / "settings.toml")
    S3(settings.results.url)
    hosts = [url.partition("@")[2] or url.partition("//")[2] for url in (settings.store_url, settings.limits.url)]
    assert [host.replace(":", "/").split("/")[0] for host in hosts] == ["postgres", "valkey"]
    assert (secrets / "postgres-password").read_text() in settings.store_url


def test_the_secrets_are_made_once(secrets: Path) -> None:
    before = {file: file.read_bytes() for file in secrets.iterdir()}
    subprocess.run(["sh", secrets.parent / "make-secrets"], check=True, stderr=subprocess.DEVNULL)
    assert {file: file.read_bytes() for file in secrets.iterdir()} == before
    assert secrets.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", ["api", "worker"])
def test_every_variable_of_a_node_is_a_setting(name: str, secrets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in FULL["services"][name]["environment"].items():
        monkeypatch.setenv(variable, value)
    settings = load_settings(secrets / "settings.toml")
    assert bool(settings.models.workers) is (name == "api")
    assert settings.jobs.run is (name == "worker")


def test_nodes_start_once_the_tables_and_the_bucket_are_there() -> None:
    for name in ("api", "worker"):
        needs = FULL["services"][name]["depends_on"]
        assert {needs[each]["condition"] for each in ("db-upgrade", "bucket")} == {"service_completed_successfully"}


def test_nodes_are_not_root_and_may_gain_nothing() -> None:
    for name in ("api", "worker"):
        assert FULL["services"][name]["cap_drop"] == ["ALL"]


def test_a_store_says_when_it_is_healthy_and_no_client_reaches_it() -> None:
    assert FULL["networks"]["back"] == {"internal": True}
    for name in ("postgres", "valkey", "s3"):
        service = FULL["services"][name]
        assert service["healthcheck"]
        assert service["networks"] == ["back"]
        assert "ports" not in service


def test_what_is_to_last_restarts_and_has_a_limit_of_memory() -> None:
    once = {"db-upgrade", "bucket"}
    for name, service in FULL["services"].items():
        assert service["restart"] == ("no" if name in once else "unless-stopped")
        assert name in once or service["deploy"]["resources"]["limits"]["memory"]


def test_each_card_has_one_worker() -> None:
    assert read("compose.gpu.yaml")["include"] == [{"path": ["compose.full.yaml", "compose.cards.yaml"]}]
    services = read("compose.cards.yaml")["services"]
    devices = [one["deploy"]["resources"]["reservations"]["devices"] for one in services.values()]
    assert [each[0]["device_ids"] for each in devices] == [[str(number)] for number in range(len(services))]
    others = [name for name in services if name != "worker"]
    assert all("worker" in services[name]["networks"]["back"]["aliases"] for name in others)
    assert [len(services[name]["profiles"]) for name in others] == [3, 2, 1]


def test_caddy_understands_its_file() -> None:
    command = (BIN / "caddy", "validate", "--adapter", "caddyfile", "--config", DOCKER / "Caddyfile")
    subprocess.run(command, env={"SITE": "http://localhost", "HOME": "/nonexistent"}, check=True, capture_output=True)


def test_prometheus_asks_every_node() -> None:
    config: dict[str, Any] = yaml.safe_load((DOCKER / "prometheus.yaml").read_text())
    names = config["scrape_configs"][0]["dns_sd_configs"][0]["names"]
    assert names == ["api", "worker"]
    assert set(names) <= set(FULL["services"])


def test_settings_of_secrets_are_toml(secrets: Path) -> None:
    assert tomllib.loads((secrets / "settings.toml").read_text())["jobs"]["dead_seconds"] == 5
