"""The examples in help pages, run as they stand on a broker that has been set up."""

from __future__ import annotations

import fcntl
import os
import pty
import shutil
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from attune_infra.cli._examples import EXAMPLES
from support import shells
from support.as_a_user import TIMEOUT, Command
from support.folders import ROOT

pytestmark = pytest.mark.any_broker
LINES = list(dict.fromkeys(line for examples in EXAMPLES.values() for line, _ in examples))
STAYING = [
    line for line in LINES if any(word in line for word in ("worker run", "--listen", " watch", "infra tap"))
]
SANDBOX = [line for line in LINES if "sandbox" in line]
FINDING = {
    "attune-infra diff topology.yaml --explain": 2,
    "attune-infra verify --worker 1-20": 2,
    "attune-infra worker list --id 1-20": 2,
    "attune-infra worker verify --all --settle 0": 2,
    "attune-infra lint --live --ignore AI033": 2,
    "attune-infra diff topology.yaml --output markdown --to comment.md": 2,
}
"""Examples that find something in the prepared virtual host: it has one worker, which is not running."""


@pytest.fixture
def folder(attune_infra_with_registry: Command, tmp_path: Path) -> Path:
    """A folder with the files of the examples; the broker and the registry have a worker."""
    for name in ("topology.yaml", "other.yaml"):
        shutil.copy(ROOT / "examples/minimal.yaml", tmp_path / name)
    run = attune_infra_with_registry
    for line in ("registry init", "setup", "worker enlist --name worker-a", "diff --out plan.json"):
        assert run(*line.split(), folder=tmp_path).code == 0
    shutil.copy(ROOT / "examples/kubernetes/resources.yaml", tmp_path)
    tmp_path.joinpath("messages.jsonl").write_text('{"routing_key": "any", "body": "{}"}\n' * 2)
    assert run("export", "--format", "definitions", "--to", "broker.json", folder=tmp_path).code == 0
    return tmp_path


@pytest.fixture
def environment(attune_infra_with_registry: Command, folder: Path) -> dict[str, str]:
    return shells.environment_of(attune_infra_with_registry.environment) | {"HOME": str(folder)}


def shell_of(line: str) -> str:
    return "fish" if line.endswith("| source") else "zsh" if line.endswith("zsh)") else "bash"


@pytest.mark.parametrize("line", [line for line in LINES if line not in {*STAYING, *SANDBOX}])
def test_an_example_runs(environment: dict[str, str], folder: Path, line: str) -> None:
    shell = shell_of(line)
    if not shells.has(shell):
        pytest.skip(f"{shell} is not installed")
    typed = f"autoload -U compinit; compinit -D -u; {line}" if shell == "zsh" else line

    done = subprocess.run(
        [shell, "-c", typed],
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment,
        timeout=TIMEOUT,
        check=False,
    )

    assert done.returncode in {0, FINDING.get(line, 0)}, done.stderr
    assert "error: " not in done.stderr


@pytest.mark.parametrize("line", [line for line in STAYING if "watch" not in line])
def test_an_example_that_stays_runs_until_it_is_stopped(
    environment: dict[str, str], folder: Path, line: str
) -> None:
    signs = {"metrics": "metrics are at", "worker": " consumes", "tap": " is tapped with "}
    free = line.replace(":9471", ":0")
    process = subprocess.Popen(
        ["bash", "-c", f"exec {free}"], stderr=subprocess.PIPE, text=True, cwd=folder, env=environment
    )
    try:
        assert process.stderr is not None
        wanted = signs[line.split()[1]]
        seen = next((said for said in process.stderr if wanted in said.lower()), None)
        assert seen is not None
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=TIMEOUT)


@pytest.mark.parametrize("line", [line for line in STAYING if "watch" in line])
def test_the_live_view_runs_until_q_is_pressed(environment: dict[str, str], folder: Path, line: str) -> None:
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    environment |= {"TERM": "xterm"}
    process = subprocess.Popen(
        ["bash", "-c", f"exec {line}"], stdin=slave, stdout=slave, stderr=slave, cwd=folder, env=environment
    )
    os.close(slave)
    with os.fdopen(master, "r+b", buffering=0) as terminal:
        shells.read_until(terminal.fileno(), "worker-a" if "worker watch" in line else "attune.dlx.queue")
        terminal.write(b"q")
        with suppress(OSError):  # the last program has closed the terminal
            while terminal.read(4096):
                pass
        assert process.wait(TIMEOUT) == 0


@pytest.fixture
def sandboxes(tmp_path: Path) -> Iterator[dict[str, str]]:
    """An environment with a folder of its own for sandboxes, which are ended afterwards."""
    place = tmp_path / "sandboxes"
    place.mkdir()
    for each in (place, *tmp_path.parents[:2], tmp_path):
        each.chmod(each.stat().st_mode | 0o755)
    environment = shells.environment_of({"TMPDIR": str(place)})
    yield environment
    for name in ("trial", "three", "default"):
        command = [sys.executable, "-m", "attune_infra", "sandbox", "down", "--name", name]
        subprocess.run(command, env=environment, capture_output=True, check=False)


@pytest.mark.lengthy
def test_the_examples_of_sandboxes_run_in_this_order(sandboxes: dict[str, str], tmp_path: Path) -> None:
    order = [
        "sandbox up --name trial",
        "sandbox status --name trial",
        "sandbox env --name trial",
        "sandbox down --name trial",
    ]
    first = [next(line for line in SANDBOX if each in line) for each in order]
    for line in (*first, *(line for line in SANDBOX if line not in first)):
        done = subprocess.run(
            ["bash", "-c", line], capture_output=True, text=True, cwd=tmp_path, env=sandboxes, check=False
        )
        assert done.returncode == 0, (line, done.stderr)
