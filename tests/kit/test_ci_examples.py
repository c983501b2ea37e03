"""The examples for GitLab and Kubernetes are valid, and their commands do on a real broker what they say."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml

from support.as_a_user import Command, Result, clean_environment
from support.folders import EXAMPLES, ROOT
from support.virtual_host import VirtualHost

pytestmark = pytest.mark.any_broker

GITLAB = EXAMPLES / "ci/gitlab.yml"
CRONJOB = EXAMPLES / "kubernetes/drift-cronjob.yaml"
MINIMAL = EXAMPLES / "minimal.yaml"
PIPELINE: dict[str, Any] = yaml.safe_load(GITLAB.read_text(encoding="utf-8"))
JOBS = {name: job for name, job in PIPELINE.items() if "script" in job}


def run_job(name: str, vhost: VirtualHost, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the script of a job as GitLab's shell does, with the command of these tests."""
    variables = {**PIPELINE["variables"], "ATTUNE_INFRA_DOCUMENT": str(MINIMAL)}
    path = {"PATH": f"{sys.prefix}/bin:{os.environ['PATH']}"}
    return subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", "\n".join(JOBS[name]["script"])],
        check=False,
        cwd=folder,
        env=clean_environment() | variables | path | vhost.environment,
        capture_output=True,
        text=True,
    )


def test_the_gitlab_pipeline_is_valid() -> None:
    schema = ["--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci"]

    checked = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", *schema, str(GITLAB)],
        check=False,
        capture_output=True,
        text=True,
    )

    assert checked.returncode == 0, checked.stdout


def test_each_job_reports_to_gitlab(vhost: VirtualHost, attune_infra: Command, tmp_path: Path) -> None:
    before = {name: run_job(name, vhost, tmp_path) for name in JOBS}
    attune_infra("setup", "--topology", str(MINIMAL))
    after = {name: run_job(name, vhost, tmp_path) for name in JOBS}

    assert [ran.returncode for ran in before.values()] == [0, 2, 2], before
    assert [ran.returncode for ran in after.values()] == [0, 0, 0], after
    for job in JOBS.values():
        report = tmp_path / job["artifacts"]["reports"]["junit"]
        assert ET.parse(report).getroot().tag == "testsuites"  # noqa: S314 # our own
        assert all((tmp_path / path).exists() for path in job["artifacts"].get("paths", ()))
    assert JOBS["attune-infra-diff"]["allow_failure"] == {"exit_codes": 2}


@pytest.mark.lengthy
def test_each_job_installs_the_command(tmp_path: Path) -> None:
    install = PIPELINE[".attune-infra"]["before_script"]
    script = "\n".join([*install, "command -v attune-infra", *JOBS["attune-infra-lint"]["script"][:1]])
    environment = {"ATTUNE_INFRA_PACKAGE": str(ROOT), "ATTUNE_INFRA_DOCUMENT": str(MINIMAL)}

    ran = subprocess.run(
        ["bash", "-e", "-c", script],
        check=False,
        cwd=tmp_path,
        env=clean_environment() | environment,
        capture_output=True,
        text=True,
    )

    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[0] == str(tmp_path / ".attune-infra/bin/attune-infra")
    assert {job["extends"] for job in JOBS.values()} == {".attune-infra"}


def test_the_cronjob_is_valid() -> None:
    checked = subprocess.run(
        [sys.executable, "-m", "kubernetes_validate", "--strict", str(CRONJOB)],
        check=False,
        capture_output=True,
        text=True,
    )

    assert checked.returncode == 0, checked.stdout + checked.stderr


def run_cronjob(command: Command, vhost: VirtualHost, folder: Path) -> Result:
    """Run the container's command, with the volumes of the pod in a folder."""
    documents, job = yaml.safe_load_all(CRONJOB.read_text(encoding="utf-8"))
    [container] = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    (folder / "topology").mkdir(exist_ok=True)
    (folder / "topology/topology.yaml").write_text(documents["data"]["topology.yaml"], encoding="utf-8")
    (folder / "secrets").mkdir(exist_ok=True)
    (folder / "secrets/url").write_text(vhost.amqp_url, encoding="utf-8")
    mounts = [mount["mountPath"] for mount in container["volumeMounts"]]
    assert mounts == ["/topology", "/secrets"]

    def inside(text: str) -> str:
        return f"{folder}{text}" if text.startswith(tuple(mounts)) else text

    environment = {each["name"]: inside(each["value"]) for each in container["env"]}
    management = {name: url for name, url in vhost.environment.items() if "MANAGEMENT" in name}
    return command(*map(inside, container["args"]), environment=environment | management)


def test_the_cronjob_fails_on_drift_and_names_it(
    vhost: VirtualHost, attune_infra: Command, attune_infra_alone: Command, tmp_path: Path
) -> None:
    drifted = run_cronjob(attune_infra_alone, vhost, tmp_path)
    attune_infra("setup", "--topology", str(MINIMAL))
    whole = run_cronjob(attune_infra_alone, vhost, tmp_path)

    assert (drifted.code, whole.code) == (2, 0)
    assert "greetings.queue" in drifted.stdout


def test_the_cronjob_is_the_user_of_the_image() -> None:
    _, job = yaml.safe_load_all(CRONJOB.read_text(encoding="utf-8"))
    pod = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]

    assert f"USER {pod['securityContext']['runAsUser']}:{pod['securityContext']['runAsGroup']}\n" in (
        ROOT / "Containerfile"
    ).read_text(encoding="utf-8")
