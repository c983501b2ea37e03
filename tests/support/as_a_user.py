"""The command, run as a user runs it: a process of its own, with its output and its exit code.

A command that runs to its end is forked from a process that has loaded the program already (`fork_server.py`),
which saves most of the start-up time. A command that a test watches, signals or kills is started from scratch.
"""

from __future__ import annotations

import atexit
import json
import os
import pty
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryFile, mkdtemp
from threading import Lock
from typing import IO, Any, TextIO

from support.contract import check_contract

_SCRIPT = Path(__file__).with_name("fork_server.py")

_HOME = mkdtemp(prefix="attune-infra-home-")
"""The folder of the user's own files, for as long as the tests run."""

atexit.register(rmtree, _HOME, ignore_errors=True)

TIMEOUT = 60
"""Seconds in which a command has to end."""


@dataclass(frozen=True)
class Result:
    """The output and the exit code of a command."""

    code: int
    stdout: str
    stderr: str
    """Standard error, without the line about the target."""
    target: str = ""
    """The line that says which broker was asked; empty if none was."""

    @property
    def lines(self) -> list[str]:
        return self.stdout.splitlines()

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)

    @property
    def own_json(self) -> Any:
        """The JSON without the keys that say which program wrote it, and when."""
        return {key: value for key, value in self.json.items() if key not in {"tool", "time"}}


def _split_target(talk: str) -> tuple[str, str]:
    lines = talk.splitlines(keepends=True)
    told = [line for line in lines if line.startswith("target: ")]
    return "".join(line for line in lines if line not in told), "".join(told)


@dataclass(frozen=True)
class Command:
    """The command `attune-infra`, in an environment that may name some servers."""

    environment: Mapping[str, str]

    def __call__(
        self, *arguments: str, environment: Mapping[str, str] | None = None, folder: Path | None = None
    ) -> Result:
        """Run the command to its end, and hold its JSON against its schema; several threads may do so at once."""
        order = {
            "arguments": arguments,
            "environment": self._environment(environment),
            "folder": str(folder or Path.cwd()),
            "within": TIMEOUT,
        }
        with TemporaryFile() as output, TemporaryFile() as talk:
            code = _carry_out(json.dumps(order).encode(), output.fileno(), talk.fileno())
            result = Result(code, _read(output), *_split_target(_read(talk)))
        check_contract(result.stdout)
        for name, value in pairwise(arguments):
            file = (folder or Path.cwd()) / value
            if name == "--to" and file.is_file():
                check_contract(file.read_text(encoding="utf-8", errors="replace"))
        return result

    def start(
        self,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
        talk: TextIO | None = None,
    ) -> subprocess.Popen[str]:
        """Start the command; with the file `talk`, its standard error goes there, and no test has to read it."""
        return subprocess.Popen(
            # a shell in the background would have it ignore SIGINT
            ["env", "--default-signal=INT", sys.executable, "-m", "attune_infra", *arguments],
            cwd=folder,
            env=self._environment(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=talk or subprocess.PIPE,
            text=True,
        )

    def at_terminal(
        self, *arguments: str, typed: str, environment: Mapping[str, str] | None = None, folder: Path | None = None
    ) -> Result:
        """Run the command on a terminal on which somebody types; all that it shows is in `stdout`.

        Nothing is typed before the first question, since a command may throw away what was typed before.
        """
        master, slave = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-m", "attune_infra", *arguments],
            cwd=folder,
            env=self._environment(environment) | {"NO_COLOR": "1"},
            stdin=slave,
            stdout=slave,
            stderr=slave,
        )
        os.close(slave)
        shown = b""
        with os.fdopen(master, "r+b", buffering=0) as terminal:
            with suppress(OSError):  # the last program has closed the terminal
                while piece := terminal.read(4096):
                    shown += piece
                    if typed and shown.rstrip().endswith((b":", b"]")):
                        line, _, typed = typed.partition("\n")
                        terminal.write(f"{line}\n".encode())
            code = process.wait(TIMEOUT)
        return Result(code, shown.decode().replace("\r\n", "\n"), "")

    def _environment(self, more: Mapping[str, str] | None) -> dict[str, str]:
        return clean_environment() | dict(self.environment) | dict(more or {})


def _carry_out(order: bytes, output: int, talk: int) -> int:
    """Let the fork server carry out an order, and return the exit code."""
    ended, end = os.pipe()
    with os.fdopen(ended, "rb") as code:
        socket.send_fds(_FORK_SERVER.line, [order], [output, talk, end])
        os.close(end)
        return int(code.read())


class _ForkServer:
    """The process that forks commands; it starts when it is first needed, and ends with this process."""

    def __init__(self) -> None:
        self._starting = Lock()

    @cached_property
    def _process(self) -> tuple[socket.socket, subprocess.Popen[bytes]]:
        ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with its:
            command = [sys.executable, str(_SCRIPT)]
            return ours, subprocess.Popen(command, stdin=its.fileno(), env=clean_environment())

    @property
    def line(self) -> socket.socket:
        with self._starting:
            return self._process[0]


_FORK_SERVER = _ForkServer()


def _read(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


def clean_environment() -> dict[str, str]:
    """Return the environment without settings of the platform; Python may compile modules, as after pip."""
    ours = ("ATTUNE", "PYTHONDONTWRITEBYTECODE", "XDG_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return kept | {"XDG_STATE_HOME": _HOME, "XDG_CONFIG_HOME": _HOME}
