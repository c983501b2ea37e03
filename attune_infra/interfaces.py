"""What the program needs from outside, and nothing more.

`operations` and `worker` are handed things of these shapes; `broker` and `registry` are the real ones.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from attune_infra.topology.diff import Create, Update
    from attune_infra.topology.model import Argument, Message, Topology, TopologyObject
    from attune_infra.topology.probe import Arrival
    from attune_infra.topology.report import Outcome


class Broker(Protocol):
    """One virtual host of a RabbitMQ."""

    def check_http(self) -> str:
        """Return RabbitMQ's version as the management API tells it; raise `BrokerError` if it does not."""
        ...

    def check_amqp(self) -> str:
        """Return RabbitMQ's version as the AMQP handshake tells it; raise `BrokerError` if it does not."""
        ...

    def read(self, *, private: bool = False) -> Topology:
        """Return what the virtual host holds, without what RabbitMQ itself put there.

        Queues that are exclusive or server-named are nobody's topology, and only with `private` among it.
        """
        ...

    def check_allowed(self, wanted: Iterable[TopologyObject]) -> None:
        """Raise `FeatureDenied` if it is known that the broker does not allow what is wanted, to anybody."""
        ...

    def apply(self, changes: Iterable[Create | Update]) -> Iterator[Outcome]:
        """Make changes and yield what became of each; raise `BrokerError` if it cannot even begin.

        A failure stops nothing but what depends on it: that is skipped, with the reason.
        """
        ...

    def delete(self, items: Iterable[TopologyObject], *, even_if_used: bool) -> Iterator[Outcome]:
        """Delete things in this order and yield what became of each.

        Unless `even_if_used` is set, each is looked at again just before: a queue that holds messages or has
        consumers, or an exchange with bindings, is kept.
        """
        ...

    def contents(self, queue: str) -> tuple[int | None, int | None]:
        """Return how many messages a queue holds and how many consumers it has; None for what is not known.

        How many consume from a queue with an expiry cannot be asked without starting its lease anew.
        """
        ...

    def consumer_tags(self, queues: Collection[str]) -> Mapping[str, tuple[str, ...]]:
        """Return the tags of each queue's consumers, as the statistics know them: some 6 seconds late."""
        ...

    def consumer_counts(self, queues: Collection[str]) -> Mapping[str, int]:
        """Return how many consumers each queue has, exactly and now; what is not there is left out.

        Asking starts the lease of a queue with an expiry anew, so do not ask for such.
        """
        ...

    def throwaway(self) -> AbstractContextManager[Broker]:
        """Give another virtual host, empty, which is removed with all that is in it at the end of the block.

        Raise `AccessRefused` if the user may not make any.
        """
        ...

    def arrivals(self, messages: Sequence[Message], queues: Collection[str]) -> Sequence[Arrival]:
        """Publish messages and return for each in which of the queues it arrived; they are emptied by that."""
        ...


class WorkerType(StrEnum):
    """Where a worker runs, as the platform's database knows it."""

    LOCAL = "local"
    REMOTE = "remote"
    CONTAINER = "container"


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What a worker says of itself. None leaves what the registry holds, or its default, as it is."""

    name: str
    worker_type: WorkerType | None = None
    host: str | None = None
    port: int | None = None
    capabilities: Mapping[str, Argument] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredWorker:
    """A row of the registry. `new` says whether this registration made it."""

    id: int
    name: str
    created: datetime
    new: bool


@dataclass(frozen=True, slots=True)
class RegistryTable:
    """The table `worker`; `new` says whether it was made just now."""

    new: bool


class WorkerRegistry(Protocol):
    """The table of workers."""

    def create(self) -> RegistryTable:
        """Make the table if there is none; one that exists is left as it is."""
        ...

    def register(self, registration: Registration) -> RegisteredWorker:
        """Insert a worker, or update the one of that name, and return it; one name is one row at any time."""
        ...

    def missing(self, worker_ids: Collection[int]) -> tuple[int, ...]:
        """Return those of the ids that are not registered, in ascending order."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """The broker or the database of a sandbox, as it was when looked at."""

    title: str
    version: str
    pid: int
    ended: str | None
    """How it ended, such as `was killed by SIGKILL`; None while it runs."""
    ports: Mapping[str, int] = field(hash=False)
    log: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxState:
    """What may be shown of a sandbox; `status` is `running`, `partly` or `stopped`."""

    name: str
    status: str
    servers: tuple[Server, ...]


@dataclass(frozen=True, slots=True)
class SandboxStates:
    """The sandboxes of a user."""

    sandboxes: tuple[SandboxState, ...]


@dataclass(frozen=True, slots=True)
class SandboxVariables:
    """The environment by which a sandbox is found."""

    variables: Mapping[str, str] = field(repr=False)
