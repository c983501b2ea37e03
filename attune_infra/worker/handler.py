"""Handlers of messages: run a command with the message on standard input, or do nothing."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Final, Protocol

from attune_infra.dataclass import dataclass
from attune_infra.worker.body import NotJson, check

GRACE: Final = 5.0
"""Seconds between SIGTERM and SIGKILL."""
_LOOK: Final = 0.05
"""Seconds between two looks at a process group that was told to end."""
_SLICE: Final = 0.2
"""Seconds that the check of a body may take before something else gets its turn."""
_DEAD: Final = frozenset("ZX")
_SHELL_SIGNALS: Final = 128
"""A shell reports the signal that killed its command as an exit code above this one."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of a job: success, or the reason of its failure. It is a finished job itself."""

    failure: str | None = None
    is_late: bool = False
    """True if it was ended because it took too long."""

    overdue: str | None = None
    seconds_left: float = 0.0

    def poll(self) -> Ended:
        return self


class Job(Protocol):
    """A message being processed."""

    @property
    def overdue(self) -> str | None:
        """The reason for which it is being ended; None as long as it may go on."""
        ...

    @property
    def seconds_left(self) -> float:
        """The seconds after which it has to be polled, even if nothing happens."""
        ...

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

    The command has its own session, so that Ctrl-C, which asks the worker to finish, does not kill it. Its output
    goes where that of the worker goes; the worker reads none of it. After `timeout` seconds, the process group of
    the command gets SIGTERM, and SIGKILL after `grace` more.
    """

    def __init__(self, words: Sequence[str], *, timeout: float = math.inf, grace: float = GRACE) -> None:
        self._words, self._timeout, self._grace = words, timeout, grace

    def start(self, body: bytes) -> Job:
        try:
            with _keep(body) as file:
                process = subprocess.Popen(self._words, stdin=file, start_new_session=True)
        except OSError as error:
            return Ended(f"the command could not be started: {error.strerror}")
        return _Process(process, timeout=self._timeout, grace=self._grace)


def _keep(body: bytes) -> IO[bytes]:
    """Return a file with a body: a temporary one, or one in memory if no disk takes it (on Linux)."""
    try:
        return _written(TemporaryFile(buffering=0), body)
    except OSError:
        if not hasattr(os, "memfd_create"):
            raise
    return _written(os.fdopen(os.memfd_create("body"), "w+b", buffering=0), body)


def _written(file: IO[bytes], body: bytes) -> IO[bytes]:
    """Write a body to a file, and return it; close it if that fails."""
    try:
        left = memoryview(body)
        while left:
            left = left[file.write(left) :]
        file.seek(0)
    except OSError:
        file.close()
        raise
    return file


class _Process:
    """A process and its group, which does not outlive it."""

    def __init__(self, process: subprocess.Popen[bytes], *, timeout: float, grace: float) -> None:
        self._process, self._timeout, self._grace = process, timeout, grace
        self._due = time.monotonic() + timeout
        self._ended: Ended | None = None
        self._was_killed = False
        self.overdue: str | None = None

    @property
    def seconds_left(self) -> float:
        return _LOOK if self.overdue else max(0.0, self._due - time.monotonic())

    def poll(self) -> Ended | None:
        if self._ended is None:
            self._ended = self._look() if self.overdue is None else self._look_late()
        return self._ended

    def _look(self) -> Ended | None:
        code = self._process.poll()
        if code is not None:
            self._signal_group(signal.SIGKILL)
            return Ended(_failure_of(code))
        if time.monotonic() >= self._due:
            self.overdue = f"the command ran for more than {self._timeout:g} s"
            self._due = time.monotonic() + self._grace
            self._signal_group(signal.SIGTERM)
        return None

    def _look_late(self) -> Ended | None:
        """Return the end once the group has gone, or was killed together with its first process."""
        has_exited = self._process.poll() is not None
        lives = self._signal_group(0) and _has_living(self._process.pid)
        if lives and time.monotonic() >= self._due:
            self._signal_group(signal.SIGKILL)
            self._was_killed = True
        if not has_exited or (lives and not self._was_killed):
            return None
        return Ended(f"{self.overdue}{', and was killed' if self._was_killed else ''}", is_late=True)

    def _signal_group(self, number: int) -> bool:
        """Send a signal to all processes of the group; return False if none is left.

        The group has the id of its first process, which no other gets while a process of the group lives.
        """
        if self._process.returncode is not None:
            with suppress(ChildProcessError):  # as the first process of a container, this one inherits theirs
                while os.waitpid(-self._process.pid, os.WNOHANG)[0]:
                    pass
        try:
            os.killpg(self._process.pid, number)
        except (ProcessLookupError, PermissionError):
            return False
        return True


class Checked:
    """A job that first checks, in slices, that the body is JSON, and then starts the handler."""

    def __init__(self, body: bytes, start: Callable[[bytes], Job]) -> None:
        self._body, self._start, self._check = body, start, check(body)
        self._job: Job | None = None

    @property
    def overdue(self) -> str | None:
        return self._job.overdue if self._job else None

    @property
    def seconds_left(self) -> float:
        return self._job.seconds_left if self._job else 0.0

    def poll(self) -> Ended | None:
        if self._job is None:
            self._job = self._go_on()
        return self._job.poll() if self._job else None

    def _go_on(self) -> Job | None:
        end = time.monotonic() + _SLICE
        try:
            for _ in self._check:
                if time.monotonic() > end:
                    return None
        except NotJson as error:
            return Ended(str(error))
        return self._start(self._body)


def _has_living(group: int) -> bool:
    """Return whether a process of a group runs, as far as /proc tells it.

    A dead process stays in its group until its parent takes notice. The first process of a container may never do.
    """
    try:
        processes = [each for each in Path("/proc").iterdir() if each.name.isdigit()]
    except OSError:
        return True
    for each in processes:
        with suppress(OSError):
            state, _, found = (each / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[:3]
            if int(found) == group and state not in _DEAD:
                return True
    return False


def _failure_of(code: int) -> str | None:
    """Return the reason for which an exit code is no success. A shell's code for a signal names that too."""
    if code < 0:
        return f"{_name_of(-code)} killed the command"
    if code > _SHELL_SIGNALS and (name := _name_of(code - _SHELL_SIGNALS)).startswith("SIG"):
        return f"the command exited with code {code}, a shell's for {name}"
    return f"the command exited with code {code}" if code else None


def _name_of(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
