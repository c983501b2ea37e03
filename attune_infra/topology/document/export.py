"""The topology that a broker reports -> a text to keep, and the objects left out of it, each with a reason.

Such a topology is seldom wrong, but it may be incomplete, since a queue may appear between two requests. It may
also hold objects that no document may, such as those with names that no client can address.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Set
from dataclasses import replace
from enum import Enum, auto
from functools import partial
from typing import Final, TypeAlias

from attune_infra.topology.document.definitions.virtual_host import write_definitions
from attune_infra.topology.document.definitions.whole_broker import write_whole
from attune_infra.topology.document.foreign.kubernetes.write import (
    ClusterReference,
    reason_to_refuse,
    write_kubernetes,
)
from attune_infra.topology.document.foreign.terraform.write import DEFAULT_VHOST, write_terraform
from attune_infra.topology.document.foreign.terraform.write import (
    reason_to_refuse as reason_to_refuse_in_terraform,
)
from attune_infra.topology.document.judge import judge_with_values
from attune_infra.topology.document.sections.parameters import with_placeholders
from attune_infra.topology.document.text import Document, LeftOut, group_left_out, make_portable
from attune_infra.topology.document.write import write
from attune_infra.topology.facts.exchanges import PREDECLARED_EXCHANGES, headers_exchanges, is_reserved
from attune_infra.topology.facts.parameters import unknown_keys
from attune_infra.topology.facts.unavailable import unlisted
from attune_infra.topology.model import (
    NO_PASSWORD,
    Binding,
    End,
    Exchange,
    FederationUpstream,
    GlobalParameter,
    Parameter,
    PasswordHash,
    Permission,
    Queue,
    Shovel,
    TopicPermission,
    Topology,
    TopologyObject,
    User,
    VirtualHost,
    kind_of,
    name_in_kind,
)
from attune_infra.topology.words import plural

_ONLY_WITH_ALL: Final = "`export --all` writes them"
_RABBITMQ: Final = ClusterReference()
_PASSWORDS: Final = "passwords of users"
_OF_NO_VIRTUAL_HOST: Final = frozenset({"virtual hosts", "users", _PASSWORDS, "global parameters"})
"""Kinds of things that are left out of several virtual hosts without the name of one."""
_ONLY_WITH_HASHES: Final = "--password-hashes writes their hashes, which are secrets"
_Kept: TypeAlias = "tuple[Topology, tuple[LeftOut, ...], bool]"
"""The topology to write, the objects left out, and False if something could not be looked at."""
_DOWN: Final = "the queue is down, and RabbitMQ lists no binding of it: export again when its node runs"


class Extent(Enum):
    """The part of a topology that is written."""

    USUAL = auto()
    """All that needs no administrator: no operator policies and no controls."""
    WITH_USERS = auto()
    """The same, with users, permissions and topic permissions."""
    EVERYTHING = auto()

    def of(self, topology: Topology) -> Topology:
        """Return this part of a topology; the settings of its virtual host are in each."""
        if self is Extent.EVERYTHING:
            return topology
        usual = replace(topology.without_access(), virtual_host=topology.virtual_host)
        if self is Extent.USUAL:
            return usual
        users, permissions, topics = topology.users, topology.permissions, topology.topic_permissions
        return replace(usual, users=users, permissions=permissions, topic_permissions=topics)


def as_document(
    topology: Topology, *, extent: Extent = Extent.EVERYTHING, password_hashes: bool = False
) -> Document:
    """Return a document that creates the same topology in an empty virtual host.

    The hashes of passwords are written only if asked for, since they are secrets.
    """
    keep = partial(_kept_for_document, extent=extent, password_hashes=password_hashes)
    kept, left_out, is_whole = _kept_of_each(topology, keep) if topology.virtual_hosts else keep(topology)
    return Document(write(kept), left_out, is_whole=is_whole)


def _kept_of_each(topology: Topology, keep: Callable[[Topology], _Kept]) -> _Kept:
    """Return what is kept of several virtual hosts; what is left out of each is named with it."""
    found, notes, is_whole = dict[str, Topology](), list[tuple[str, str, str]](), True
    for name, each in topology.virtual_hosts.items():
        is_first = not found  # which has what belongs to the whole broker
        kept, lacking, whole = keep(each if is_first else replace(each, users={}, global_parameters={}))
        found[name] = replace(kept, virtual_host=kept.virtual_host or VirtualHost(name=name))
        for item in lacking:
            why = item.why if item.kind in _OF_NO_VIRTUAL_HOST else f"{item.why} (virtual host {name})"
            notes += ((item.kind, what, why) for what in item.names)
        is_whole = is_whole and whole
    return replace(topology, virtual_hosts=found), group_left_out(notes), is_whole


def _kept_for_document(topology: Topology, *, extent: Extent, password_hashes: bool) -> _Kept:
    hashed = [] if password_hashes else [name for name, user in topology.users.items() if _has_hash(user)]
    if hashed:
        users = {name: replace(topology.users[name], password=None) for name in hashed}
        topology = replace(topology, users={**topology.users, **users})
    headers = headers_exchanges(topology.exchanges)
    open_topology, notes = _without_passwords(topology)
    kept, left_out, is_whole = _kept(open_topology, lambda item: _reason_to_refuse(item, headers), extent=extent)
    notes += [(_PASSWORDS, name, _ONLY_WITH_HASHES) for name in sorted(hashed) if extent.of(topology).users]
    return kept, (*group_left_out(notes), *left_out), is_whole


def _has_hash(user: User) -> bool:
    return isinstance(user.password, PasswordHash) and user.password != NO_PASSWORD


def _without_passwords(topology: Topology) -> tuple[Topology, list[tuple[str, str, str]]]:
    """Return a topology with references in place of URIs with passwords, and a note of each."""
    items, notes = list[TopologyObject](), list[tuple[str, str, str]]()
    place = topology.virtual_host.name if topology.virtual_host else ""
    for item in topology.objects():
        changed: TopologyObject = item
        names: list[str] = []
        if isinstance(item, FederationUpstream | Shovel):
            changed, names = with_placeholders(item, place)
        items.append(changed)
        if names:
            kind = f"URIs with passwords of {plural(kind_of(item))}"
            notes.append((kind, name_in_kind(item), f"the document names the environment: set {', '.join(names)}"))
    return (topology.holding(items) if notes else topology), notes


def as_definitions(
    topology: Topology, *, extent: Extent = Extent.EVERYTHING, password_hashes: bool = False
) -> Document:
    """Return definitions that create the same topology if RabbitMQ loads them into an empty virtual host."""
    if topology.virtual_hosts:
        return _several_as_definitions(topology, extent=extent, password_hashes=password_hashes)
    document = _export(
        topology,
        lambda kept: Document(write_definitions(kept)),
        _reason_to_refuse_in_json,
        extent=extent,
    )
    return document.leaving_out(group_left_out(_only_in_documents(topology)))


def _several_as_definitions(topology: Topology, *, extent: Extent, password_hashes: bool) -> Document:
    refuse = partial(_reason_to_refuse_in_whole, password_hashes=password_hashes)

    def keep(each: Topology) -> _Kept:
        kept, left_out, is_whole = _kept(each, refuse, extent=extent)
        return kept, (*left_out, *group_left_out(_only_in_documents(each))), is_whole

    whole, left_out, is_whole = _kept_of_each(topology, keep)
    return Document(write_whole(whole), left_out, is_whole=is_whole)


def as_kubernetes(
    topology: Topology, *, extent: Extent = Extent.EVERYTHING, cluster: ClusterReference = _RABBITMQ
) -> Document:
    """Return resources of the topology operator that create the same topology with this cluster."""
    return _as_resources(
        topology, lambda kept: write_kubernetes(kept, cluster), lambda _: reason_to_refuse, extent=extent
    )


def as_terraform(
    topology: Topology, *, extent: Extent = Extent.EVERYTHING, with_imports: bool = False
) -> Document:
    """Return resources of Terraform's provider that create the same topology; `with_imports` if it exists."""

    def refusal(each: Topology) -> Callable[[TopologyObject], str | None]:
        vhost = each.vhost or DEFAULT_VHOST
        return lambda item: reason_to_refuse_in_terraform(item, vhost)

    return _as_resources(
        topology, lambda kept: write_terraform(kept, with_imports=with_imports), refusal, extent=extent
    )


def _as_resources(
    topology: Topology,
    writer: Callable[[Topology], Document],
    refusal: Callable[[Topology], Callable[[TopologyObject], str | None]],
    *,
    extent: Extent,
) -> Document:
    """Return resources of another program; `refusal` returns its reasons to refuse objects of a virtual host."""

    def keep(each: Topology) -> _Kept:
        kept, left_out, is_whole = _kept(each, refusal(each), extent=extent)
        return kept, (*group_left_out(_only_in_documents(each)), *left_out), is_whole

    kept, left_out, is_whole = _kept_of_each(topology, keep) if topology.virtual_hosts else keep(topology)
    made = writer(kept if topology.virtual_hosts else replace(kept, name=topology.vhost))
    return replace(made, left_out=(*left_out, *made.left_out), is_whole=is_whole)


def _only_in_documents(topology: Topology) -> Iterator[tuple[str, str, str]]:
    """Yield the objects of a document that no other form has a place for."""
    for item in topology.objects():
        if isinstance(item, Exchange | Queue) and item.external:
            yield plural(kind_of(item)), item.name, "their owner declares them"
    for queue in topology.workers.queues if topology.workers else ():
        yield "queues of workers", queue.name, "`worker provision` makes them, for each worker"


def _export(
    topology: Topology,
    writer: Callable[[Topology], Document],
    refuse: Callable[[TopologyObject], str | None],
    *,
    extent: Extent,
) -> Document:
    kept, left_out, is_whole = _kept(topology, refuse, extent=extent)
    made = writer(kept)
    return replace(made, left_out=(*left_out, *made.left_out), is_whole=is_whole)


def _kept(topology: Topology, refuse: Callable[[TopologyObject], str | None], *, extent: Extent) -> _Kept:
    kept: list[TopologyObject] = []
    names = () if extent is Extent.EVERYTHING else sorted(topology.operator_policies)
    left_out = [("operator policies", name, _ONLY_WITH_ALL) for name in names]
    lacking = unlisted(topology)
    left_out += [("all bindings of queue", name, _DOWN) for name in lacking]
    ends = {("exchange", name) for name in PREDECLARED_EXCHANGES}
    for item in extent.of(topology).objects():
        if why := _reason_to_leave_out(item, ends) or refuse(item):
            left_out.append((plural(kind_of(item)), name_in_kind(item), why))
            continue
        kept.append(item)
        if isinstance(item, Exchange | Queue):
            ends.add((kind_of(item), item.name))
    found = topology.holding(kept)
    portable = found if found.virtual_host else make_portable(found)
    return portable, group_left_out(left_out), not lacking


def _reason_to_leave_out(item: TopologyObject, ends: Set[End]) -> str | None:
    """Return the reason why an object cannot exist elsewhere, None if it can; `ends` are those of bindings."""
    match item:
        case Queue(exclusive=True):
            return "they belong to one connection, and RabbitMQ deletes them with it"
        case Binding(key_is_text=False):
            return "their routing keys are missing or not strings"
        case Binding():
            if ("exchange", item.source) not in ends and not is_reserved(item.source):
                return f"exchange {item.source} does not exist or was left out"
            if (item.destination_type, item.destination) not in ends:
                return f"{item.destination_type} {item.destination} does not exist or was left out"
    return None


def _reason_to_refuse(item: TopologyObject, headers: Set[str]) -> str | None:
    """Return the reason why `parse` would refuse an object, None if it would accept it."""
    if isinstance(item, Parameter) and (unknown := unknown_keys(item)):
        return f"no document has their key {unknown[0]}"
    from_headers = isinstance(item, Binding) and item.source in headers
    for defect in judge_with_values(item, from_headers=from_headers, with_void=True):
        return defect.sentence
    return None


def _reason_to_refuse_in_whole(item: TopologyObject, *, password_hashes: bool) -> str | None:
    """Return the reason why definitions of a whole broker cannot hold an object, None if they can."""
    if isinstance(item, User) and not isinstance(item.password, PasswordHash):
        return "definitions hold users with the hashes of their passwords, which are not known here"
    if isinstance(item, User) and not password_hashes:
        return "definitions hold users with the hashes of their passwords: see --password-hashes"
    is_whole = isinstance(item, VirtualHost | User | Permission | TopicPermission | GlobalParameter)
    is_open = not isinstance(item, Parameter | GlobalParameter) or item.held is None
    return None if is_whole and is_open else _reason_to_refuse_in_json(item)


def _reason_to_refuse_in_json(item: TopologyObject) -> str | None:
    """Return the reason why definitions cannot hold an object, None if they can."""
    if isinstance(item, Binding) and None in item.arguments.values():
        return "they match any value of a header, which definitions cannot say; a document can"
    if isinstance(item, VirtualHost):
        return "definitions of one virtual host do not hold its settings; a document can"
    if isinstance(item, User | Permission | TopicPermission):
        return "RabbitMQ loads none into a single virtual host; `export --users` writes definitions that hold them"
    if isinstance(item, GlobalParameter):
        return "they belong to the whole broker; a document can hold them"
    if isinstance(item, Parameter) and item.held is not None:
        return "their URIs are secret; a document can name where they are"
    return None
