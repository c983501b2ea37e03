"""Starting, finding and ending sandboxes: all a caller does, and none of the supervising."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import IO, Final

from attune_infra.errors import SandboxError
from attune_infra.sandbox import folders
from attune_infra.sandbox.conversation import Conversation
from attune_infra.sandbox.processes import poll
from attune_infra.sandbox.value import Sandbox

Say = Callable[[str], None]

_SUPERVISOR: Final = (sys.executable, "-P", "-m", "attune_infra.sandbox.supervisor")

_STARTS_WITHIN: Final = 300.0
_OBEYS_WITHIN: Final = 240.0
_ENDS_WITHIN: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundSandbox(Sandbox):
    """A sandbox of this process, whose servers can be stopped and started for the sake of a test.

    Stopping is orderly, killing is not; starting goes on with the same data and the same ports. Each returns when
    it is done. What this value says about the processes is as of its making; `find` looks again.
    """

    _supervisor: Conversation = field(repr=False, compare=False)

    def stop_broker(self) -> None:
        self._ask("stop", "broker")

    def kill_broker(self) -> None:
        self._ask("kill", "broker")

    def start_broker(self) -> None:
        self._ask("start", "broker")

    def stop_database(self) -> None:
        self._ask("stop", "database")

    def kill_database(self) -> None:
        self._ask("kill", "database")

    def start_database(self) -> None:
        self._ask("start", "database")

    def _ask(self, what: str, server: str) -> None:
        self._supervisor.send(do=what, server=server)
        try:
            answer = self._supervisor.wait(within=_OBEYS_WITHIN)
        except TimeoutError:
            raise SandboxError(f"could not {what} the {server} within {_OBEYS_WITHIN:g} s") from None
        if answer is None:
            raise SandboxError(f"the sandbox is gone: its supervisor (process {self.pid}) ended")
        if "failed" in answer:
            raise SandboxError(answer["failed"], hint=answer["hint"])


@contextmanager
def bound(
    *,
    postgres: bool = True,
    rabbitmq_root: Path | None = None,
    extra_config: str = "",
    say: Say | None = None,
) -> Iterator[BoundSandbox]:
    """Give a sandbox for as long as the block lasts and this process lives, however it ends."""
    name = f"bound-{os.getpid()}-{secrets.token_hex(4)}"
    supervisor, process = _spawn(
        name, bound=True, postgres=postgres, rabbitmq_root=rabbitmq_root, extra_config=extra_config, say=say
    )
    try:
        found = find(name) if supervisor is not None else None
        if supervisor is None or found is None:
            raise SandboxError("the sandbox ended as soon as it was ready")
        values = {value.name: getattr(found, value.name) for value in fields(found)}
        yield BoundSandbox(**values, _supervisor=supervisor)
    finally:
        if supervisor is not None:
            supervisor.end()
        _see_end(process)
        folders.sweep()


def up(
    name: str = "default",
    *,
    postgres: bool = True,
    rabbitmq_root: Path | None = None,
    extra_config: str = "",
    say: Say | None = None,
) -> Sandbox:
    """Return the running sandbox of that name, started if need be; it lives until `down`.

    What is wanted of it counts only if it is started now.
    """
    deadline = time.monotonic() + _STARTS_WITHIN
    while time.monotonic() < deadline:
        if found := find(name):
            return found
        supervisor, process = _spawn(
            name, bound=False, postgres=postgres, rabbitmq_root=rabbitmq_root, extra_config=extra_config, say=say
        )
        _see_end(process)
        if supervisor is not None:
            supervisor.end()
            continue
        if say:
            say(f"sandbox {name} is being started by somebody else; waiting for it")
        poll(lambda: find(name) is not None or not folders.held(name), within=deadline - time.monotonic())
    raise SandboxError(f"sandbox {name} is not up after {_STARTS_WITHIN:g} s")


def down(name: str = "default", *, say: Say | None = None) -> bool:
    """End a sandbox and remove its data; return whether there was one."""
    folders.check_name(name)
    if not folders.held(name):
        if claim := folders.Claim.take(name):
            claim.release()
        return False
    if say:
        say(f"stopping sandbox {name}")
    poll(lambda: folders.holder(name) is not None or not folders.held(name), within=5.0)
    pid = folders.holder(name)
    for number in (signal.SIGTERM, signal.SIGKILL):
        if pid:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        if poll(lambda: not folders.held(name), within=_ENDS_WITHIN):
            folders.sweep()
            return True
    raise SandboxError(f"sandbox {name} does not end: process {pid} holds it")


def find(name: str = "default") -> Sandbox | None:
    """Return a sandbox as it is now; None if there is none of that name or it is not ready yet."""
    folders.check_name(name)
    return Sandbox.read(folders.folder_of(name)) if folders.held(name) else None


def running() -> tuple[Sandbox, ...]:
    """Return all sandboxes of this user, sorted by name."""
    return tuple(found for name in folders.names() if (found := find(name)))


def _spawn(
    name: str,
    *,
    bound: bool,
    postgres: bool,
    rabbitmq_root: Path | None,
    extra_config: str,
    say: Say | None,
) -> tuple[Conversation | None, subprocess.Popen[bytes]]:
    """Start a supervisor and return when everything is ready; no conversation if somebody holds the name."""
    folders.check_name(name)
    folders.sweep()
    ours, theirs = socket.socketpair()
    with theirs, tempfile.TemporaryFile() as complaints:
        process = subprocess.Popen(
            [*_SUPERVISOR, name],
            stdin=theirs.fileno(),
            stdout=subprocess.DEVNULL,
            stderr=complaints,
            env={**os.environ, "PYTHONPATH": _python_path()},
            cwd="/",
            start_new_session=True,
        )
        theirs.close()
        supervisor = Conversation(ours)
        try:
            supervisor.send(
                name=name,
                bound=bound,
                postgres=postgres,
                rabbitmq_root=str(rabbitmq_root.resolve()) if rabbitmq_root else None,
                extra_config=extra_config,
            )
            if _hear_of_start(supervisor, complaints, say):
                return supervisor, process
        except BaseException:
            supervisor.end()
            _see_end(process)
            poll(lambda: not folders.held(name), within=_ENDS_WITHIN)
            folders.sweep()
            raise
    supervisor.end()
    return None, process


def _hear_of_start(supervisor: Conversation, complaints: IO[bytes], say: Say | None) -> bool:
    while True:
        try:
            words = supervisor.wait(within=_STARTS_WITHIN)
        except TimeoutError:
            raise SandboxError(f"the sandbox is not up after {_STARTS_WITHIN:g} s") from None
        match words:
            case None:
                complaints.seek(0)
                text = complaints.read().decode(errors="replace").strip()
                raise SandboxError(f"the sandbox's supervisor ended before all was ready\n{text}".rstrip())
            case {"say": str(sentence)} if say:
                say(sentence)
            case {"failed": str(sentence), "hint": hint}:
                raise SandboxError(sentence, hint=hint)
            case {"taken": _}:
                return False
            case {"ready": _}:
                return True


def _python_path() -> str:
    """Return a PYTHONPATH on which the supervisor finds this very package."""
    package = Path(__file__).parents[2]
    return os.pathsep.join(filter(None, [str(package), os.environ.get("PYTHONPATH", "")]))


def _see_end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(timeout=_ENDS_WITHIN)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
