"""Handlers of messages: run a command with the message on standard input, or do nothing."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of a job: success, or the reason of its failure. It is a finished job itself."""

    failure: str | None = None

    def poll(self) -> Ended:
        return self


class Job(Protocol):
    """A message being processed."""

    def poll(self) -> Ended | None:
        """Return the end of the job; None while it runs."""
        ...


class Handler(Protocol):
    def start(self, body: bytes) -> Job: ...


class Nothing:
    """A handler that does nothing, with success."""

    def start(self, body: bytes) -> Job:  # noqa: ARG002 # it is a Handler
        return Ended()


class Command:
    """A handler that runs a command for each message, with the message as a file on standard input.

    The command has its own session, so that Ctrl-C, which asks the worker to finish, does not kill it.
    """

    def __init__(self, words: Sequence[str]) -> None:
        self._words = words

    def start(self, body: bytes) -> Job:
        with TemporaryFile() as file:
            file.write(body)
            file.seek(0)
            try:
                return _Process(subprocess.Popen(self._words, stdin=file, start_new_session=True))
            except OSError as error:
                return Ended(f"the command could not be started: {error.strerror}")


class _Process:
    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def poll(self) -> Ended | None:
        code = self._process.poll()
        if not code:
            return None if code is None else Ended()
        return Ended(f"the command exited with code {code}" if code > 0 else f"signal {-code} killed the command")
