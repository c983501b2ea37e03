"""What a worker does with a message: run a command with it on standard input, or only say that it came."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Ended:
    """How work on a message ended: well, or for this reason not. It is a job that is over, too."""

    failure: str | None = None

    def poll(self) -> Ended:
        return self


class Job(Protocol):
    """A message being worked on."""

    def poll(self) -> Ended | None:
        """Return how it ended; None while it has not."""
        ...


class Handler(Protocol):
    def start(self, body: bytes) -> Job: ...


class Nothing:
    """Does nothing with any message, successfully."""

    def start(self, body: bytes) -> Job:  # noqa: ARG002 # it is a Handler
        return Ended()


class Command:
    """Runs a command for each message, which is a file on its standard input and may be of any length.

    It is in a session of its own: Ctrl-C on our terminal, which asks us to finish, does not kill it.
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
        return Ended(
            f"the command left with exit code {code}" if code > 0 else f"signal {-code} killed the command"
        )
