"""The hooks do in a repository what their names say, installed by pre-commit itself."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from support.as_a_user import clean_environment
from support.folders import EXAMPLES, ROOT

HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
IDENTITY = ("-c", "user.name=test", "-c", "user.email=test@example.com")
needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="pre-commit needs git")


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *IDENTITY, *arguments], cwd=folder, check=True, capture_output=True)


def pre_commit(folder: Path, *arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    """Run pre-commit as its own program would, with a cache of its own."""
    environment = clean_environment() | {"PRE_COMMIT_HOME": str(home)}
    command = [sys.executable, "-m", "pre_commit", *arguments]
    return subprocess.run(command, check=False, cwd=folder, env=environment, capture_output=True, text=True)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository with a good document, one with a fault, and a file that is no topology."""
    folder = tmp_path / "project"
    (folder / "topologies").mkdir(parents=True)
    shutil.copy(EXAMPLES / "minimal.yaml", folder / "topology.yaml")
    (folder / "topologies/broken.yaml").write_text("queues:\n  jobs: {durabel: true}\n", encoding="utf-8")
    (folder / "other.yaml").write_text("nothing: of ours\n", encoding="utf-8")
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    return folder


@pytest.fixture
def hooks(tmp_path: Path) -> Path:
    """This checkout as a repository of its own, as its users would name it."""
    folder = tmp_path / "hooks"
    folder.mkdir()
    for name in (".pre-commit-hooks.yaml", "pyproject.toml", "README.md", "LICENSE", "hatch_build.py"):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / "attune_infra", folder / "attune_infra", ignore=shutil.ignore_patterns("__pycache__"))
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message=hooks")
    return folder


@needs_git
@pytest.mark.lengthy
def test_each_hook_finds_the_broken_document_and_passes_the_mended_one(
    project: Path, hooks: Path, tmp_path: Path
) -> None:
    for hook in HOOKS:
        tried = pre_commit(project, "try-repo", str(hooks), hook["id"], "--all-files", home=tmp_path / "home")

        assert tried.returncode == 1, tried.stdout + tried.stderr
        assert re.search(r"topologies/broken\.yaml:2:10: .*unknown key 'durabel'", tried.stdout)
        assert "other.yaml" not in tried.stdout

    shutil.copy(EXAMPLES / "minimal.yaml", project / "topologies/broken.yaml")
    mended = pre_commit(project, "try-repo", str(hooks), "--all-files", home=tmp_path / "home")
    assert mended.returncode == 0, mended.stdout + mended.stderr
    assert mended.stdout.count("Passed") == len(HOOKS)


def test_pre_commit_accepts_the_hooks(tmp_path: Path) -> None:
    checked = pre_commit(ROOT, "validate-manifest", ".pre-commit-hooks.yaml", home=tmp_path)

    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: str(hook["id"]))
def test_a_hook_takes_what_is_named_like_a_topology(hook: dict[str, str]) -> None:
    names = {
        "topology.yaml": True,
        "deploy/topology-staging.yml": True,
        "rabbitmq.yaml": True,
        "topologies/events/orders.yaml": True,
        "topology.schema.json": False,
        "network-topology.yaml": False,
        "rabbitmqadmin.yaml": False,
        "docs/other.yaml": False,
    }

    assert {name: bool(re.search(hook["files"], name)) for name in names} == names
