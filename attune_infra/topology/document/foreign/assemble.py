"""Objects that another program's file declares -> the topology of one virtual host, or of all of them.

Each object is judged. The file need not declare both ends of a binding, since another one may; such an end becomes
an external object.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from attune_infra.topology.document.definitions.choice import choose_virtual_host
from attune_infra.topology.document.judge import Defect, judge_with_values
from attune_infra.topology.document.places import Places
from attune_infra.topology.document.text import make_portable
from attune_infra.topology.facts.exchanges import headers_exchanges, is_reserved
from attune_infra.topology.model import (
    Binding,
    End,
    Exchange,
    Queue,
    TopicPermission,
    Topology,
    TopologyObject,
    VirtualHost,
    as_read,
    freeze,
    kind_of,
    label,
)

_NOT_HERE: Final = "this file does not declare them, so the document calls them external"
_DEFAULT_EXCHANGE: Final = "the default exchange takes no bindings; its routing keys are names of queues"
_NOT_CHOSEN: Final = "--vhost names another one; without it, `import` reads all"
_ONLY_WITH_ALL: Final = "a document without virtual_hosts has no place for them; `import --all` reads them"

_Note = tuple[str, str, str]


class Declared(NamedTuple):
    """An object, a function that reports a problem with it, and one that remembers its place.

    The arguments of a binding are those that the file wants, or if it `is_listed` those that a broker lists, which
    calls void `undefined`.
    """

    item: TopologyObject
    complain: Callable[[Defect | None, str], None]
    note: Callable[[TopologyObject], None]
    is_listed: bool = False


class Placed(NamedTuple):
    """An object of a virtual host, or with None of the whole broker; its places are kept in those given."""

    vhost: str | None
    declare: Callable[[Places], Declared]


class Wish(NamedTuple):
    """The file, and the virtual host to read of it; without one, all that it names.

    Only one becomes a document without `virtual_hosts`, unless `everything` is asked for.
    """

    source: str
    vhost: str | None
    everything: bool


def assemble_file(
    found: Sequence[Placed], wish: Wish, places: Places, left_out: list[_Note]
) -> tuple[Topology, str | None]:
    """Return the topology of a file, and the virtual host that it is of; None if it has several.

    Raise `InvalidInput` if the file has nothing in the virtual host that is asked for.
    """
    known = {each.vhost for each in found if each.vhost is not None}
    if wish.vhost is None and (len(known) > 1 or (wish.everything and known)):
        return _assemble_several(found, sorted(known), places, left_out), None
    chosen = choose_virtual_host(known, known, wish.source, asked=wish.vhost)
    left_out += [("other virtual hosts", name, _NOT_CHOSEN) for name in sorted(known - {chosen})]
    mine = [each.declare(places) for each in found if each.vhost in {chosen, None}]
    topology = assemble(mine, chosen, left_out=left_out)
    left_out += _settings_without_place(topology.virtual_host)
    return make_portable(replace(topology, virtual_host=None)), chosen or None


def _assemble_several(
    found: Sequence[Placed], names: Sequence[str], places: Places, left_out: list[_Note]
) -> Topology:
    """Return a topology for each virtual host; the first one has what belongs to the whole broker."""
    shares: dict[str, list[Placed]] = defaultdict(list)
    for each in found:
        shares[names[0] if each.vhost is None else each.vhost].append(each)
    made: dict[str, Topology] = {}
    for name in names:
        notes: list[_Note] = []
        topology = assemble([each.declare(places.within(name)) for each in shares[name]], name, left_out=notes)
        settings = topology.virtual_host or VirtualHost(name=name)
        made[name] = replace(topology, name="", virtual_host=settings)
        left_out += [(kind, what, f"{why} (virtual host {name})") for kind, what, why in notes]
    return Topology(virtual_hosts=made)


def _settings_without_place(settings: VirtualHost | None) -> Iterator[_Note]:
    """Yield the settings that a document of one virtual host cannot hold; its queues name the default type."""
    if settings is not None and settings.description:
        yield "descriptions of virtual hosts", settings.name, _ONLY_WITH_ALL
    if settings is not None and settings.tags:
        yield "tags of virtual hosts", settings.name, _ONLY_WITH_ALL


def assemble(found: Sequence[Declared], vhost: str, *, left_out: list[_Note]) -> Topology:
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
    types = (each.default_queue_type for each in objects if isinstance(each, VirtualHost))
    external = _external(known.values(), left_out)
    return Topology.of([*objects, *external], name=vhost, default_queue_type=next(types, None) or "classic")


def _values(item: TopologyObject) -> tuple[TopologyObject, object]:
    return item, freeze(getattr(item, "definition", getattr(item, "arguments", None)))


def _judge(declared: Declared, *, from_headers: bool = False) -> None:
    item = declared.item
    for defect in judge_with_values(item, from_headers=from_headers, with_void=declared.is_listed):
        declared.complain(defect, f"{label(item)}: {defect.sentence}")
    if isinstance(item, Binding) and not item.source:
        declared.complain(None, _DEFAULT_EXCHANGE)
    declared.note(item)


def _external(found: Iterable[Declared], left_out: list[_Note]) -> list[Exchange | Queue]:
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
