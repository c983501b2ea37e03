"""`attune-infra worker watch`, on a terminal and without one."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from contextlib import suppress

import pytest

from support.as_a_user import Command, clean_environment
from support.eventually import eventually


def test_without_a_terminal_it_says_so(attune_infra_alone: Command) -> None:
    result = attune_infra_alone("worker", "watch")

    assert result.code == 64
    assert result.stderr.startswith("error: no terminal: a live view needs one\nhint:  `attune-infra worker")


@pytest.mark.any_broker
def test_on_a_terminal_it_shows_the_fleet_until_told_to_leave(attune_infra_with_registry: Command) -> None:
    run = attune_infra_with_registry
    run("registry", "init")
    run("worker", "enlist", "--name", "somebody")
    controller, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    fcntl.fcntl(controller, fcntl.F_SETFL, os.O_NONBLOCK)
    before = termios.tcgetattr(terminal)
    process = subprocess.Popen(
        [sys.executable, "-m", "attune_infra", "worker", "watch", "--every", "0.5"],
        env=clean_environment() | dict(run.environment) | {"TERM": "xterm"},
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
    )
    seen = ""

    def shows(words: str) -> None:
        eventually(read, lambda text: words in text, within=20)

    def read() -> str:
        nonlocal seen
        with suppress(BlockingIOError):
            seen += os.read(controller, 65536).decode()
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen)

    shows("1 somebody         active")
    os.write(controller, b"w")
    shows("shown: 1 to 1 of 1, only findings")
    os.write(controller, b"\x1b[Bq")

    # A terminal that nobody reads would hold it up.
    eventually(lambda: (read(), process.poll())[1], lambda code: code == 0, within=20)
    assert termios.tcgetattr(terminal) == before
    os.close(controller)
    os.close(terminal)
