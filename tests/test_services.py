"""The systemd unit and the Kubernetes manifests: checked by the tools that know them, and against the program."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.as_a_user import Command
from support.folders import EXAMPLES

UNIT = EXAMPLES / "systemd/attune-worker@.service"
MANIFESTS = [EXAMPLES / "kubernetes" / name for name in ("worker.yaml", "metrics.yaml")]
PROGRAM = Path(sys.executable).with_name("attune-infra")
needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")


def settings() -> dict[str, list[str]]:
    """Return the values of each setting of the unit."""
    found: dict[str, list[str]] = {}
    for line in UNIT.read_text(encoding="utf-8").splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit with the program of this checkout, for tools that look whether it is there."""
    text = UNIT.read_text(encoding="utf-8").replace("/usr/local/bin/attune-infra", str(PROGRAM))
    (tmp_path / UNIT.name).write_text(text, encoding="utf-8")
    return tmp_path / UNIT.name


@needs_systemd
def test_systemd_finds_no_fault_in_the_unit(unit: Path) -> None:
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)], check=False, capture_output=True, text=True
    )

    assert (done.returncode, done.stderr) == (0, "")


@needs_systemd
def test_systemd_calls_the_unit_little_exposed(unit: Path) -> None:
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", str(unit)],
        check=False,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stdout[-300:] + done.stderr


def test_the_unit_lets_a_worker_finish() -> None:
    found = settings()

    assert found["KillMode"] == ["mixed"]
    assert found["TimeoutStopSec"] == ["10min"]
    assert found["Restart"] == ["always"]
    assert found["RestartPreventExitStatus"] == ["64"]


def test_no_password_is_in_an_example() -> None:
    for path in (UNIT, *MANIFESTS):
        assert "://" not in path.read_text(encoding="utf-8")


def manifests() -> list[dict[str, Any]]:
    return [found for path in MANIFESTS for found in yaml.safe_load_all(path.read_text(encoding="utf-8"))]


def pods() -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Return the specification of each pod with its only container."""
    specs = [each["spec"]["template"]["spec"] for each in manifests() if "template" in each["spec"]]
    return [(spec, *spec["containers"]) for spec in specs]


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_the_schemas_of_kubernetes_hold(path: Path) -> None:
    kubernetes_validate = pytest.importorskip(
        "kubernetes_validate", reason="kubernetes-validate is not installed; its schemas take 100 MB"
    )
    for found in yaml.safe_load_all(path.read_text(encoding="utf-8")):
        kubernetes_validate.validate(found, "1.29", strict=True)


def test_objects_fit_together() -> None:
    by_kind = {each["kind"]: each for each in manifests()}

    assert by_kind.keys() == {"Service", "StatefulSet", "Deployment"}
    assert by_kind["StatefulSet"]["spec"]["serviceName"] == by_kind["Service"]["metadata"]["name"]
    for kind in ("StatefulSet", "Deployment"):
        wanted = by_kind[kind]["spec"]["selector"]["matchLabels"]
        assert wanted.items() <= by_kind[kind]["spec"]["template"]["metadata"]["labels"].items()
    assert by_kind["Service"]["spec"]["selector"] == by_kind["StatefulSet"]["spec"]["selector"]["matchLabels"]


def test_pods_are_closed() -> None:
    assert len(pods()) == 2
    for spec, container in pods():
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["automountServiceAccountToken"] is False
        security = container["securityContext"]
        assert security["readOnlyRootFilesystem"] is True
        assert security["allowPrivilegeEscalation"] is False
        assert security["capabilities"] == {"drop": ["ALL"]}


def test_secrets_come_from_files_that_are_mounted() -> None:
    for spec, container in pods():
        folders = [mount["mountPath"] for mount in container["volumeMounts"]]
        names = {each["name"]: each["value"] for each in container["env"] if "value" in each}
        assert all(name.endswith("_FILE") for name in names)
        assert all(str(Path(value).parent) in folders for value in names.values())
        assert {mount["name"] for mount in container["volumeMounts"]} == {each["name"] for each in spec["volumes"]}


def test_probes_ask_the_endpoints_of_the_program() -> None:
    for _, container in pods():
        [port] = container["ports"]
        given = next(word for word in container["args"] if word.startswith("0.0.0.0:"))
        assert given == f"0.0.0.0:{port['containerPort']}"
        paths = {name: container[name]["httpGet"] for name in container if name.endswith("Probe")}
        assert paths["livenessProbe"] == {"path": "/healthz", "port": port["name"]}
        assert paths["readinessProbe"] == {"path": "/readyz", "port": port["name"]}


@pytest.mark.parametrize("container", [each for _, each in pods()], ids=lambda each: each["name"])
def test_the_program_takes_the_options(attune_infra_alone: Command, container: dict[str, Any]) -> None:
    result = attune_infra_alone(*container["args"], "--topology", "nowhere.yaml")

    assert container["command"] == ["attune-infra"]
    assert "executable" in result.stderr or "nowhere.yaml" in result.stderr


def test_the_unit_takes_the_options(attune_infra_alone: Command) -> None:
    _, *arguments = settings()["ExecStart"][0].replace("%i", "w").split()

    result = attune_infra_alone(*arguments)

    assert "there is no executable command '/usr/local/lib/attune/handle'" in result.stderr
