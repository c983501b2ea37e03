"""`attune-infra watch` and `worker watch`, on a terminal and without one."""

from __future__ import annotations

import codecs
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from attune_infra.errors import ExitCode
from support.as_a_user import Command, clean_environment
from support.eventually import eventually

COMMANDS = [("watch", "queues"), ("worker watch", "worker list")]


class Terminal:
    """A terminal of 80x24 with a command on it, and all that was ever shown."""

    def __init__(self, controller: int, process: subprocess.Popen[bytes]) -> None:
        self._controller, self.process = controller, process
        self._seen, self._decoder = "", codecs.getincrementaldecoder("utf-8")()

    def shows(self, words: str) -> None:
        eventually(self.read, lambda text: words in text, within=40)

    def press(self, keys: bytes) -> None:
        os.write(self._controller, keys)

    def read(self) -> str:
        """Return the text shown so far. A terminal that nobody reads would hold the command up."""
        with suppress(BlockingIOError, OSError):
            self._seen += self._decoder.decode(os.read(self._controller, 65536))
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self._seen)

    def ends(self) -> int:
        return (
            eventually(lambda: (self.read(), self.process.poll())[1], lambda code: code is not None, within=40)
            or 0
        )


@contextmanager
def at_terminal(
    command: Command, *arguments: str, program: tuple[str, ...] = ("-m", "attune_infra")
) -> Iterator[Terminal]:
    controller, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    fcntl.fcntl(controller, fcntl.F_SETFL, os.O_NONBLOCK)
    before = termios.tcgetattr(terminal)
    process = subprocess.Popen(
        [sys.executable, *program, *arguments],
        env=clean_environment() | dict(command.environment) | {"TERM": "xterm-256color"},
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
    )
    try:
        yield Terminal(controller, process)
        assert termios.tcgetattr(terminal) == before
    finally:
        process.kill()
        process.wait()
        os.close(controller)
        os.close(terminal)


@pytest.mark.parametrize(("command", "instead"), COMMANDS)
def test_without_a_terminal_it_says_so(attune_infra_alone: Command, command: str, instead: str) -> None:
    result = attune_infra_alone(*command.split())

    assert result.code == ExitCode.WRONG_USAGE
    assert result.stderr.startswith(f"error: no terminal: a live view needs one\nhint:  `attune-infra {instead}`")


@pytest.mark.parametrize(("command", "instead"), COMMANDS)
def test_without_textual_it_says_what_to_install(
    attune_infra_alone: Command, tmp_path: Path, command: str, instead: str
) -> None:
    """A finder that knows no Textual stands for an environment without it."""
    script = tmp_path / "without_textual.py"
    script.write_text(
        "import importlib.util, sys\n"
        "find = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *rest: None if name == 'textual' else find(name, *rest)\n"
        "from attune_infra.cli import main\n"
        "main()\n"
    )
    with at_terminal(attune_infra_alone, *command.split(), program=(str(script),)) as terminal:
        assert terminal.ends() == ExitCode.FAILED
        shown = terminal.read()

    assert "error: the live view needs Textual, which is not installed" in shown
    assert "pip install 'attune-infra[tui]'" in shown
    assert f"`attune-infra {instead}`" in shown


@pytest.mark.any_broker
def test_it_shows_queues_and_workers_until_told_to_leave(attune_infra_with_registry: Command) -> None:
    run = attune_infra_with_registry
    run("setup")
    run("registry", "init")
    run("worker", "enlist", "--name", "somebody")

    with at_terminal(run, "watch", "--every", "0.5") as terminal:
        terminal.shows("attune.dlx.queue")
        terminal.press(b"2")
        terminal.shows("1 somebody ")
        terminal.press(b"q")
        assert terminal.ends() == ExitCode.DONE


@pytest.mark.any_broker
def test_the_view_of_workers_begins_with_workers(attune_infra_with_registry: Command) -> None:
    run = attune_infra_with_registry
    run("registry", "init")
    run("worker", "enlist", "--name", "somebody")

    with at_terminal(run, "worker", "watch", "--only-wrong") as terminal:
        terminal.shows("1 somebody ")
        terminal.shows("filter: with findings")
        terminal.press(b"\x1b[Bq")
        assert terminal.ends() == ExitCode.DONE
