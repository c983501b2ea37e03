"""A virtual host compared with a document: drift, queues by owner, and numbers for each queue of the document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import field, replace

from attune_infra.dataclass import dataclass
from attune_infra.fleet.metrics import Drift, Inspection, MeasuredQueue, Owner, QueueCounts, QueueStatistics
from attune_infra.fleet.model import Sighting
from attune_infra.topology.diff import Await, Create, compare, undeclared
from attune_infra.topology.facts.releases import version_of
from attune_infra.topology.model import Topology, kind_of
from attune_infra.topology.routing.dead_letters import dead_letter_queues
from attune_infra.topology.verify import Demands, Seen, Wanted, is_of_a_worker, verify
from attune_infra.topology.worker import owner_of


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenBroker:
    """A broker at one moment: its version, its objects and numbers, and the statistics of declared queues."""

    version: str
    sighting: Sighting
    statistics: Mapping[str, QueueStatistics] = field(default_factory=dict)
    now: float
    """Seconds since 1970."""


def inspect(seen: SeenBroker, want: Topology) -> Inspection:
    """Compare a broker with a document, but for limits and permissions, which need an administrator."""
    have, want = seen.sighting.topology, want.without_controls()
    checks = verify(Seen(http=seen.version, amqp=None, topology=have), Wanted.of(want, Demands())).checks
    return Inspection(
        drift=_drift(have, want),
        counts=_counts(seen.sighting, want),
        queues=_queues(seen, want),
        checks=Counter(check.verdict for check in checks[1:]),  # the first says that the broker answers
    )


def _drift(have: Topology, want: Topology) -> Mapping[tuple[str, Drift], int]:
    found: Counter[tuple[str, Drift]] = Counter()
    for item, change in compare(have, want):
        if isinstance(change, Create) or (isinstance(change, Await) and not change.differences):
            found[kind_of(item), Drift.MISSING] += 1
        elif change is not None:
            found[kind_of(item), Drift.DIFFERS] += 1
    others = (item for item in undeclared(have, want) if not is_of_a_worker(item, want))
    found.update((kind_of(item), Drift.UNDECLARED) for item in others)
    return found


def _counts(sighting: Sighting, want: Topology) -> Mapping[Owner, QueueCounts]:
    counts = {owner: QueueCounts() for owner in Owner}
    for name, queue in sighting.topology.queues.items():
        owner, before = _owner(name, want), counts[_owner(name, want)]
        counts[owner] = replace(
            before,
            total=before.total + 1,
            down=before.down + (not queue.works),
            unconsumed=before.unconsumed + (not sighting.consumer_tags.get(name)),
        )
    return counts


def _owner(name: str, want: Topology) -> Owner:
    if name in want.queues:
        return Owner.DOCUMENT
    is_of_worker = want.workers is not None and owner_of(want.workers, name) is not None
    return Owner.WORKER if is_of_worker else Owner.UNDECLARED


def _queues(seen: SeenBroker, want: Topology) -> tuple[MeasuredQueue, ...]:
    ends = dead_letter_queues(want, version_of(seen.version))
    existing = sorted(want.queues.keys() & seen.sighting.topology.queues.keys())
    return tuple(_measured(seen, name, takes_dead_letters=name in ends) for name in existing)


def _measured(seen: SeenBroker, name: str, *, takes_dead_letters: bool) -> MeasuredQueue:
    depth, statistics = seen.sighting.depths.get(name), seen.statistics.get(name, QueueStatistics())
    return MeasuredQueue(
        name=name,
        depth=depth,
        consumers=len(seen.sighting.consumer_tags.get(name, ())),
        oldest_age=None if statistics.oldest is None or not depth else max(0.0, seen.now - statistics.oldest),
        redelivered=statistics.redelivered,
        takes_dead_letters=takes_dead_letters,
    )
