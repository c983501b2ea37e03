"""Objects that another program's file declares -> the topology of one virtual host.

Each object is judged. The file need not declare both ends of a binding, since another one may; such an end becomes
an external object.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from attune_infra.topology.document.judge import Defect, judge_with_values
from attune_infra.topology.facts.exchanges import headers_exchanges, is_reserved
from attune_infra.topology.model import (
    Binding,
    End,
    Exchange,
    Queue,
    TopicPermission,
    Topology,
    TopologyObject,
    as_read,
    freeze,
    kind_of,
    label,
)

_NOT_HERE: Final = "this file does not declare them, so the document calls them external"
_DEFAULT_EXCHANGE: Final = "the default exchange takes no bindings; its routing keys are names of queues"


class Declared(NamedTuple):
    """An object, a function that reports a problem with it, and one that remembers its place.

    The arguments of a binding are those that the file wants, or if it `is_listed` those that a broker lists, which
    calls void `undefined`.
    """

    item: TopologyObject
    complain: Callable[[Defect | None, str], None]
    note: Callable[[TopologyObject], None]
    is_listed: bool = False


def assemble(
    found: Sequence[Declared], vhost: str, *, default_queue_type: str, left_out: list[tuple[str, str, str]]
) -> Topology:
    """Return the topology of a virtual host; report the defects of its objects, and those declared twice.

    The ends that the file does not declare are added to `left_out`.
    """
    headers = headers_exchanges({each.item.name: each.item for each in found if isinstance(each.item, Exchange)})
    known: dict[tuple[str, str], Declared] = {}
    for each in found:
        if each.is_listed and isinstance(each.item, Binding) and each.item.source in headers:
            each = each._replace(item=as_read(each.item))  # noqa: PLW2901 - the same object, understood
        key = (kind_of(each.item), label(each.item))
        if key in known and _values(known[key].item) != _values(each.item):
            each.complain(None, f"{label(each.item)} is declared twice, in different ways")
        known.setdefault(key, each)
    for each in known.values():
        _judge(each, from_headers=isinstance(each.item, Binding) and each.item.source in headers)
    objects = [each.item for each in known.values()]
    external = _external(known.values(), left_out)
    return Topology.of([*objects, *external], name=vhost, default_queue_type=default_queue_type)


def _values(item: TopologyObject) -> tuple[TopologyObject, object]:
    return item, freeze(getattr(item, "definition", getattr(item, "arguments", None)))


def _judge(declared: Declared, *, from_headers: bool = False) -> None:
    item = declared.item
    for defect in judge_with_values(item, from_headers=from_headers, with_void=declared.is_listed):
        declared.complain(defect, f"{label(item)}: {defect.sentence}")
    if isinstance(item, Binding) and not item.source:
        declared.complain(None, _DEFAULT_EXCHANGE)
    declared.note(item)


def _external(found: Iterable[Declared], left_out: list[tuple[str, str, str]]) -> list[Exchange | Queue]:
    """Return the ends of bindings, and exchanges of topic permissions, that nothing declares."""
    known = {(kind_of(each.item), each.item.name) for each in found if isinstance(each.item, Exchange | Queue)}
    made: dict[End, Exchange | Queue] = {}
    for each in found:
        for kind, name in _ends(each.item):
            is_own = not name or (kind == "exchange" and is_reserved(name))
            if is_own or (kind, name) in known or (kind, name) in made:
                continue
            item: Exchange | Queue = Queue(name=name, external=True)
            if kind == "exchange":
                item = Exchange(name=name, type="", external=True)
            made[kind, name] = item
            left_out.append((f"declarations of {kind}s", name, _NOT_HERE))
            _judge(each._replace(item=item))
    return list(made.values())


def _ends(item: TopologyObject) -> Iterator[End]:
    match item:
        case Binding():
            yield "exchange", item.source
            yield "queue" if item.destination_type == "queue" else "exchange", item.destination
        case TopicPermission():
            yield "exchange", item.exchange
