"""The values of the fleet: each worker with its row, its queues and its findings, which `health` makes.

A worker is expected to work while its status is active or busy. It is gone if it is inactive or has no row. A
worker in error is neither: nothing is expected of it, and its queues are kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from enum import StrEnum
from typing import ClassVar, Final

from attune_infra.dataclass import dataclass
from attune_infra.errors import ExitCode
from attune_infra.topology.diff import Difference
from attune_infra.topology.model import Binding, Queue, Topology
from attune_infra.topology.verify import Check, Code, Named, Verdict, Verification
from attune_infra.topology.words import counted
from attune_infra.topology.worker import PLACEHOLDER

_EXPECTED: Final = frozenset({"active", "busy"})
_GONE: Final = frozenset({"inactive", None})


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A worker's row in the registry; the age of its heartbeat in seconds is by the database's clock.

    The age is below 0 if the heartbeat was stamped by another clock, or if the database's clock was set back.
    """

    id: int
    name: str
    status: str
    heartbeat_age: float | None
    cordoned: bool = False

    @property
    def since_heartbeat(self) -> float | None:
        """The seconds since its heartbeat, never below 0; None if it had none."""
        return None if self.heartbeat_age is None else max(self.heartbeat_age, 0.0)

    @property
    def expected(self) -> bool:
        return self.status in _EXPECTED


@dataclass(frozen=True, slots=True)
class Depth:
    """The number of messages in a queue: ready, and delivered but unacknowledged."""

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
        return f"{counted(self.ready, 'message')} ready, {self.unacknowledged} unacknowledged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """The broker and the registry at one moment. Consumer tags are from statistics, which lag about 6 seconds."""

    topology: Topology
    depths: Mapping[str, Depth]
    consumer_tags: Mapping[str, tuple[str, ...]]
    members: Mapping[int, Member]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of health: ready messages of one worker, and seconds since its heartbeat."""

    depth: int = 1000
    heartbeat_age: float = 90.0


class Finding(StrEnum):
    """A kind of disagreement between registry and broker, or of ill health; its value is its name for people."""

    UNREGISTERED = "unregistered"
    ORPHAN = "orphan"
    QUEUE_MISSING = "queue missing"
    QUEUE_DIFFERS = "queue differs"
    QUEUE_DOWN = "queue down"
    BINDING_MISSING = "key missing"
    BINDING_EXTRA = "key extra"
    CONSUMER_MISSING = "consumer missing"
    CONSUMER_FOREIGN = "foreign consumer"
    CONSUMERS_MANY = "several consumers"
    BACKLOG = "backlog"
    TOO_DEEP = "too deep"
    HEARTBEAT_STALE = "heartbeat stale"
    HEARTBEAT_AHEAD = "heartbeat ahead"
    CORDONED_WITH_WORK = "cordoned, yet busy"
    IN_ERROR = "in error"

    @property
    def code(self) -> str:
        """Its name for machines, such as `queue_missing`."""
        return self.name.lower()

    @property
    def check_code(self) -> str:
        """The code of a check that has found it, such as `worker-queue-missing`."""
        return f"worker-{self.code.replace('_', '-')}"

    @property
    def rests_on_statistics(self) -> bool:
        """True if statistics that lag behind may be the cause."""
        return self in {
            Finding.CONSUMER_MISSING,
            Finding.CONSUMER_FOREIGN,
            Finding.CONSUMERS_MANY,
            Finding.BACKLOG,
        }


@dataclass(frozen=True, slots=True)
class Reason:
    """One finding about one worker, with its detail and hint."""

    finding: Finding
    detail: str
    hint: str
    verdict: Verdict = Verdict.FAILED
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerQueue:
    """An existing queue of a worker, with its bindings, consumers and messages."""

    queue: Queue
    bindings: tuple[Binding, ...]
    consumer_tags: tuple[str, ...]
    depth: Depth
    is_counted: bool = True
    """False if nothing is known of its messages, as if its node is down; its depth is then 0."""

    @property
    def name(self) -> str:
        return self.queue.name


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetWorker:
    """One worker: its row (None if it has none), its existing queues, and its findings.

    `wanted_queues` is the number of queues that it should have.
    """

    id: int
    member: Member | None
    queues: tuple[WorkerQueue, ...]
    wanted_queues: int
    bound: bool
    reasons: tuple[Reason, ...] = ()

    @property
    def depth(self) -> Depth:
        if len(self.queues) == 1:
            return self.queues[0].depth
        return sum((queue.depth for queue in self.queues), start=Depth())

    @property
    def is_counted(self) -> bool:
        return all(queue.is_counted for queue in self.queues)

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

    exit_code: ClassVar[ExitCode] = ExitCode.DONE

    workers: tuple[FleetWorker, ...]

    def counts(self) -> Counter[Verdict]:
        return Counter(worker.verdict for worker in self.workers)

    @property
    def unsettled(self) -> bool:
        """True if newer statistics may change a finding."""
        return any(finding.rests_on_statistics for worker in self.workers for finding in worker.findings)

    def verification(self) -> Verification:
        """Return a check for each finding, and one for each worker without any."""
        return Verification.of(check for worker in self.workers for check in _checks(worker))

    def only(self, worker_ids: Collection[int]) -> Fleet:
        return Fleet(tuple(worker for worker in self.workers if worker.id in worker_ids))


def _checks(worker: FleetWorker) -> Iterator[Check]:
    about, of_any = Named("worker", worker.member.name if worker.member else ""), f"worker {PLACEHOLDER}"
    if not worker.reasons:
        yield Check(Code.WORKER_HEALTHY, about, worker.title, Verdict.PASSED, worker_id=worker.id, template=of_any)
    for reason in worker.reasons:
        yield Check(
            reason.finding.check_code,
            about,
            f"{worker.title}: {reason.finding}",
            reason.verdict,
            reason.detail,
            hint=reason.hint,
            worker_id=worker.id,
            differences=reason.differences,
            template=f"{of_any}: {reason.finding}",
        )
