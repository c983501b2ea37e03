"""The fleet: what the registry and the broker say of each worker, joined, and where the two disagree.

A worker is expected to work while its status is active or busy, and gone when it is inactive or has no row at all.
Of one in error nothing is expected, and nothing of its own is taken away.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from attune_infra.topology.diff import Changed, Create, Difference, Recreate, compare
from attune_infra.topology.model import Binding, Queue, Topology, WorkerFamily, binding_order, label
from attune_infra.topology.verify import HEALTHY_STATES, Check, Verdict, Verification
from attune_infra.topology.worker import consumer_tag_of, owner_of, topology_of_workers, worker_family

_EXPECTED: Final = frozenset({"active", "busy"})
_GONE: Final = frozenset({"inactive", None})


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A worker as the registry knows it; the age of its heartbeat is in seconds, by the database's clock."""

    id: int
    name: str
    status: str
    heartbeat_age: float | None
    cordoned: bool = False

    @property
    def expected(self) -> bool:
        return self.status in _EXPECTED


@dataclass(frozen=True, slots=True)
class Depth:
    """How many messages a queue holds: waiting, and handed to a consumer that has not acknowledged them."""

    ready: int = 0
    unacknowledged: int = 0

    def __add__(self, other: Depth) -> Depth:
        return Depth(self.ready + other.ready, self.unacknowledged + other.unacknowledged)

    def __bool__(self) -> bool:
        return bool(self.total)

    @property
    def total(self) -> int:
        return self.ready + self.unacknowledged

    def __str__(self) -> str:
        return f"{self.ready} messages ready, {self.unacknowledged} unacknowledged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What was seen of a broker and a registry. Consumers come from statistics, which are some 6 seconds late."""

    topology: Topology
    depths: Mapping[str, Depth]
    consumer_tags: Mapping[str, tuple[str, ...]]
    members: Mapping[int, Member]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What is still healthy."""

    depth: int = 1000
    heartbeat_age: float = 90.0


class Finding(StrEnum):
    """A way in which registry and broker disagree, or a worker is not well."""

    UNREGISTERED = "unregistered"
    ORPHAN = "orphan"
    QUEUE_MISSING = "queue missing"
    QUEUE_DIFFERS = "queue differs"
    QUEUE_DOWN = "queue down"
    KEY_MISSING = "key missing"
    KEY_EXTRA = "key extra"
    CONSUMER_MISSING = "consumer missing"
    CONSUMER_FOREIGN = "foreign consumer"
    CONSUMERS_MANY = "several consumers"
    BACKLOG = "backlog"
    TOO_DEEP = "too deep"
    HEARTBEAT_STALE = "heartbeat stale"
    CORDONED = "cordoned, yet busy"
    IN_ERROR = "in error"

    @property
    def rests_on_statistics(self) -> bool:
        """Whether the broker may only not have counted its consumers yet."""
        return self in {
            Finding.CONSUMER_MISSING,
            Finding.CONSUMER_FOREIGN,
            Finding.CONSUMERS_MANY,
            Finding.BACKLOG,
        }


@dataclass(frozen=True, slots=True)
class Reason:
    """One finding about one worker, in words."""

    finding: Finding
    detail: str
    hint: str
    verdict: Verdict = Verdict.FAILED
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerQueue:
    """A worker's queue that is there, and all that hangs on it."""

    queue: Queue
    bindings: tuple[Binding, ...]
    consumer_tags: tuple[str, ...]
    depth: Depth

    @property
    def name(self) -> str:
        return self.queue.name


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetWorker:
    """One worker: what the registry says (None where it has no row), what the broker holds, what is wrong.

    `queues` are those of its own that are there, of as many as are wanted.
    """

    id: int
    member: Member | None
    queues: tuple[WorkerQueue, ...]
    wanted_queues: int
    bound: bool
    reasons: tuple[Reason, ...] = ()

    @property
    def depth(self) -> Depth:
        return sum((queue.depth for queue in self.queues), start=Depth())

    @property
    def consumer_tags(self) -> tuple[str, ...]:
        return tuple(tag for queue in self.queues for tag in queue.consumer_tags)

    @property
    def expected(self) -> bool:
        return self.member is not None and self.member.expected

    @property
    def gone(self) -> bool:
        return self.member is None or self.member.status in _GONE

    @property
    def provisioned(self) -> bool:
        return len(self.queues) == self.wanted_queues and self.bound

    @property
    def findings(self) -> tuple[Finding, ...]:
        return tuple(dict.fromkeys(reason.finding for reason in self.reasons))

    @property
    def verdict(self) -> Verdict:
        verdicts = {reason.verdict for reason in self.reasons}
        return next((each for each in (Verdict.FAILED, Verdict.WARNING) if each in verdicts), Verdict.PASSED)

    @property
    def title(self) -> str:
        return f"worker {self.id} ({self.member.name})" if self.member else f"worker {self.id}"


@dataclass(frozen=True, slots=True)
class Fleet:
    """Workers in the order of their ids."""

    workers: tuple[FleetWorker, ...]

    def counts(self) -> Counter[Verdict]:
        return Counter(worker.verdict for worker in self.workers)

    @property
    def unsettled(self) -> bool:
        """Whether looking at the statistics once more may make a difference."""
        return any(finding.rests_on_statistics for worker in self.workers for finding in worker.findings)

    def verification(self) -> Verification:
        """Return a check for each finding, and one for each worker without any."""
        return Verification(tuple(check for worker in self.workers for check in _checks(worker)))

    def only(self, worker_ids: Collection[int]) -> Fleet:
        return Fleet(tuple(worker for worker in self.workers if worker.id in worker_ids))


def fleet(seen: Sighting, want: Topology, limits: Limits, worker_ids: Iterable[int] = ()) -> Fleet:
    """Return all workers that the registry or the broker knows, and those of the given ids whom nobody does."""
    family = worker_family(want)
    queues = _queues(seen, family)
    ids = sorted(seen.members.keys() | queues.keys() | set(worker_ids))
    own = topology_of_workers(want, ids)
    changes: dict[int, list[Changed]] = defaultdict(list)
    for item, change in compare(seen.topology, own):
        owner = owner_of(family, item.destination if isinstance(item, Binding) else item.name)
        if owner is not None and change is not None:
            changes[owner].append(change)
    joined = (
        FleetWorker(
            id=each,
            member=seen.members.get(each),
            queues=tuple(queues[each]),
            wanted_queues=len(family.queues),
            bound=not any(isinstance(change.want, Binding) for change in changes[each]),
        )
        for each in ids
    )
    return Fleet(tuple(_judged(worker, changes[worker.id], own, limits) for worker in joined))


def _queues(seen: Sighting, family: WorkerFamily) -> defaultdict[int, list[WorkerQueue]]:
    """Return the workers' queues that are there by the ids of their owners."""
    bindings: dict[str, list[Binding]] = defaultdict(list)
    for binding in sorted(seen.topology.bindings, key=binding_order):
        if binding.destination_type == "queue":
            bindings[binding.destination].append(binding)
    queues: defaultdict[int, list[WorkerQueue]] = defaultdict(list)
    for name, queue in sorted(seen.topology.queues.items()):
        if (owner := owner_of(family, name)) is not None:
            queues[owner].append(
                WorkerQueue(
                    queue=queue,
                    bindings=tuple(bindings[name]),
                    consumer_tags=seen.consumer_tags.get(name, ()),
                    depth=seen.depths.get(name, Depth()),
                )
            )
    return queues


def _judged(worker: FleetWorker, changes: Iterable[Changed], own: Topology, limits: Limits) -> FleetWorker:
    reasons = [*_unregistered(worker), *_orphaned(worker)]
    if not worker.gone:
        reasons += [*_of_queues(worker), *_extra_keys(worker, own), *_of_depth(worker, limits)]
        reasons += _of_status(worker)
    if worker.expected:
        reasons += [*_lacking(worker, changes), *_of_consumers(worker, own), *_of_heartbeat(worker, limits)]
    return replace(worker, reasons=tuple(reasons))


def _unregistered(worker: FleetWorker) -> Iterator[Reason]:
    if worker.member is None and not worker.queues:
        yield Reason(
            Finding.UNREGISTERED,
            "is not in the registry, and has no queue",
            "`attune-infra worker enlist` registers and provisions a worker",
        )


def _orphaned(worker: FleetWorker) -> Iterator[Reason]:
    if worker.gone and worker.queues:
        why = "is not in the registry" if worker.member is None else f"is {worker.member.status}"
        names = ", ".join(queue.name for queue in worker.queues)
        consumed = f", consumed by {', '.join(worker.consumer_tags)}" if worker.consumer_tags else ""
        yield Reason(
            Finding.ORPHAN,
            f"{why}, yet {names} is there: {worker.depth}{consumed}",
            "`attune-infra worker prune` removes it if it is empty and unused",
        )


def extra_bindings(worker: FleetWorker, own: Topology) -> tuple[Binding, ...]:
    """Return the bindings to a worker's queues that are not its own."""
    return tuple(each for queue in worker.queues for each in queue.bindings if each not in own.bindings)


def _extra_keys(worker: FleetWorker, own: Topology) -> Iterator[Reason]:
    for binding in extra_bindings(worker, own):
        yield Reason(
            Finding.KEY_EXTRA,
            f"{label(binding)} is not the worker's: it is sent what is meant for others",
            "`attune-infra worker prune` unbinds it",
        )


def _of_queues(worker: FleetWorker) -> Iterator[Reason]:
    for queue in worker.queues:
        if queue.queue.state not in HEALTHY_STATES:
            yield Reason(
                Finding.QUEUE_DOWN,
                f"queue {queue.name} is there, but its state is {queue.queue.state}",
                "is the node down that it lives on? a worker that starts again elsewhere may be refused its queue"
                " until that node is back",
            )


def _lacking(worker: FleetWorker, changes: Iterable[Changed]) -> Iterator[Reason]:
    provision = f"`attune-infra worker provision --id {worker.id}` makes it"
    there = {queue.name for queue in worker.queues}
    for change in changes:
        match change.want, change:
            case Queue(), Create():
                yield Reason(Finding.QUEUE_MISSING, f"{label(change.want)} is missing", provision)
            case Binding(destination=name), _ if name in there:
                yield Reason(Finding.KEY_MISSING, f"{label(change.want)} is missing", provision)
            case Queue(), Recreate():
                yield Reason(
                    Finding.QUEUE_DIFFERS,
                    f"{label(change.want)} differs: the worker's own declaration would be refused with 406",
                    f"`attune-infra worker deprovision --id {worker.id}`, then provision it anew",
                    differences=change.differences,
                )


def _of_consumers(worker: FleetWorker, own: Topology) -> Iterator[Reason]:
    tag = consumer_tag_of(worker_family(own), worker.id)
    for queue in worker.queues:
        tags = queue.consumer_tags
        foreign = [each for each in tags if each != tag]
        if not tags:
            yield Reason(
                Finding.CONSUMER_MISSING, f"nobody consumes {queue.name}", f"is worker {worker.id} running?"
            )
        if not tags and queue.depth:
            yield Reason(
                Finding.BACKLOG,
                f"{queue.name} holds {queue.depth}, and nobody consumes",
                f"start worker {worker.id}; an auto-delete queue is not deleted before its first consumer",
            )
        if foreign:
            yield Reason(
                Finding.CONSUMER_FOREIGN,
                f"{queue.name} is consumed by {', '.join(foreign)}, not only by {tag}"
                if tag in tags
                else f"{queue.name} is consumed by {', '.join(foreign)}, not by {tag}",
                "stop whoever consumes with that tag: it takes this worker's messages",
            )
        if len(tags) > 1:
            yield Reason(
                Finding.CONSUMERS_MANY,
                f"{queue.name} has {len(tags)} consumers: {', '.join(tags)}",
                "one worker, one consumer: is the same worker running twice?",
            )


def _of_heartbeat(worker: FleetWorker, limits: Limits) -> Iterator[Reason]:
    age = worker.member.heartbeat_age if worker.member else None
    if age is None or age > limits.heartbeat_age:
        told = "it has never sent a heartbeat" if age is None else f"its last heartbeat is {age:.0f} s old"
        yield Reason(
            Finding.HEARTBEAT_STALE,
            f"{told}, where {limits.heartbeat_age:g} s are allowed",
            f"is worker {worker.id} running, and does it reach the database? if it is gone for good:"
            f" `attune-infra worker deregister --id {worker.id}`",
        )


def _of_depth(worker: FleetWorker, limits: Limits) -> Iterator[Reason]:
    if worker.depth.ready > limits.depth:
        yield Reason(
            Finding.TOO_DEEP,
            f"{worker.depth}, where {limits.depth} ready ones are allowed",
            "it is sent more than it can do: add workers, or look what it is busy with",
        )


def _of_status(worker: FleetWorker) -> Iterator[Reason]:
    if worker.member and worker.member.status == "error":
        yield Reason(
            Finding.IN_ERROR, "its status is error", "the worker's own log tells more", verdict=Verdict.WARNING
        )
    if worker.member and worker.member.cordoned and worker.depth:
        # What a worker held when it was cordoned it may still finish; what waits was sent to it, or left to it.
        verdict = Verdict.FAILED if worker.depth.ready else Verdict.WARNING
        yield Reason(
            Finding.CORDONED,
            f"is cordoned, yet has {worker.depth}",
            "whoever schedules should not send it any more work",
            verdict=verdict,
        )


def _checks(worker: FleetWorker) -> Iterator[Check]:
    if not worker.reasons:
        yield Check(worker.title, Verdict.PASSED, worker_id=worker.id)
    for reason in worker.reasons:
        yield Check(
            f"{worker.title}: {reason.finding}",
            reason.verdict,
            reason.detail,
            hint=reason.hint,
            worker_id=worker.id,
            differences=reason.differences,
        )
