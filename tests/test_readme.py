"""Every block of the README, run as it stands, and every table held against the program."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import amqp
import pytest
import yaml

from attune_infra import __version__, settings
from attune_infra.errors import ExitCode
from attune_infra.settings import values
from support.as_a_user import Command, clean_environment
from support.folders import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
LEFT_BEHIND = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "venv")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Step:
    """A command of the README and the output it promises."""

    command: str
    promised: str


def steps() -> list[Step]:
    found = []
    for block in blocks("console"):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, promised = part.partition("\n")
            found.append(Step(command, promised))
    return found


@pytest.fixture
def copy() -> Iterator[Path]:
    """A copy of the project, as a stranger would have it, with a folder for sandboxes beside it."""
    folder = Path(tempfile.mkdtemp(prefix="readme-"))
    folder.chmod(0o755)
    shutil.copytree(ROOT, folder / "project", ignore=LEFT_BEHIND)
    shutil.copytree(ROOT / ".ci", folder / "project/.ci")
    yield folder
    shutil.rmtree(folder)


@pytest.mark.lengthy
def test_every_command_does_what_the_readme_says(copy: Path) -> None:
    """One shell runs them all, top to bottom; `make` takes the environment these tests run in."""
    outputs = copy / "outputs"
    outputs.mkdir()
    script = "".join(
        f"{{ {step.command}\n}} >{outputs}/{number} || {{ echo {shlex.quote(step.command)}; exit 1; }} >&2\n"
        for number, step in enumerate(steps())
    )
    environment = clean_environment() | {
        "PATH": f"{sys.prefix}/bin:{os.environ['PATH']}",
        "TMPDIR": str(copy),
        "MAKEFLAGS": f"-- VENV={sys.prefix} ENVIRONMENT=",
    }

    try:
        run = subprocess.run(
            ["bash", "-c", script],
            check=False,
            cwd=copy / "project",
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )
    finally:
        down = [sys.executable, "-m", "attune_infra", "sandbox", "down"]
        subprocess.run(down, check=False, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)

    assert run.returncode == 0, run.stderr
    for number, step in enumerate(steps()):
        if step.promised:
            assert (outputs / str(number)).read_text() == step.promised, step.command


def test_the_workflow_is_valid_and_its_commands_pass(attune_infra: Command) -> None:
    _, workflow, _, _ = blocks("yaml")
    job = yaml.safe_load(workflow)["jobs"]["topology"]

    commands = [shlex.split(step["run"]) for step in job["steps"] if "run" in step]

    assert commands.pop(0) == ["pip", "install", "."]
    assert set(job["env"]) == {settings.AMQP_URL.variable, settings.MANAGEMENT_URL.variable}
    assert len(commands) == 4
    for program, *arguments in commands:
        assert program == "attune-infra"
        assert attune_infra(*arguments).code == 0


def test_the_use_of_the_action_names_its_inputs() -> None:
    _, _, workflow, _ = blocks("yaml")
    used = yaml.safe_load(workflow)["jobs"]["topology"]["steps"][-1]

    assert used["uses"] == f"attune-platform/attune-infra@v{__version__}"
    assert set(used["with"]) <= set(yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))["inputs"])


def test_the_use_of_the_hooks_names_them() -> None:
    _, _, _, configuration = blocks("yaml")
    [used] = yaml.safe_load(configuration)["repos"]

    known = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert [hook["id"] for hook in used["hooks"]] == [hook["id"] for hook in known]
    assert used["rev"] == f"v{__version__}"


def test_the_connections_are_read(attune_infra_alone: Command, tmp_path: Path) -> None:
    connections, _, _, _ = blocks("yaml")
    (tmp_path / "config.yaml").write_text(connections)

    listed = attune_infra_alone("connections", "--config", str(tmp_path / "config.yaml"))

    assert [line.split()[1] for line in listed.lines if line.startswith("!")] == ["staging:", "production"]


def test_the_example_of_a_difference_is_what_is_printed(attune_infra: Command, channel: amqp.Channel) -> None:
    [example] = blocks("text")
    channel.queue_declare(
        "attune.events.queue", durable=True, auto_delete=False, arguments={"x-dead-letter-exchange": "old.dlx"}
    )

    printed = attune_infra("setup").stdout
    assert example in re.sub(r" --topology [^\s`]+", "", printed)  # a broker may need another document


def test_no_block_is_left_out() -> None:
    assert set(re.findall(r"^```(\w+)$", README, re.MULTILINE)) == {"console", "yaml", "text"}


def test_the_exit_codes_are_the_programs() -> None:
    assert [int(code) for code in re.findall(r"^\| (\d+) \|", README, re.MULTILINE)] == list(ExitCode)


def test_the_settings_are_the_programs() -> None:
    table = re.findall(r"^\| `(--[\w-]+)` \| `(\w+)` \| `([\w.]+)` \|", README, re.MULTILINE)

    known = [each for each in vars(values).values() if isinstance(each, settings.Setting) and each.flag]
    assert table == [(found.flag, found.variable, ".".join(found.path)) for found in known]
    assert settings.DEFAULT_AMQP_URL in README


def test_the_files_it_points_to_are_there() -> None:
    for target in re.findall(r"\]\(([^)#]+)", README):
        if "://" in target:
            continue
        assert (ROOT / target).exists(), target
