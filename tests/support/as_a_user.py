"""The command, run as a user runs it: another process, seen by its output and its exit code.

What is run to its end is forked from a process that has loaded the program already (`fork_server.py`), which saves
most of the time that a start takes. What a test watches, signals or kills is started from nothing.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryFile
from threading import Lock
from typing import IO, Any, TextIO

_SCRIPT = Path(__file__).with_name("fork_server.py")

WITHIN = 60
"""Seconds in which a command has to end."""


@dataclass(frozen=True)
class Result:
    """What a user saw of a command."""

    code: int
    stdout: str
    stderr: str

    @property
    def lines(self) -> list[str]:
        return self.stdout.splitlines()

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)


@dataclass(frozen=True)
class Command:
    """Runs `attune-infra` with these arguments, as a user would, in an environment that names some servers."""

    environment: Mapping[str, str]

    def __call__(
        self, *arguments: str, environment: Mapping[str, str] | None = None, folder: Path | None = None
    ) -> Result:
        """Run it to its end; several threads may do so at once."""
        order = {
            "arguments": arguments,
            "environment": self._environment(environment),
            "folder": str(folder or Path.cwd()),
            "within": WITHIN,
        }
        with TemporaryFile() as output, TemporaryFile() as talk:
            code = _carry_out(json.dumps(order).encode(), output.fileno(), talk.fileno())
            return Result(code, _read(output), _read(talk))

    def start(
        self,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
        talk: TextIO | None = None,
    ) -> subprocess.Popen[str]:
        """Start it; its standard error goes into a file, if one is given, which nobody has to read."""
        return subprocess.Popen(
            [sys.executable, "-m", "attune_infra", *arguments],
            cwd=folder,
            env=self._environment(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=talk or subprocess.PIPE,
            text=True,
        )

    def _environment(self, more: Mapping[str, str] | None) -> dict[str, str]:
        return clean_environment() | dict(self.environment) | dict(more or {})


def _carry_out(order: bytes, output: int, talk: int) -> int:
    """Have an order carried out and return its exit code."""
    ended, end = os.pipe()
    with os.fdopen(ended, "rb") as code:
        socket.send_fds(_FORK_SERVER.line, [order], [output, talk, end])
        os.close(end)
        return int(code.read())


class _ForkServer:
    """Started when it is first needed; it ends when this process does."""

    def __init__(self) -> None:
        self._starting = Lock()

    @cached_property
    def _started(self) -> tuple[socket.socket, subprocess.Popen[bytes]]:
        ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with its:
            command = [sys.executable, str(_SCRIPT)]
            return ours, subprocess.Popen(command, stdin=its.fileno(), env=clean_environment())

    @property
    def line(self) -> socket.socket:
        with self._starting:
            return self._started[0]


_FORK_SERVER = _ForkServer()


def _read(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


def clean_environment() -> dict[str, str]:
    """Return the environment without any setting of the platform, and with modules compiled as pip leaves them."""
    ours = ("ATTUNE", "PYTHONDONTWRITEBYTECODE")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}
