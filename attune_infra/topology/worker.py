"""Worker id -> the queues and bindings of that worker."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache

from attune_infra.errors import InvalidInput
from attune_infra.topology.model import Binding, Policy, Queue, Topology, WorkerFamily
from attune_infra.topology.policy import policy_of

PLACEHOLDER = "{worker_id}"
HIGHEST_ID = 2**63 - 1
"""The highest value of PostgreSQL's BIGINT."""

_DEAD_LETTER_EXCHANGE = "x-dead-letter-exchange"


def worker_family(topology: Topology) -> WorkerFamily:
    """Return the worker family of a topology; raise `InvalidInput` if it has none."""
    if topology.workers is None:
        raise InvalidInput(
            f"topology '{topology.name}' has no workers section",
            hint="add `workers:` with `consumer_tag` and `queues` to the document",
        )
    return topology.workers


def queues_of(family: WorkerFamily, worker_id: int) -> tuple[Queue, ...]:
    return tuple(
        Queue(
            name=fill(queue.name, worker_id),
            type=queue.type,
            durable=queue.durable,
            auto_delete=queue.auto_delete,
            exclusive=queue.exclusive,
            arguments=queue.arguments,
        )
        for queue in family.queues
    )


def bindings_of(family: WorkerFamily, worker_id: int) -> tuple[Binding, ...]:
    return tuple(
        Binding(
            source=binding.source,
            destination=fill(binding.destination, worker_id),
            destination_type=binding.destination_type,
            routing_key=fill(binding.routing_key, worker_id),
            arguments=binding.arguments,
        )
        for binding in family.bindings
    )


def objects_of(family: WorkerFamily, worker_id: int) -> tuple[Queue | Binding, ...]:
    """Return the queues and bindings of a worker."""
    return (*queues_of(family, worker_id), *bindings_of(family, worker_id))


def objects_of_each(family: WorkerFamily, worker_ids: Sequence[int]) -> Iterator[Queue | Binding]:
    """Yield the queues and bindings of workers, each of the family after another: faster than worker by worker."""
    for queue in family.queues:
        kind, durable, auto_delete = queue.type, queue.durable, queue.auto_delete
        exclusive, arguments = queue.exclusive, queue.arguments
        yield from [
            Queue(
                name=name,
                type=kind,
                durable=durable,
                auto_delete=auto_delete,
                exclusive=exclusive,
                arguments=arguments,
            )
            for name in fill_each(queue.name, worker_ids)
        ]
    for binding in family.bindings:
        source, kind_of_end, arguments = binding.source, binding.destination_type, binding.arguments
        destinations = fill_each(binding.destination, worker_ids)
        yield from [
            Binding(
                source=source,
                destination=destination,
                destination_type=kind_of_end,
                routing_key=key,
                arguments=arguments,
            )
            for destination, key in zip(destinations, fill_each(binding.routing_key, worker_ids), strict=True)
        ]


def consumer_tag_of(family: WorkerFamily, worker_id: int) -> str:
    return fill(family.consumer_tag, worker_id)


def topology_of_workers(topology: Topology, worker_ids: Iterable[int]) -> Topology:
    """Return the queues and bindings of these workers, and the exchanges they bind to."""
    family = worker_family(topology)
    sources = sorted({binding.source for binding in family.bindings} & topology.exchanges.keys())
    bare = Topology.of((topology.exchanges[each] for each in sources), name=topology.name, workers=family)
    return bare.plus(objects_of_each(family, tuple(worker_ids)))


def with_workers(topology: Topology, worker_ids: Iterable[int]) -> Topology:
    """Return a topology with the queues and bindings of these workers."""
    ids = tuple(worker_ids)
    if not ids:
        return topology
    return topology.plus(objects_of_each(worker_family(topology), ids))


def with_queue_ttl(topology: Topology, milliseconds: int) -> Topology:
    """Return a topology whose policy expires unused worker queues after this time; with 0, without that policy.

    The topology then manages the name of the policy, so that it may be pruned.
    """
    found = _expiry_policy(topology)
    others = {name: policy for name, policy in topology.policies.items() if policy is not found}
    if not milliseconds:
        return replace(topology, policies=others, manages=(*topology.manages, re.escape(found.name)))
    changed = replace(found, definition={**found.definition, "expires": milliseconds})
    return replace(topology, policies={**others, found.name: changed})


def _expiry_policy(topology: Topology) -> Policy:
    """Return the policy that makes worker queues expire; raise `InvalidInput` if there is none."""
    for queue in queues_of(worker_family(topology), HIGHEST_ID):
        policy = policy_of(queue, topology)
        if policy is not None and "expires" in policy.definition:
            return policy
    raise InvalidInput(
        f"no policy of topology '{topology.name}' makes the queues of its workers expire",
        hint="declare one with `expires` in its definition; `attune-infra topology show` has an example",
    )


def named_dead_letter_exchange(topology: Topology) -> str:
    """Return the dead letter exchange that the queues of a topology name; raise `InvalidInput` unless it is one.

    The queue of a worker may name none, since the worker declares it too, with the same arguments.
    """
    queues = (*worker_family(topology).queues, *topology.queues.values())
    named = {
        str(queue.arguments[_DEAD_LETTER_EXCHANGE]) for queue in queues if _DEAD_LETTER_EXCHANGE in queue.arguments
    }
    if len(named) == 1:
        return named.pop()
    found = ", ".join(sorted(named)) or "none"
    raise InvalidInput(
        "no single dead letter exchange for rejected messages:"
        f" the queues of topology '{topology.name}' name {found}",
        hint="give --dead-letter-exchange",
    )


def owner_of(family: WorkerFamily, queue: str) -> int | None:
    """Return the id of the worker that owns a queue of this name, None if no worker does."""
    for template in family.queues:
        found = _names_of(template.name).fullmatch(queue)
        if found and int(found[1]) <= HIGHEST_ID:
            return int(found[1])
    return None


@cache
def _names_of(template: str) -> re.Pattern[str]:
    before, _, after = template.partition(PLACEHOLDER)
    return re.compile(rf"{re.escape(before)}([1-9][0-9]{{0,18}}){re.escape(after)}")


def fill(template: str, worker_id: int) -> str:
    """Return a template with the id of a worker in its place."""
    return template.replace(PLACEHOLDER, str(worker_id))


def fill_each(template: str, worker_ids: Iterable[int]) -> list[str]:
    """Return a template with the id of each worker in its place."""
    before, *after = template.split(PLACEHOLDER)
    if len(after) == 1:
        end = after[0]
        return [f"{before}{each}{end}" for each in worker_ids]
    return [fill(template, each) for each in worker_ids]
