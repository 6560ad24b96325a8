"""The manifests for Kubernetes, as far as they can be checked without a cluster."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import kubernetes_validate
import pytest
import yaml
from starlette.routing import Route

from ttsai_server.app import create_app
from ttsai_server.settings import CHECKOUT, Settings, load_settings

FILES = sorted((CHECKOUT / "docker" / "kubernetes").glob("*.yaml"))
MANIFESTS: list[dict[str, Any]] = [each for file in FILES for each in yaml.safe_load_all(file.read_text())]
VERSION = "1.34"
"""Of Kubernetes."""
FOR_OPERATORS = {"/docs", "/health", "/metrics", "/openapi.json", "/static", "/static-offline-docs"}
"""The first parts of the paths that clients do not need."""


def named(kind: str, name: str) -> dict[str, Any]:
    return next(each for each in MANIFESTS if (each["kind"], each["metadata"]["name"]) == (kind, name))


def pods() -> Iterator[dict[str, Any]]:
    yield from (each["spec"]["template"]["spec"] for each in MANIFESTS if "template" in each.get("spec", {}))


def container(name: str) -> dict[str, Any]:
    return named("Deployment", name)["spec"]["template"]["spec"]["containers"][0]


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda each: f"{each['kind']}-{each['metadata']['name']}")
def test_a_manifest_is_valid(manifest: dict[str, Any]) -> None:
    kubernetes_validate.validate(manifest, VERSION, strict=True)


@pytest.mark.parametrize("name", ["api", "worker"])
def test_every_variable_of_a_node_is_a_setting(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in container(name)["env"]:
        monkeypatch.setenv(variable["name"], variable.get("value", "name-of-the-pod"))
    settings = load_settings()
    assert settings.jobs.node == "name-of-the-pod"
    assert bool(settings.models.workers) is (name == "api")
    assert settings.jobs.run is (name == "worker")


def test_nodes_ask_the_service_that_stands_for_every_worker() -> None:
    service = named("Service", "worker")["spec"]
    assert service["clusterIP"] == "None"
    asked = next(each["value"] for each in container("api")["env"] if each["name"].endswith("WORKERS"))
    assert asked == f'["http://worker:{service["ports"][0]["port"]}"]'


def test_clients_reach_all_that_is_for_them_and_nothing_else(tmp_path: Path) -> None:
    (rule,) = named("Ingress", "api")["spec"]["rules"]
    routes = cast(list[Route], create_app(Settings(data_dir=tmp_path)).routes)
    firsts = {f"/{route.path.split('/')[1]}" for route in routes}
    assert {each["path"] for each in rule["http"]["paths"]} == {"/api", *firsts} - FOR_OPERATORS


@pytest.mark.parametrize("name", ["api", "worker"])
def test_a_pod_may_take_longer_to_stop_than_its_server(name: str) -> None:
    pause = int(container(name).get("lifecycle", {}).get("preStop", {}).get("exec", {}).get("command", [0, 0])[1])
    grace = named("Deployment", name)["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
    assert grace > pause + Settings().server.shutdown_seconds


def test_what_is_mounted_is_a_volume_that_is_there() -> None:
    claims = {each["metadata"]["name"] for each in MANIFESTS if each["kind"] == "PersistentVolumeClaim"}
    for pod in pods():
        volumes = {volume["name"] for volume in pod["volumes"]}
        assert {mount["name"] for each in pod["containers"] for mount in each["volumeMounts"]} <= volumes
        used = {
            volume["persistentVolumeClaim"]["claimName"]
            for volume in pod["volumes"]
            if "persistentVolumeClaim" in volume
        }
        assert used <= claims


def test_no_container_is_root_or_may_gain_anything() -> None:
    for pod in pods():
        assert pod["securityContext"]["runAsNonRoot"]
        for each in pod["containers"]:
            assert each["securityContext"] == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def test_a_worker_has_one_card() -> None:
    assert container("worker")["resources"]["limits"]["nvidia.com/gpu"] == 1
