"""Changes to a topology on its way into a text, as people make them by hand before an upgrade or a move.

Each says what it took out or changed. Nothing here touches a broker.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from attune_infra.dataclass import dataclass
from attune_infra.errors import WrongUsage
from attune_infra.topology.document.judge import judge
from attune_infra.topology.document.selectors import first_selecting, selector_problem
from attune_infra.topology.document.text import LeftOut, group_left_out, make_portable
from attune_infra.topology.facts.argument_problems import queue_problems
from attune_infra.topology.facts.compatibility import RELEASES, judgements
from attune_infra.topology.facts.fact import Effect
from attune_infra.topology.model import (
    Binding,
    Exchange,
    Queue,
    Topology,
    TopologyObject,
    VirtualHost,
    kind_of,
    name_in_kind,
)
from attune_infra.topology.words import plural

_Note = tuple[str, str, str]

_OVERFLOW: Final = "x-overflow"
_REJECT_TO_EXCHANGE: Final = "reject-publish-dlx"
_AS_DROP_HEAD: Final = (
    "a quorum queue would act on it as on drop-head, so it gets reject-publish, without dead letters"
)
_NOT_CHOSEN: Final = "--only and --exclude leave them out"
_END_IS_GONE: Final = "one of their ends is left out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transformation:
    """The changes to make; raise `WrongUsage` for a selector that is none.

    `only` and `exclude` are selectors, such as `queue:orders.*`; without `only`, everything is chosen. A binding
    goes by its destination, and is left out with one of its ends.
    """

    only: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    to_quorum: bool = False
    strip_policies: bool = False
    rename_vhost: str | None = None

    def __post_init__(self) -> None:
        for option, selectors in (("--only", self.only), ("--exclude", self.exclude)):
            for selector in selectors:
                if what := selector_problem(selector):
                    raise WrongUsage(
                        f"{option} '{selector}' {what}", hint="write KIND:NAME, such as 'queue:jobs.*'"
                    )

    def apply(self, topology: Topology) -> tuple[Topology, tuple[LeftOut, ...]]:
        """Return the changed topology, and what was left out or changed, in each of its virtual hosts."""
        if topology.virtual_hosts:
            return self._apply_to_several(topology)
        notes: list[_Note] = []
        if self.only or self.exclude:
            topology = self._chosen(topology, notes)
        if self.strip_policies:
            dropped = [*topology.policies.values(), *topology.operator_policies.values()]
            notes += [(plural(kind_of(each)), each.name, "--strip-policies leaves them out") for each in dropped]
            topology = replace(topology, policies={}, operator_policies={})
        if self.to_quorum:
            notes += _notes_of_quorum(topology)
            topology = replace(
                topology, queues={name: _to_quorum(each, topology) for name, each in topology.queues.items()}
            )
        return self._renamed(topology), group_left_out(notes)

    def _renamed(self, topology: Topology) -> Topology:
        name, settings = self.rename_vhost, topology.virtual_host
        if name is None:
            return topology
        return replace(topology, name=name, virtual_host=settings and replace(settings, name=name))

    def _apply_to_several(self, topology: Topology) -> tuple[Topology, tuple[LeftOut, ...]]:
        found, notes = dict[str, Topology](), list[LeftOut]()
        if self.rename_vhost is not None and len(topology.virtual_hosts) > 1:
            names = ", ".join(f"'{name}'" for name in topology.virtual_hosts)
            raise WrongUsage(
                f"--rename-vhost names one virtual host, and there are several: {names}",
                hint="choose one with --vhost NAME",
            )
        for name, each in topology.virtual_hosts.items():
            changed, more = self.apply(each)
            new = name if self.rename_vhost is None else self.rename_vhost
            settings = changed.virtual_host or VirtualHost(name=new)
            found[new] = replace(changed, name=each.name, virtual_host=settings)
            notes += (replace(note, why=f"{note.why} (virtual host {name})") for note in more)
        return replace(topology, virtual_hosts=found), tuple(notes)

    def _chosen(self, topology: Topology, notes: list[_Note]) -> Topology:
        kept: list[TopologyObject] = []
        gone: set[tuple[str, str]] = set()
        for item in topology.objects():
            why = None if self._selects(item) else _NOT_CHOSEN
            if isinstance(item, Binding) and gone & {
                ("exchange", item.source),
                (item.destination_type, item.destination),
            }:
                why = _END_IS_GONE
            if why is None:
                kept.append(item)
                continue
            notes.append((plural(kind_of(item)), name_in_kind(item), why))
            if isinstance(item, Exchange | Queue):
                gone.add((kind_of(item), item.name))
        found = topology.holding(kept)
        return found if found.virtual_host else make_portable(found)

    def _selects(self, item: TopologyObject) -> bool:
        is_chosen = not self.only or first_selecting(self.only, item) is not None
        return is_chosen and first_selecting(self.exclude, item) is None


def _to_quorum(queue: Queue, topology: Topology) -> Queue:
    """Return a queue as a quorum queue, without the arguments that one cannot have; any other queue as it is."""
    if not _can_be_quorum(queue, topology):
        return queue
    lost = set(_lost_arguments(queue))
    kept = {name: value for name, value in queue.arguments.items() if name not in lost}
    if kept.get(_OVERFLOW) == _REJECT_TO_EXCHANGE:
        kept[_OVERFLOW] = "reject-publish"
    return replace(queue, type="quorum", arguments=kept)


def _can_be_quorum(queue: Queue, topology: Topology) -> bool:
    lasts = queue.durable and not queue.auto_delete and not queue.exclusive
    return lasts and not queue.external and topology.type_of(queue) == "classic"


def _lost_arguments(queue: Queue) -> Iterator[str]:
    """Yield the arguments of a classic queue that a quorum queue cannot have, on one of the releases at least."""
    quorum = replace(queue, type="quorum")
    refused = {part for part, _ in queue_problems(quorum)} | {defect.part for defect in judge(quorum)}
    for release in RELEASES:
        found = judgements(quorum, Topology.of([quorum]), release)
        refused |= {each.about for each in found if each.effect is Effect.REFUSED}
    return (name for name in queue.arguments if name in refused)


def _notes_of_quorum(topology: Topology) -> Iterator[_Note]:
    for queue in topology.queues.values():
        if _can_be_quorum(queue, topology):
            for name in _lost_arguments(queue):
                yield "arguments", f"{name} of queue {queue.name}", "a quorum queue cannot have them"
            if queue.arguments.get(_OVERFLOW) == _REJECT_TO_EXCHANGE:
                yield f"overflow {_REJECT_TO_EXCHANGE}", f"of queue {queue.name}", _AS_DROP_HEAD
        elif topology.type_of(queue) == "classic" and not queue.external:
            yield (
                "changes to quorum",
                f"of queue {queue.name}",
                "only a durable queue without auto-delete can be one",
            )
