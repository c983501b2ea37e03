"""Child processes that never outlive this one, and the complaints in their logs."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

from attune_infra.dataclass import dataclass
from attune_infra.sandbox import tether

_KEPT_VARIABLES: Final = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
"""Variables that Python may need to start; children get no other variable of this environment."""

MAX_FILES: Final = 65_536
"""Files that a server may open. Erlang closes all possible ones at its start: a billion in some containers."""

_MAX_LOG_BYTES: Final = 1_000_000


class DidNotStart(Exception):
    """A program that should have started failed; the text is the end of a sentence."""


class Wait(Protocol):
    def __call__(self, ready: Callable[[], bool], *, within: float) -> bool:
        """Wait until `ready` is true and return true, false if time runs out; raise if waiting is pointless."""


@dataclass(frozen=True, slots=True)
class User:
    """The user to run a program as if this process is root and the program must not be."""

    uid: int
    gid: int


def poll(ready: Callable[[], bool], *, within: float, pause: Callable[[float], None] = time.sleep) -> bool:
    """Call `ready` until it is true and return true, false if time runs out."""
    deadline = time.monotonic() + within
    while not ready():
        if time.monotonic() > deadline:
            return False
        pause(0.03)
    return True


class Child:
    """A program whose output goes to a file."""

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        environment: Mapping[str, str],
        log: Path,
        user: User | None = None,
        root: Path | None = None,
        death: signal.Signals = signal.SIGKILL,
    ) -> None:
        """Start a program; the kernel sends it the signal `death` when this process dies."""
        self._log = log
        with log.open("ab") as output:
            self._log_began = output.tell()
            self._process = subprocess.Popen(
                tether_command(command, user=user, root=root, death=death, files=MAX_FILES),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=clean_environment(environment),
                cwd="/",
            )
        self.pid = self._process.pid

    @property
    def ended(self) -> str | None:
        """The way it ended, as the end of a sentence; None while it runs."""
        code = self._process.poll()
        if code is None:
            return None
        if code < 0:
            return f"was killed by {signal.Signals(-code).name}"
        return f"ended with exit code {code}"

    @property
    def output(self) -> str:
        """The output of this program in the log."""
        with self._log.open("rb") as log:
            log.seek(self._log_began)
            return log.read(_MAX_LOG_BYTES).decode(errors="replace")

    @property
    def failed(self) -> bool:
        return bool(self._process.poll())

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def kill(self) -> None:
        self._process.kill()


def tether_command(
    command: Sequence[str | Path],
    *,
    user: User | None = None,
    root: Path | None = None,
    death: signal.Signals = signal.SIGKILL,
    files: int | None = None,
) -> list[str]:
    """Return a command that runs another one and ends it when this process dies."""
    orders = {
        "parent": os.getpid(),
        "signal": int(death),
        "uid": user.uid if user else None,
        "gid": user.gid if user else None,
        "files": files,
        "root": str(root) if root else None,
    }
    return [sys.executable, "-I", "-S", tether.__file__, json.dumps(orders), *map(str, command)]


def clean_environment(environment: Mapping[str, str]) -> dict[str, str]:
    return {**{name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}, **environment}


def reap_orphans(known: frozenset[int]) -> None:
    """Collect the exit codes of ended processes that children left to this process."""
    if not tether.LINUX:
        return
    with suppress(ChildProcessError):
        while ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            if ended.si_pid in known:
                return
            os.waitpid(ended.si_pid, os.WNOHANG)


def kill_orphans(known: frozenset[int]) -> bool:
    """Kill the processes that children left to this one (on Linux); return true if there were none."""
    orphans = [pid for pid in _children() if pid not in known]
    for pid in orphans:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
    return not orphans


def _children() -> Iterator[int]:
    if not tether.LINUX:
        return
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        with suppress(OSError):
            # The name of the program is in parentheses, and may itself hold any character.
            state = (folder / "stat").read_bytes().rpartition(b")")[2].split()
            if int(state[1]) == os.getpid():
                yield int(folder.name)


def summarize_log(text: str, *, lines: int = 6) -> str:
    """Return the lines of a log that most likely name the cause: the first complaints, or the last lines."""
    written = [line for raw in text.splitlines() if (line := _LOG_PREFIX.sub("", raw).rstrip()[:240])]
    complaints = [line for line in written if any(word in line.lower() for word in _COMPLAINT_WORDS)]
    chosen = complaints[:lines] or written[-lines:]
    return "\n".join(f"  {line}" for line in dict.fromkeys(chosen))


_LOG_PREFIX: Final = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\S* (?:(?=\[error\])\S+ <\S+>|\S+ \[\d+\])?\s*")
"""The time and process at the beginning of a line in the logs of RabbitMQ and PostgreSQL."""

_COMPLAINT_WORDS: Final = ("error", "fatal", "failed", "cannot", "invalid", "no setting", "attempted")
