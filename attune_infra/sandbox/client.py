"""Functions to start, find and end sandboxes; `supervisor.py` runs them."""

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
from dataclasses import asdict, field, fields
from pathlib import Path
from typing import IO, Final

from attune_infra.dataclass import dataclass
from attune_infra.errors import SandboxError
from attune_infra.sandbox import folders
from attune_infra.sandbox.conversation import Conversation
from attune_infra.sandbox.processes import poll
from attune_infra.sandbox.value import Sandbox
from attune_infra.topology.words import counted

Say = Callable[[str], None]

_SUPERVISOR: Final = (sys.executable, "-P", "-m", "attune_infra.sandbox.supervisor")

MAX_NODES: Final = 5
"""Nodes of one sandbox: more of them test nothing else, and each takes some 100 MB of memory."""

_START_TIMEOUT: Final = 300.0
_ANSWER_TIMEOUT: Final = 240.0
_END_TIMEOUT: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundSandbox(Sandbox):
    """A sandbox of this process, whose servers a test can stop and start.

    A server stops in order, or is killed, and starts again with the same data and ports. Each method returns when
    it is done. The processes in this value are those of its creation; `find` returns the present ones.
    """

    _supervisor: Conversation = field(repr=False, compare=False)

    def stop_broker(self, node: int | None = None) -> None:
        """Stop all nodes, or the one of a number, from 1 on; wait until the others have noticed."""
        self._ask("stop", "broker", node)

    def kill_broker(self, node: int | None = None) -> None:
        """Kill all nodes, or the one of a number; wait until the others have noticed."""
        self._ask("kill", "broker", node)

    def start_broker(self, node: int | None = None) -> None:
        """Start all nodes, or the one of a number; wait until it sees the running ones."""
        self._ask("start", "broker", node)

    def stop_database(self) -> None:
        self._ask("stop", "database")

    def kill_database(self) -> None:
        self._ask("kill", "database")

    def start_database(self) -> None:
        self._ask("start", "database")

    def _ask(self, what: str, server: str, node: int | None = None) -> None:
        self._supervisor.send(do=what, server=server, node=node)
        try:
            answer = self._supervisor.wait(within=_ANSWER_TIMEOUT)
        except TimeoutError:
            raise SandboxError(f"could not {what} the {server} within {_ANSWER_TIMEOUT:g} s") from None
        if answer is None:
            raise SandboxError(f"the sandbox ended: its supervisor (process {self.pid}) ended")
        if "failed" in answer:
            raise SandboxError(answer["failed"], hint=answer["hint"])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """The first message to a supervisor: the sandbox to start."""

    name: str
    bound: bool
    postgres: bool
    nodes: int
    rabbitmq_root: str | None
    extra_config: str


@contextmanager
def bound(
    name: str | None = None,
    *,
    postgres: bool = True,
    nodes: int = 1,
    rabbitmq_root: Path | None = None,
    extra_config: str = "",
    say: Say | None = None,
) -> Iterator[BoundSandbox]:
    """Yield a sandbox that ends with the block, or with this process, even if it is killed.

    Raise `SandboxError` if one with the name is running; without a name, it gets one of its own.
    """
    name = name or f"bound-{os.getpid()}-{secrets.token_hex(4)}"
    request = _Request(
        name=name,
        bound=True,
        postgres=postgres,
        nodes=_check_nodes(nodes),
        rabbitmq_root=_resolve(rabbitmq_root),
        extra_config=extra_config,
    )
    supervisor, process = _spawn(request, say)
    if supervisor is None and find(name) is not None:
        raise SandboxError(f"sandbox '{name}' is running already", hint="choose another --name, or stop it first")
    try:
        found = find(name) if supervisor is not None else None
        if supervisor is None or found is None:
            raise SandboxError("the sandbox ended right after it was ready")
        values = {value.name: getattr(found, value.name) for value in fields(found)}
        yield BoundSandbox(**values, _supervisor=supervisor)
    finally:
        if supervisor is not None:
            supervisor.end()
        _wait_for_end(process)
        folders.sweep()


def up(
    name: str = "default",
    *,
    postgres: bool = True,
    nodes: int | None = None,
    rabbitmq_root: Path | None = None,
    extra_config: str = "",
    say: Say | None = None,
) -> Sandbox:
    """Return the running sandbox of a name, or start it; it runs until `down`.

    The options have no effect on a sandbox that is running already, but if it has another number of nodes than
    wanted, raise `SandboxError`.
    """
    request = _Request(
        name=name,
        bound=False,
        postgres=postgres,
        nodes=_check_nodes(nodes or 1),
        rabbitmq_root=_resolve(rabbitmq_root),
        extra_config=extra_config,
    )
    deadline = time.monotonic() + _START_TIMEOUT
    while time.monotonic() < deadline:
        if found := find(name):
            return _check_size(found, nodes)
        supervisor, process = _spawn(request, say)
        _wait_for_end(process)
        if supervisor is not None:
            supervisor.end()
            continue
        if say:
            say(f"another process is starting sandbox {name}; waiting for it")
        poll(lambda: find(name) is not None or not folders.is_held(name), within=deadline - time.monotonic())
    raise SandboxError(f"sandbox {name} was not ready within {_START_TIMEOUT:g} s")


def down(name: str = "default", *, say: Say | None = None) -> bool:
    """End a sandbox and remove its data; return false if there was none."""
    folders.check_name(name)
    if not folders.is_held(name):
        if claim := folders.Claim.take(name):
            claim.release()
        return False
    poll(lambda: folders.holder(name) is not None or not folders.is_held(name), within=5.0)
    pid = folders.holder(name)
    if pid is None and not folders.is_held(name):  # another process was removing what a dead one left
        return False
    if say:
        say(f"stopping sandbox {name}")
    for number in (signal.SIGTERM, signal.SIGKILL):
        if pid:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        if poll(lambda: not folders.is_held(name), within=_END_TIMEOUT):
            folders.sweep()
            return True
    raise SandboxError(f"sandbox {name} does not end: process {pid} is still running")


def find(name: str = "default") -> Sandbox | None:
    """Return the present state of a sandbox; None if there is none of that name or it is not ready yet."""
    folders.check_name(name)
    return Sandbox.read(folders.folder_of(name)) if folders.is_held(name) else None


def running() -> tuple[Sandbox, ...]:
    """Return all sandboxes of this user, by name."""
    return tuple(found for name in folders.names() if (found := find(name)))


def _spawn(request: _Request, say: Say | None) -> tuple[Conversation | None, subprocess.Popen[bytes]]:
    """Start a supervisor and wait until its servers are ready; no conversation if another one has the name."""
    folders.check_name(request.name)
    folders.sweep()
    ours, theirs = socket.socketpair()
    with theirs, _open_complaints() as complaints:
        process = subprocess.Popen(
            [*_SUPERVISOR, request.name],
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
            supervisor.send(**asdict(request))
            if _wait_for_start(supervisor, complaints, say):
                return supervisor, process
        except BaseException:
            supervisor.end()
            _wait_for_end(process)
            poll(lambda: not folders.is_held(request.name), within=_END_TIMEOUT)
            folders.sweep()
            raise
    supervisor.end()
    return None, process


def _open_complaints() -> IO[bytes]:
    try:
        return tempfile.TemporaryFile()
    except OSError as error:
        raise folders.no_place(error) from error


def _wait_for_start(supervisor: Conversation, complaints: IO[bytes], say: Say | None) -> bool:
    while True:
        try:
            words = supervisor.wait(within=_START_TIMEOUT)
        except TimeoutError:
            raise SandboxError(f"the sandbox was not ready within {_START_TIMEOUT:g} s") from None
        match words:
            case None:
                complaints.seek(0)
                text = complaints.read().decode(errors="replace").strip()
                raise SandboxError(f"the supervisor of the sandbox ended before it was ready\n{text}".rstrip())
            case {"say": str(sentence)} if say:
                say(sentence)
            case {"failed": str(sentence), "hint": hint}:
                raise SandboxError(sentence, hint=hint)
            case {"taken": _}:
                return False
            case {"ready": _}:
                return True


def _check_nodes(nodes: int) -> int:
    if not 1 <= nodes <= MAX_NODES:
        raise SandboxError(
            f"a sandbox cannot have {counted(nodes, 'node')}",
            hint=f"give a number from 1 to {MAX_NODES}; 3 are enough for a majority without one of them",
        )
    return nodes


def _check_size(found: Sandbox, nodes: int | None) -> Sandbox:
    if nodes is not None and nodes != len(found.brokers):
        raise SandboxError(
            f"sandbox '{found.name}' is running already, with {counted(len(found.brokers), 'node')}, not {nodes}",
            hint=f"choose another --name, or stop it first: attune-infra sandbox down --name {found.name}",
        )
    return found


def _resolve(root: Path | None) -> str | None:
    return str(root.resolve()) if root else None


def _python_path() -> str:
    """Return a PYTHONPATH with which the supervisor imports this same package."""
    package = Path(__file__).parents[2]
    return os.pathsep.join(filter(None, [str(package), os.environ.get("PYTHONPATH", "")]))


def _wait_for_end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(timeout=_END_TIMEOUT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
