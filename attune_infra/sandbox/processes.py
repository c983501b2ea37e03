"""Child processes that never outlive this one, and their last words."""

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
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from attune_infra.sandbox import tether

_KEPT: Final = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
"""What Python itself may need to start; everything else of the environment stays outside."""


FILES: Final = 65_536
"""How many files a server may open. Erlang closes all it might have at its start: a billion in some containers."""

_ENOUGH: Final = 1_000_000


class DidNotStart(Exception):
    """A program that had to come to a good end did not; the text is the end of a sentence."""


class Wait(Protocol):
    def __call__(self, ready: Callable[[], bool], *, within: float) -> bool:
        """Return whether it became true in time; raise if waiting has lost its point."""


@dataclass(frozen=True, slots=True)
class User:
    """The user a program runs as when we are root and it must not be."""

    uid: int
    gid: int


def poll(ready: Callable[[], bool], *, within: float, pause: Callable[[float], None] = time.sleep) -> bool:
    """Ask again and again; return whether it became true in time."""
    deadline = time.monotonic() + within
    while not ready():
        if time.monotonic() > deadline:
            return False
        pause(0.03)
    return True


class Child:
    """A running program whose output goes to a file."""

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
        """Start a program; `death` is the signal it gets when this process dies."""
        self._log = log
        with log.open("ab") as output:
            self._log_began = output.tell()
            self._process = subprocess.Popen(
                tethered(command, user=user, root=root, death=death, files=FILES),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=clean_environment(environment),
                cwd="/",
            )
        self.pid = self._process.pid

    @property
    def ended(self) -> str | None:
        """How it ended, as the end of a sentence; None while it runs."""
        code = self._process.poll()
        if code is None:
            return None
        if code < 0:
            return f"was killed by {signal.Signals(-code).name}"
        return f"ended with exit code {code}"

    @property
    def said(self) -> str:
        """What was written to the log since its start."""
        with self._log.open("rb") as log:
            log.seek(self._log_began)
            return log.read(_ENOUGH).decode(errors="replace")

    @property
    def failed(self) -> bool:
        return bool(self._process.poll())

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def kill(self) -> None:
        self._process.kill()


def tethered(
    command: Sequence[str | Path],
    *,
    user: User | None = None,
    root: Path | None = None,
    death: signal.Signals = signal.SIGKILL,
    files: int | None = None,
) -> list[str]:
    """Return a command that runs another one for as long as this process lives."""
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
    return {**{name: os.environ[name] for name in _KEPT if name in os.environ}, **environment}


def reap_orphans(known: frozenset[int]) -> None:
    """Let go of what our children left to us and ended by itself."""
    if not tether.LINUX:
        return
    with suppress(ChildProcessError):
        while ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            if ended.si_pid in known:
                return
            os.waitpid(ended.si_pid, os.WNOHANG)


def clear_orphans(known: frozenset[int]) -> bool:
    """Kill what our children left to us; return whether none is left. Only Linux hands them to us."""
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
            # The name of the program stands in parentheses and may hold anything.
            state = (folder / "stat").read_bytes().rpartition(b")")[2].split()
            if int(state[1]) == os.getpid():
                yield int(folder.name)


def last_words(text: str, *, lines: int = 6) -> str:
    """Return the lines of a log that are most likely to say what went wrong: its first complaints, or its end."""
    written = [line for raw in text.splitlines() if (line := _PREFIX.sub("", raw).rstrip()[:240])]
    telling = [line for line in written if any(word in line.lower() for word in _TELLING)]
    return "\n".join(f"  {line}" for line in dict.fromkeys(telling[:lines] or written[-lines:]))


_PREFIX: Final = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\S* (?:(?=\[error\])\S+ <\S+>|\S+ \[\d+\])?\s*")
"""The time and process before what RabbitMQ complains of, and before what PostgreSQL says."""

_TELLING: Final = ("error", "fatal", "failed", "cannot", "invalid", "no setting", "attempted")
