"""The value of a sandbox: the addresses of its servers, and their state."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, field, fields
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar, Self

from attune_infra.dataclass import dataclass
from attune_infra.errors import ExitCode
from attune_infra.sandbox.rabbitmq import Installation, Node


class Status(StrEnum):
    """State of a sandbox: all, some or none of its servers run."""

    RUNNING = "running"
    PARTLY = "partly"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A node of RabbitMQ or the database of a sandbox, at one moment."""

    title: str
    version: str
    pid: int
    ended: str | None
    """The way it ended, such as `was killed by SIGKILL`; None while it runs."""
    ports: Mapping[str, int] = field(hash=False)
    log: Path
    node: str | None = None
    """Name of the node, if it is RabbitMQ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """A private RabbitMQ and perhaps PostgreSQL, at one moment; `find` returns the present state."""

    name: str
    bound: bool
    """True if it ends with the process that started it."""
    pid: int
    """Process id of the supervisor."""
    folder: Path
    amqp_url: str
    management_url: str
    database_url: str | None = field(repr=False)
    brokers: tuple[Server, ...]
    """The nodes of RabbitMQ; several form a cluster."""
    database: Server | None
    nodes: tuple[Node, ...] = field(repr=False)

    @property
    def broker(self) -> Server:
        """The first node."""
        return self.brokers[0]

    @property
    def node(self) -> Node:
        """The first node, with all that starts it and finds it."""
        return self.nodes[0]

    @property
    def servers(self) -> tuple[Server, ...]:
        return (*self.brokers, self.database) if self.database else self.brokers

    @property
    def status(self) -> Status:
        running = [server.ended is None for server in self.servers]
        if all(running):
            return Status.RUNNING
        return Status.PARTLY if any(running) else Status.STOPPED

    def environment(self) -> dict[str, str]:
        """Return the environment variables with which the program, and the platform itself, find this sandbox.

        Those that could lead elsewhere are empty.
        """
        return {
            "ATTUNE__MESSAGE_QUEUE__URL": self.amqp_url,
            "ATTUNE__MESSAGE_QUEUE__MANAGEMENT_URL": self.management_url,
            "ATTUNE__DATABASE__URL": self.database_url or "",
            "ATTUNE_INFRA_CONNECTION": "",
        }

    def rabbitmqctl(self, *arguments: str, within: float = 60.0) -> str:
        """Run rabbitmqctl on the first node and return its output; raise `SandboxError` with its complaint."""
        return self.node.rabbitmqctl(*arguments, within=within)

    def write(self) -> None:
        """Write the file that `read` reads; only the owner may read it, since it holds a password."""
        draft = self.folder / "state.draft"
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(asdict(self), default=str), encoding="utf-8")
        draft.replace(_file(self.folder))

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """Return the sandbox in a folder, also of another release; None if it is not written yet."""
        try:
            state = json.loads(_file(folder).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        database = state["database"]
        known = {
            **state,
            "folder": folder,
            # An earlier release had a single node.
            "brokers": tuple(map(_server, state.get("brokers") or [state["broker"]])),
            "database": _server(database) if database else None,
            "nodes": tuple(map(_node, state.get("nodes") or [state["node"]])),
        }
        return cls(**{each.name: known[each.name] for each in fields(cls) if each.name in known})


@dataclass(frozen=True, slots=True)
class Sandboxes:
    """The sandboxes of a user; with `must_run`, one that does not run, or none at all, is a failure."""

    sandboxes: tuple[Sandbox, ...] = ()
    must_run: bool = False

    @property
    def exit_code(self) -> ExitCode:
        runs = bool(self.sandboxes) and all(each.status is Status.RUNNING for each in self.sandboxes)
        return ExitCode.DONE if runs or not self.must_run else ExitCode.FAILED


@dataclass(frozen=True, slots=True)
class Variables:
    """The environment variables that lead to a sandbox; a password is among them."""

    exit_code: ClassVar[ExitCode] = ExitCode.DONE

    variables: Mapping[str, str] = field(repr=False)


def _server(state: dict[str, Any]) -> Server:
    names = {each.name for each in fields(Server)}
    return Server(**{name: value for name, value in state.items() if name in names} | {"log": Path(state["log"])})


def _node(state: dict[str, Any]) -> Node:
    installation = Installation(**state["installation"])
    return Node(**{**state, "installation": installation, "folder": Path(state["folder"])})


def _file(folder: Path) -> Path:
    return folder / "state.json"
