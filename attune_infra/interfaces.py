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

from attune_infra.errors import ExitCode

if TYPE_CHECKING:
    from attune_infra.fleet.fleet import Depth, Fleet, Member
    from attune_infra.topology.diff import Create, Update
    from attune_infra.topology.model import Argument, Message, Topology, TopologyObject
    from attune_infra.topology.probe import Arrival
    from attune_infra.topology.report import Outcome, Provisioned


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

    def depths(self) -> Mapping[str, Depth]:
        """Return how many messages each queue holds now; what cannot be counted is left out."""
        ...

    def publish(self, exchange: str, routing_key: str, body: str, *, message_id: str) -> bool:
        """Publish a persistent JSON message and return, once it is confirmed, whether it reached any queue."""
        ...


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message that was handed to us and is ours until it is acknowledged, rejected, or the connection lost."""

    body: bytes
    name: str
    """What to call it in a log."""
    receipt: object = field(repr=False)


class Inbox(Protocol):
    """The queues of one worker, consumed."""

    def open(self, worker_id: int) -> tuple[str, ...]:
        """Make sure of the base topology and of what the worker owns, and consume.

        Return what of the base could not be made sure of. Raise `QueueDenied` if the worker cannot have its own,
        `BrokerError` if it is worth trying again.
        """
        ...

    def close(self) -> None:
        """Close the connection; what is not settled goes back to its queue, if that survives."""
        ...

    def abandon(self) -> None:
        """Do the same without waiting for the broker's goodbye."""
        ...

    def fileno(self) -> int:
        """Return what becomes readable when something has arrived."""
        ...

    def receive(self) -> Sequence[Delivery]:
        """Return what has arrived, without waiting, and tell the broker that we are alive."""
        ...

    def acknowledge(self, delivery: Delivery) -> bool:
        """Return whether that was still possible: the delivery may be one of a lost connection."""
        ...

    def reject(self, delivery: Delivery, reason: str) -> bool:
        """Hand a message to the dead letter exchange, and know that it arrived there; return as `acknowledge`.

        Raise `RequestRefused` if it leads to no queue; then the message is still ours.
        """
        ...

    def retire(self) -> None:
        """See to it that no new messages come, and that none is lost when we stop consuming."""
        ...

    def is_empty(self) -> bool:
        """Return whether nothing is left for us in a queue that goes when we stop consuming."""
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
class Enlisted:
    """What became of a worker that was to be registered and provisioned; neither, unless `registered`."""

    worker: RegisteredWorker
    provisioned: Provisioned
    registered: bool

    @property
    def exit_code(self) -> ExitCode:
        return ExitCode.DONE if self.registered else ExitCode.FAILED


@dataclass(frozen=True, slots=True, kw_only=True)
class Deregistered:
    """A row of the registry whose worker is no longer active."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class DeregisteredWorkers:
    """Those of one command."""

    workers: tuple[Deregistered, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    """A message that was published for a worker; `routed` says whether it reached any queue."""

    worker_id: int
    exchange: str
    routing_key: str
    message_id: str
    routed: bool

    @property
    def exit_code(self) -> ExitCode:
        return ExitCode.DONE if self.routed else ExitCode.DRIFT


@dataclass(frozen=True, slots=True)
class Measurement:
    """One look at the fleet, None where broker or registry were away, and how long it took."""

    fleet: Fleet | None
    seconds: float


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

    def registering(self, registration: Registration) -> AbstractContextManager[RegisteredWorker]:
        """Register a worker, and undo that if the block fails."""
        ...

    def workers(self) -> Mapping[int, Member]:
        """Return all workers by their ids."""
        ...

    def heartbeat(self, worker_id: int) -> bool:
        """Note that a worker is alive; return whether it is registered."""
        ...

    def deregister(self, worker_ids: Collection[int] = (), names: Collection[str] = ()) -> DeregisteredWorkers:
        """Set workers inactive and return them.

        Change nothing and raise `WorkerNotRegistered` if one is unknown.
        """
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
