"""The health of workers: each row of the registry joined with its queues, and the findings about both."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from attune_infra.fleet.model import (
    Depth,
    Finding,
    Fleet,
    FleetWorker,
    Limits,
    Reason,
    Sighting,
    WorkerQueue,
)
from attune_infra.topology.diff import Changed, Create, Recreate, compare
from attune_infra.topology.facts.unavailable import condition
from attune_infra.topology.model import Binding, Queue, Topology, WorkerFamily, binding_order, label
from attune_infra.topology.verify import Verdict
from attune_infra.topology.worker import consumer_tag_of, owner_of, topology_of_workers, worker_family

_MAX_AHEAD: Final = 10.0
"""Seconds by which a heartbeat may be in the future; clocks differ by less."""


def examine(seen: Sighting, want: Topology, limits: Limits, worker_ids: Iterable[int] = ()) -> Fleet:
    """Return every worker in the registry or on the broker, and one for each other id in `worker_ids`."""
    family = worker_family(want)
    queues = _queues_by_owner(seen, family)
    ids = sorted(seen.members.keys() | queues.keys() | set(worker_ids))
    own = topology_of_workers(want, ids)
    changes: dict[int, list[Changed]] = defaultdict(list)
    for item, change in compare(seen.topology, own):
        if change is not None:
            owner = owner_of(family, item.destination if isinstance(item, Binding) else item.name)
            if owner is not None:
                changes[owner].append(change)
    joined = (
        FleetWorker(
            id=each,
            member=seen.members.get(each),
            queues=tuple(queues[each]),
            wanted_queues=len(family.queues),
            bound=not any(isinstance(change.want, Binding) for change in changes.get(each, ())),
        )
        for each in ids
    )
    return Fleet(tuple(_with_findings(worker, changes.get(worker.id, ()), own, limits) for worker in joined))


def _queues_by_owner(seen: Sighting, family: WorkerFamily) -> defaultdict[int, list[WorkerQueue]]:
    """Return the existing queues of workers, by the id of the worker."""
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
                    is_counted=name in seen.depths,
                )
            )
    return queues


def _with_findings(worker: FleetWorker, changes: Iterable[Changed], own: Topology, limits: Limits) -> FleetWorker:
    reasons = [*_unregistered(worker), *_orphaned(worker)] if worker.gone else []
    if not worker.gone:
        reasons += [*_of_queues(worker), *_extra_keys(worker, own), *_of_depth(worker, limits)]
        reasons += _of_status(worker)
    if worker.expected:
        reasons += [*_lacking(worker, changes), *_of_consumers(worker, own), *_of_heartbeat(worker, limits)]
    return replace(worker, reasons=tuple(reasons)) if reasons else worker


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
            f"{why}, but {names} exists: {worker.depth}{consumed}",
            "`attune-infra worker prune` deletes it if it is empty and unused",
        )


def extra_bindings(worker: FleetWorker, own: Topology) -> tuple[Binding, ...]:
    """Return the bindings of a worker's queues that are not its own."""
    return tuple([each for queue in worker.queues for each in queue.bindings if each not in own.bindings])


def _extra_keys(worker: FleetWorker, own: Topology) -> Iterator[Reason]:
    for binding in extra_bindings(worker, own):
        yield Reason(
            Finding.BINDING_EXTRA,
            f"{label(binding)} is not the worker's own: it brings messages meant for others",
            "`attune-infra worker prune` unbinds it",
        )


def _of_queues(worker: FleetWorker) -> Iterator[Reason]:
    for queue in worker.queues:
        if not queue.queue.works:
            yield Reason(
                Finding.QUEUE_DOWN,
                f"queue {queue.name} exists, but its state is {condition(queue.queue)}",
                "is its node down? RabbitMQ may refuse the queue to a restarted worker until the node is back",
            )


def _lacking(worker: FleetWorker, changes: Iterable[Changed]) -> Iterator[Reason]:
    provision = f"`attune-infra worker provision --id {worker.id}` creates it"
    existing = {queue.name for queue in worker.queues}
    for change in changes:
        match change.want, change:
            case Queue(), Create():
                yield Reason(Finding.QUEUE_MISSING, f"{label(change.want)} is missing", provision)
            case Binding(destination=name), _ if name in existing:
                yield Reason(Finding.BINDING_MISSING, f"{label(change.want)} is missing", provision)
            case Queue(), Recreate():
                yield Reason(
                    Finding.QUEUE_DIFFERS,
                    f"{label(change.want)} differs: the worker's own declaration would be refused with 406",
                    f"`attune-infra worker deprovision --id {worker.id}`, then `worker provision`",
                    differences=change.differences,
                )


def _of_consumers(worker: FleetWorker, own: Topology) -> Iterator[Reason]:
    tag = consumer_tag_of(worker_family(own), worker.id)
    for queue in worker.queues:
        tags = queue.consumer_tags
        foreign = [each for each in tags if each != tag]
        if not tags:
            yield Reason(
                Finding.CONSUMER_MISSING, f"{queue.name} has no consumer", f"is worker {worker.id} running?"
            )
        if not tags and queue.depth:
            yield Reason(
                Finding.BACKLOG,
                f"{queue.name} holds {queue.depth}, and has no consumer",
                f"start worker {worker.id}; RabbitMQ deletes an auto-delete queue only after its first consumer",
            )
        if foreign:
            yield Reason(
                Finding.CONSUMER_FOREIGN,
                f"{queue.name} is consumed by {', '.join(foreign)}, not {'only ' if tag in tags else ''}by {tag}",
                "stop the consumer with that tag: it takes this worker's messages",
            )
        if len(tags) > 1:
            yield Reason(
                Finding.CONSUMERS_MANY,
                f"{queue.name} has {len(tags)} consumers: {', '.join(tags)}",
                "a worker has one consumer: is this worker running twice?",
            )


def _of_heartbeat(worker: FleetWorker, limits: Limits) -> Iterator[Reason]:
    age = worker.member.heartbeat_age if worker.member else None
    if age is not None and age < -_MAX_AHEAD:
        yield Reason(
            Finding.HEARTBEAT_AHEAD,
            f"its last heartbeat is {-age:.0f} s in the future, so its age is unknown",
            "a clock was wrong: let the machines of the database and of the workers take their time from the same"
            " servers (NTP)",
            verdict=Verdict.WARNING,
        )
    if age is None or age > limits.heartbeat_age:
        heartbeat = "it has never sent a heartbeat" if age is None else f"its last heartbeat is {age:.0f} s old"
        yield Reason(
            Finding.HEARTBEAT_STALE,
            f"{heartbeat}; the limit is {limits.heartbeat_age:g} s",
            f"is worker {worker.id} running, and can it reach the database? if it is gone for good:"
            f" `attune-infra worker deregister --id {worker.id}`",
        )


def _of_depth(worker: FleetWorker, limits: Limits) -> Iterator[Reason]:
    if worker.depth.ready > limits.depth:
        yield Reason(
            Finding.TOO_DEEP,
            f"{worker.depth}; the limit is {limits.depth} ready",
            "it gets more messages than it can process: add workers, or check its work",
        )


def _of_status(worker: FleetWorker) -> Iterator[Reason]:
    if worker.member and worker.member.status == "error":
        yield Reason(Finding.IN_ERROR, "its status is error", "see the worker's own log", verdict=Verdict.WARNING)
    if worker.member and worker.member.cordoned and worker.depth:
        # A cordoned worker may finish the messages it holds. Ready ones were sent to it, or left to it.
        verdict = Verdict.FAILED if worker.depth.ready else Verdict.WARNING
        yield Reason(
            Finding.CORDONED_WITH_WORK,
            f"is cordoned, but has {worker.depth}",
            "the scheduler should not send it work",
            verdict=verdict,
        )
