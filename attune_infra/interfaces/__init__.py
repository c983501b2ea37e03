"""The protocols of what the program needs from outside: a broker, a worker's queues, a registry, a sandbox.

`operations` and `worker` take objects of these shapes. `broker`, `registry` and `sandbox` have the real ones. The
protocols about single messages are in `messages`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from attune_infra.errors import ExitCode
    from attune_infra.fleet.deregister import DeregisteredWorkers
    from attune_infra.fleet.metrics import QueueStatistics
    from attune_infra.fleet.model import Depth, Member
    from attune_infra.fleet.queues import Numbers
    from attune_infra.fleet.register import RegisteredWorker, RegisteredWorkers, Registration
    from attune_infra.fleet.registry import RegistryTable
    from attune_infra.messages.moving import Moved, Orders
    from attune_infra.topology.diff import Create, Update
    from attune_infra.topology.doctor.diagnosis import Check
    from attune_infra.topology.doctor.seen import Registry, Seen
    from attune_infra.topology.facts.permissions import Right
    from attune_infra.topology.facts.quorum import Members
    from attune_infra.topology.facts.refusals import Restrictions
    from attune_infra.topology.facts.trials import Trial
    from attune_infra.topology.model import Binding, Exchange, Message, Queue, Topology, TopologyObject
    from attune_infra.topology.permissions.needs import Need
    from attune_infra.topology.planning.obstacles import Contents
    from attune_infra.topology.planning.report import Outcome
    from attune_infra.topology.probe import Arrival
    from attune_infra.topology.target import Target


class Broker(Protocol):
    """One virtual host of a RabbitMQ: read it and change it."""

    def check_http(self) -> str:
        """Return RabbitMQ's version from the management API; raise `BrokerError` if it does not answer."""
        ...

    def check_amqp(self) -> str:
        """Return RabbitMQ's version from the AMQP handshake; raise `BrokerError` if it does not answer."""
        ...

    def target(self) -> Target:
        """Return the broker as the management API names it; raise `BrokerError` if it does not answer."""
        ...

    def check_same_cluster(self) -> None:
        """Raise `WrongTarget` if AMQP and the management API lead to different brokers."""
        ...

    def read(self, *, private: bool = False, controls: Collection[str] = ()) -> Topology:
        """Return the objects of the virtual host, without RabbitMQ's own.

        Private queues (exclusive or server-named), objects of plugins, and the bindings of both are hidden in the
        topology, unless `private` is set. Limits and permissions are read only if their kind is among `controls`;
        raise `AccessRefused` if this user may not see them.
        """
        ...

    def restrictions(self) -> Restrictions:
        """Return the configuration that makes the broker refuse objects, as far as the user may know it."""
        ...

    def check_declaring(self, wanted: Iterable[TopologyObject]) -> None:
        """Raise `BrokerError` if the connection that declares these objects cannot be opened."""
        ...

    def apply(self, changes: Iterable[Create | Update]) -> Iterator[Outcome]:
        """Make changes and yield the outcome of each; raise `BrokerError` if not even the first can be tried.

        A failed change stops only the changes that depend on it. These are skipped, with the reason.
        """
        ...

    def delete(self, items: Iterable[TopologyObject], *, even_if_used: bool) -> Iterator[Outcome]:
        """Delete objects in this order and yield the outcome of each.

        Without `even_if_used`, each object is checked just before its deletion: a queue with messages or
        consumers, and an exchange with bindings, is kept.
        """
        ...

    def contents(self, queue: str) -> tuple[int | None, int | None]:
        """Return the numbers of messages and consumers of a queue; None for a number that is unknown.

        The consumers of a classic queue with an expiry are unknown: counting them would restart its expiry. So are
        those of a stream, and both numbers of a quorum queue without a leader.
        """
        ...

    def contents_at_most(self, queues: Collection[str]) -> Mapping[str, tuple[int | None, int | None]]:
        """Return upper bounds of the messages in queues now, unacknowledged ones included, and their consumers.

        A number is None if no bound is certain, and a queue is left out if nothing is known about it.
        """
        ...


class Counts(Protocol):
    """The numbers that RabbitMQ keeps of queues."""

    def depths(self) -> Mapping[str, Depth]:
        """Return the number of messages in each queue now; queues that cannot be counted are missing."""
        ...

    def consumer_tags(self, queues: Collection[str]) -> Mapping[str, tuple[str, ...]]:
        """Return the consumer tags of each queue from the statistics, which lag about 6 seconds behind.

        They are those of all users. For a user without the tag monitoring, each queue takes a request.
        """
        ...

    def consumer_counts(self, queues: Collection[str]) -> Mapping[str, int]:
        """Return the exact number of consumers of each queue now; missing queues are left out.

        Counting restarts the expiry of a classic queue that has one, so do not pass such queues.
        """
        ...


class Statistics(Protocol):
    """The statistics that RabbitMQ keeps of queues."""

    def statistics(self, queues: Collection[str]) -> Mapping[str, QueueStatistics]:
        """Return the statistics of these queues; missing queues are left out."""
        ...


class WatchedBroker(Protocol):
    """A broker whose queues are watched."""

    def read(self, *, private: bool = False, controls: Collection[str] = ()) -> Topology:
        """Return the objects of the virtual host, as `Broker.read` does."""
        ...

    def numbers(self, on_progress: Callable[[int, int], None]) -> Mapping[str, Numbers]:
        """Return the statistics of each queue; tell the progress: (done, total)."""
        ...


class Messages(Protocol):
    """The way of messages into a virtual host."""

    def publish(self, exchange: str, routing_key: str, body: str, *, message_id: str) -> bool:
        """Publish a persistent JSON message; return, after the confirm, whether it reached a queue."""
        ...

    def throwaway(self) -> AbstractContextManager[ProbeBroker]:
        """Make an empty virtual host for one block, and remove it with its contents afterwards.

        Raise `AccessRefused` if the user may not make virtual hosts.
        """
        ...

    def arrivals(self, messages: Sequence[Message], queues: Collection[str]) -> Sequence[Arrival]:
        """Publish messages and return, for each, the queues it arrived in. This empties the queues."""
        ...


class Mover(Protocol):
    """A move of messages out of one queue."""

    @property
    def is_settled(self) -> bool:
        """True if the ledger can be deleted: each message that was sent has been taken from the queue."""
        ...

    @property
    def left(self) -> Sequence[bytes]:
        """Fingerprints of messages that an earlier run has sent, and that others took out of the source too."""
        ...

    def run(self, *, enough: int = 0) -> Moved:
        """Move until at most `enough` messages are ready in the source, or the limit is reached.

        Return the numbers of all runs of this mover. Raise `BrokerError`: what was moved by then stays so, and
        another mover continues.
        """
        ...


class MovingBroker(Broker, Protocol):
    """A broker that moves messages between its queues."""

    def weigh(self, queue: str) -> Contents:
        """Return the contents of a queue, and the room of the broker; what this user may not know is None."""
        ...

    def lacking(self, needs: Sequence[Need]) -> Sequence[Check]:
        """Return a finding for each user who lacks some of these needs, as far as that can be known beforehand."""
        ...

    def carry(self, ledger: str, prints: Sequence[bytes]) -> None:
        """Note in the ledger of the next move that these messages go no further."""
        ...

    def last_offset(self, stream: str) -> int:
        """Return the offset of the last message in a stream; -1 if it is empty."""
        ...

    def unbind(self, binding: Binding) -> None:
        """Delete a binding at once, without reading back; raise `BrokerError` with the broker's reason."""
        ...

    def moving(self, orders: Orders, on_progress: Callable[[Moved], None] = ...) -> AbstractContextManager[Mover]:
        """Declare the ledger, and yield a mover; raise `InUse` if another one moves the same queue now.

        The ledger is left; delete it when the move is complete.
        """
        ...


class CountingBroker(Broker, Counts, Protocol):
    """A broker that also counts."""


class AskedBroker(Protocol):
    """A broker that is asked and set up over AMQP alone, while its management API does not answer."""

    def amqp_target(self) -> Target:
        """Return the broker as the AMQP handshake names it; raise `BrokerError` if it does not answer."""
        ...

    def look_over_amqp(self, items: Iterable[Exchange | Queue]) -> Mapping[Exchange | Queue, Trial]:
        """Return which objects exist, and compare none; raise `BrokerError`."""
        ...

    def try_over_amqp(self, items: Iterable[Exchange | Queue]) -> Mapping[Exchange | Queue, Trial]:
        """Return what AMQP alone tells of each object, and change none; raise `BrokerError`."""
        ...

    def declare_over_amqp(self, items: Iterable[Exchange | Queue | Binding]) -> Iterator[Outcome]:
        """Declare objects and yield the outcome of each, `CREATED` for one that existed too, and was equal."""
        ...


class VerifiedBroker(CountingBroker, Protocol):
    """A broker that also tells something of objects while its management API does not answer."""

    def try_over_amqp(self, items: Iterable[Exchange | Queue]) -> Mapping[Exchange | Queue, Trial]:
        """Return what AMQP alone tells of each object, and change none; raise `BrokerError`."""
        ...


class MeasuredBroker(CountingBroker, Statistics, Protocol):
    """A broker that also has statistics."""


class ReplicatedBroker(Protocol):
    """A broker that tells the members of replicated queues."""

    def members(self) -> Mapping[str, Members | None]:
        """Return the members of each quorum queue and stream, None if they are unknown; raise `BrokerError`."""
        ...


class ProbeBroker(Broker, Messages, Protocol):
    """A broker that also takes messages."""


class BrokerExaminer(Protocol):
    """A way to ask a broker for everything that `doctor` judges."""

    def look(self, rights: Iterable[Right]) -> Seen:
        """Return the broker's answers; a failure is an answer too. Rights that may not be read are tried."""
        ...


class RegistryExaminer(Protocol):
    """A way to ask a database for everything that `doctor` judges."""

    def look(self) -> Registry:
        """Return the database's answers; raise `RegistryError` if it gives none."""
        ...


class WorkerRegistry(Protocol):
    """The table of workers."""

    def create(self) -> RegistryTable:
        """Create the table; leave an existing one unchanged."""
        ...

    def register(self, registration: Registration) -> RegisteredWorker:
        """Insert a worker, or update the row with its name. One name never has two rows."""
        ...

    def register_new(self, names: Sequence[str], described: Registration) -> RegisteredWorkers:
        """Insert a worker for each name, all described alike; insert none if one of the names has a row."""
        ...

    def registering(self, registration: Registration) -> AbstractContextManager[RegisteredWorker]:
        """Register a worker for one block, and undo it if the block fails."""
        ...

    def workers(self) -> Mapping[int, Member]:
        """Return all workers by id."""
        ...

    def heartbeat(self, worker_id: int) -> bool:
        """Record a heartbeat; return False if the worker is not registered."""
        ...

    def deregister(self, worker_ids: Collection[int] = (), names: Collection[str] = ()) -> DeregisteredWorkers:
        """Set workers inactive and return them.

        Raise `WorkerNotRegistered`, and change nothing, if one of them is unknown.
        """
        ...

    def missing(self, worker_ids: Collection[int]) -> tuple[int, ...]:
        """Return the ids that are not registered, in ascending order."""
        ...


class Server(Protocol):
    """The RabbitMQ or PostgreSQL of a sandbox, at one moment."""

    @property
    def title(self) -> str: ...

    @property
    def version(self) -> str: ...

    @property
    def pid(self) -> int: ...

    @property
    def ended(self) -> str | None:
        """The way it ended, such as `was killed by SIGKILL`; None while it runs."""

    @property
    def ports(self) -> Mapping[str, int]: ...

    @property
    def log(self) -> Path: ...

    @property
    def node(self) -> str | None:
        """Name of the node, if it is RabbitMQ."""


class SandboxState(Protocol):
    """The public part of a sandbox: no passwords."""

    @property
    def name(self) -> str: ...

    @property
    def status(self) -> str:
        """`running`, `partly` or `stopped`."""

    @property
    def servers(self) -> Sequence[Server]: ...


class SandboxStates(Protocol):
    """The sandboxes of a user, as a command shows them."""

    @property
    def sandboxes(self) -> Sequence[SandboxState]: ...

    @property
    def exit_code(self) -> ExitCode: ...


class SandboxVariables(Protocol):
    """The environment variables that lead to a sandbox."""

    @property
    def variables(self) -> Mapping[str, str]: ...

    @property
    def exit_code(self) -> ExitCode: ...
