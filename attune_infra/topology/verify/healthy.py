"""The demanded workers that plainly have all of their objects, found for thousands of them at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from itertools import chain, repeat
from operator import attrgetter
from typing import Final, TypeAlias

from attune_infra.dataclass import dataclass
from attune_infra.topology.diff import change_of
from attune_infra.topology.model import Binding, Queue, Topology, WorkerFamily
from attune_infra.topology.verify.inputs import Seen, Wanted
from attune_infra.topology.worker import fill_each

FEWEST_ALIKE: Final = 100
"""Fewer workers that are alike are looked at one by one, so that each may be shown by itself."""

_Place: TypeAlias = tuple[str, str, str, str]

_place = attrgetter("source", "destination_type", "destination", "routing_key")
"""All that tells a binding without arguments from others."""
_looks = attrgetter("type", "durable", "auto_delete", "exclusive", "state")
"""All that decides about a queue without arguments."""


@dataclass(frozen=True, slots=True)
class Healthy:
    """The ids of healthy workers, those with the same queues consumed together; and all that is not theirs."""

    kinds: Collection[Sequence[int]]
    others: Topology

    @property
    def worker_ids(self) -> Set[int]:
        return frozenset(chain.from_iterable(self.kinds))


@dataclass(frozen=True, slots=True)
class _Columns:
    """The names and bindings of workers: a column for each of the family, and a row for each worker."""

    queues: Sequence[Sequence[str]]
    bindings: Sequence[Sequence[_Place]]
    tags: Sequence[str]

    @classmethod
    def of(cls, family: WorkerFamily, ids: Sequence[int]) -> _Columns:
        return cls(
            [fill_each(queue.name, ids) for queue in family.queues],
            [_places(binding, ids) for binding in family.bindings],
            fill_each(family.consumer_tag, ids),
        )


def find_healthy(seen: Seen, have: Topology, want: Wanted) -> Healthy:
    """Find the workers that plainly have all of their objects, if they are many and alike.

    Workers whose queues or bindings have arguments are left out: policies may make up for differences of those.
    """
    ids, family = want.demands.worker_ids, want.topology.workers
    if family is None or len(ids) < FEWEST_ALIKE or not _is_plain(family):
        return Healthy((), have)
    columns = _Columns.of(family, ids)
    bound = {_place(each): each for each in have.bindings if _has_place(each)}
    matches = [_matches(names, queue, have) for names, queue in zip(columns.queues, family.queues, strict=True)]
    matches += [map(bound.__contains__, places) for places in columns.bindings]
    consumed = [_consumed(names, columns.tags, seen) for names in columns.queues]
    found: defaultdict[tuple[bool | None, ...], list[int]] = defaultdict(list)
    for row, kind in enumerate(zip(map(all, zip(*matches, strict=True)), *consumed, strict=True)):
        found[kind].append(row)
    kinds = [rows for kind, rows in found.items() if kind[0] and None not in kind and len(rows) >= FEWEST_ALIKE]
    others = _without(columns, tuple(chain.from_iterable(kinds)), have, bound)
    return Healthy([[ids[row] for row in rows] for rows in kinds], others)


def _is_plain(family: WorkerFamily) -> bool:
    """Return whether the objects of each worker have no arguments."""
    of_any: list[Queue | Binding] = [*family.queues, *family.bindings]
    return bool(family.queues) and not any(item.arguments for item in of_any)


def _places(binding: Binding, ids: Sequence[int]) -> Sequence[_Place]:
    destinations, keys = fill_each(binding.destination, ids), fill_each(binding.routing_key, ids)
    return list(zip(repeat(binding.source), repeat(binding.destination_type), destinations, keys, strict=False))


def _has_place(binding: Binding) -> bool:
    return binding.key_is_text and not binding.arguments


def _matches(names: Sequence[str], of_family: Queue, have: Topology) -> Iterator[bool]:
    """Yield whether each named queue works, has no arguments, and matches the one of the family."""
    found = map(have.queues.get, names)
    looks = [None if queue is None or queue.arguments else _looks(queue) for queue in found]
    examples = dict(zip(looks, names, strict=True))
    judged = {
        look: bool(look) and _is_as_wanted(have.queues[name], of_family, have) for look, name in examples.items()
    }
    return map(judged.__getitem__, looks)


def _is_as_wanted(queue: Queue, of_family: Queue, have: Topology) -> bool:
    return queue.works and change_of(replace(of_family, name=queue.name), have) is None


def _consumed(names: Sequence[str], tags: Sequence[str], seen: Seen) -> Sequence[bool | None]:
    """Return for each queue whether the worker consumes it; None if another one does, or if that is unknown."""
    tags_of, counts = map(seen.consumer_tags.get, names), map(seen.consumer_counts.get, names)
    return [
        bool(found) if count is None and (not found or tag in found) else is_consumed(tag, found or (), count)
        for tag, found, count in zip(tags, tags_of, counts, strict=True)
    ]


def is_consumed(tag: str, found: Sequence[str], count: int | None) -> bool | None:
    """Return whether the consumer with a tag is there; None if another one is, or if that is unknown."""
    if tag in found and count != 0:
        return True
    return False if count == 0 or (count is None and not found) else None


def _without(columns: _Columns, rows: Sequence[int], have: Topology, bound: Mapping[_Place, Binding]) -> Topology:
    """Return the objects of a broker without those of the workers in some rows."""
    names = {column[row] for column in columns.queues for row in rows}
    places = {column[row] for column in columns.bindings for row in rows}
    queues = {name: have.queues[name] for name in have.queues.keys() - names}
    bindings = [each for each in have.bindings if not _has_place(each)]
    bindings += [bound[place] for place in bound.keys() - places]
    return replace(have, queues=queues, bindings=frozenset(bindings))
