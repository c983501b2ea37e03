"""YAML text -> Topology; every problem at once, each with its line and column.

This room knows the shape of a document and what RabbitMQ refuses on every version since 3.10. It does not judge
what depends on the version, nor whether a topology is wise.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

import yaml

from attune_infra.topology.document.keys import (
    CONSUMER_TAG,
    DOCUMENT_KEYS,
    SECTION_OF_VIRTUAL_HOSTS,
    WORKERS_KEYS,
)
from attune_infra.topology.document.large import Doubtful, LargeDocument, is_large
from attune_infra.topology.document.nodes import is_null
from attune_infra.topology.document.places import Claim, Places
from attune_infra.topology.document.problems import InvalidDocument
from attune_infra.topology.document.sections.controls import read_controls
from attune_infra.topology.document.sections.demands import read_demands
from attune_infra.topology.document.sections.objects import Objects, Parts
from attune_infra.topology.document.sections.routes import read_routes
from attune_infra.topology.document.sections.suppressions import read_suppressions
from attune_infra.topology.document.sections.users import read_users
from attune_infra.topology.document.sections.virtual_hosts import read_virtual_hosts
from attune_infra.topology.document.variables import Values, fill, resolved
from attune_infra.topology.facts.names import pattern_problem, routing_key_problem
from attune_infra.topology.model import (
    Binding,
    Exchange,
    OperatorPolicy,
    Policy,
    Queue,
    Topology,
    TopologyObject,
    VirtualHost,
    WorkerFamily,
    kind_of,
    label,
)
from attune_infra.topology.worker import HIGHEST_ID, PLACEHOLDER

_NO_VALUES: Final[Values] = {}


def parse(text: str, *, source: str, values: Values = _NO_VALUES) -> Topology:
    """Read a topology document; raise `InvalidDocument` with all its problems, `source` before each.

    The `values` are those of its variables.
    """
    return _read_large(text, None, values) or _read(Objects(text), source, values)


def parse_with_places(text: str, *, source: str, values: Values = _NO_VALUES) -> tuple[Topology, Places]:
    """Read a topology document, and return the places of its objects too, which takes longer."""
    places = Places()
    if found := _read_large(text, places, values):
        return found, places
    places = Places()  # without those of a large document that has a problem
    return _read(Objects(text, places=places), source, values), places


def resolve(text: str, *, source: str, values: Values = _NO_VALUES) -> str:
    """Return a document with the values of its variables in their places; raise as `parse` does.

    The text still has its comments, and describes the same topology.
    """
    parse(text, source=source, values=values)
    return resolved(text, values)


def _read_large(text: str, places: Places | None, values: Values) -> Topology | None:
    """Return the topology of a large document; None if it is not large, or might have a problem."""
    if not is_large(text):
        return None
    document = LargeDocument(text, places=places)
    try:
        root = document.root()
        fill(document, root, values)
        return read_root(document, root)
    except Doubtful:
        return None


def _read(document: Objects, source: str, values: Values) -> Topology:
    root = document.root()
    fill(document, root, values)
    topology = read_root(document, root)
    if document.problems:
        raise InvalidDocument(source, document.problems)
    return topology


def read_root(document: Objects, root: yaml.Node | None) -> Topology:
    """Return the topology of a document whose variables are filled; its problems are in the document."""
    document.settle()
    keys = document.mapping(root, "the document", DOCUMENT_KEYS)
    if "extends" in keys:
        document.problem(keys["extends"], "only a document in a file can extend another one")
    if SECTION_OF_VIRTUAL_HOSTS not in keys:
        return _read_topology(document, keys)
    found = dict(read_virtual_hosts(document, keys, _read_topology))
    return Topology(
        name=document.string(keys.get("topology"), ""),
        virtual_hosts=_with_users_elsewhere(found),
        demands=read_demands(document, keys),
    )


def _with_users_elsewhere(found: Mapping[str, Topology]) -> Mapping[str, Topology]:
    """Tell the first virtual host of the users that others permit, and the others of the users that it has."""
    if not found:
        return found
    (first, with_users), *others = found.items()
    permitted = frozenset[str]().union(*(each.permissions for _, each in others))
    declared = frozenset(with_users.users)
    return {
        first: replace(with_users, permitted_elsewhere=permitted),
        **{name: replace(each, users_elsewhere=declared) for name, each in others},
    }


def _read_topology(
    document: Objects, keys: Mapping[str, yaml.Node], virtual_host: VirtualHost | None = None
) -> Topology:
    """Return the topology of one virtual host; without its settings, that of the URL."""
    objects: list[TopologyObject] = [
        *([virtual_host] if virtual_host else ()),
        *document.exchanges(keys.get("exchanges")),
        *document.queues(keys.get("queues"), fill=str),
        *document.policies(keys.get("policies"), Policy),
        *document.policies(keys.get("operator_policies"), OperatorPolicy),
    ]
    if "super_streams" in keys:
        objects += _super_streams(document, keys["super_streams"], objects)
    objects += read_users(document, keys.get("users"))
    objects += read_controls(document, keys, {item.name for item in objects if isinstance(item, Exchange)})
    topology = Topology.of(
        objects,
        name=document.string(keys.get("topology"), ""),
        workers=_workers(document, keys.get("workers")),
        manages=tuple(_pattern(document, item) for item in document.sequence(keys.get("manages"), "manages")),
        suppressions=tuple(read_suppressions(document, keys.get("lint"))),
        default_queue_type=(virtual_host and virtual_host.default_queue_type) or "classic",
    )
    document.check_bindings(topology.exchanges)
    routes = tuple(read_routes(document, keys.get("routes"), topology))
    users = document.sequence(keys.get("manages_users"), "manages_users")
    managed = tuple(_pattern(document, each) for each in users)
    return replace(topology, routes=routes, manages_users=managed, demands=read_demands(document, keys))


def _super_streams(
    document: Objects, node: yaml.Node, others: Iterable[TopologyObject]
) -> Iterator[TopologyObject]:
    """Yield the objects of super streams; report those that stand in the document on their own too."""
    known = {(kind_of(item), item.name) for item in others if isinstance(item, Exchange | Queue)}
    for item in document.super_streams(node):
        if isinstance(item, Exchange | Queue) and (kind_of(item), item.name) in known:
            document.problem(node, f"{label(item)} of a super stream is declared on its own too")
        yield item


def _pattern(document: Objects, node: yaml.Node) -> str:
    pattern = document.string(node, "")
    if what := pattern_problem(pattern):
        document.problem(node, f"the pattern {what}")
    document.note(Claim(pattern), Parts(node, {}, {}))
    return pattern


def _workers(document: Objects, node: yaml.Node | None) -> WorkerFamily | None:
    if node is None or is_null(node):
        return None
    keys = document.mapping(node, "workers", WORKERS_KEYS)
    for name, entry in document.entries(keys.get("queues"), "queues").items():
        if name.count(PLACEHOLDER) != 1:
            document.problem(entry.key, f"worker queue '{name}' must hold {PLACEHOLDER} once")
    objects = tuple(document.queues(keys.get("queues"), fill=_with_the_highest_id))
    if any(isinstance(item, Queue) and item.external for item in objects):
        document.problem(node, "the queues of workers cannot be external: each worker owns its own")
    if not objects:
        document.problem(node, "workers have no queues")
    return WorkerFamily(
        consumer_tag=_consumer_tag(document, keys.get("consumer_tag")),
        queues=tuple(item for item in objects if isinstance(item, Queue)),
        bindings=tuple(item for item in objects if isinstance(item, Binding)),
    )


def _consumer_tag(document: Objects, node: yaml.Node | None) -> str:
    tag = document.string(node, CONSUMER_TAG)
    if node is not None and PLACEHOLDER not in tag:
        document.problem(node, f"consumer_tag '{tag}' does not hold {PLACEHOLDER}")
    if node is not None and (what := routing_key_problem(_with_the_highest_id(tag))):
        document.problem(node, f"the consumer tag {what}")
    return tag


def _with_the_highest_id(template: str) -> str:
    return template.replace(PLACEHOLDER, str(HIGHEST_ID))
