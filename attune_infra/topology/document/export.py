"""What a broker reports -> a text to keep, with what could not be written down, and why.

A topology that was read is seldom wrong, but it need not be whole (a queue may come between two questions) or
such as a document may hold (there may be names that nobody can address).
"""

from __future__ import annotations

from collections.abc import Callable, Set

from attune_infra.topology.document.definitions import write_definitions
from attune_infra.topology.document.judge import OWN_HEADERS_EXCHANGES, judge_with_values
from attune_infra.topology.document.text import OPERATOR_POLICY, Document, gathered, portable
from attune_infra.topology.document.write import write
from attune_infra.topology.facts.names import PREDECLARED_EXCHANGES
from attune_infra.topology.model import Binding, Exchange, Policy, Queue, Topology, TopologyObject, label


def as_document(topology: Topology) -> Document:
    """Return a document that makes the same in a virtual host where nothing is."""
    headers = {item.name for item in topology.exchanges.values() if item.type == "headers"}
    headers |= OWN_HEADERS_EXCHANGES
    return _exported(topology, write, lambda item: _refused(item, headers))


def as_definitions(topology: Topology) -> Document:
    """Return definitions that make the same where RabbitMQ loads them into a virtual host that is empty."""
    return _exported(topology, write_definitions, lambda _: None)


def _exported(
    topology: Topology, writer: Callable[[Topology], str], refused: Callable[[TopologyObject], str | None]
) -> Document:
    kept: list[TopologyObject] = []
    left_out = [("operator policies", name, OPERATOR_POLICY) for name in sorted(topology.operator_policies)]
    ends = {("exchange", name) for name in PREDECLARED_EXCHANGES}
    for item in topology.objects():  # bindings come last
        if why := _loose(item, ends) or refused(item):
            left_out.append((_kind(item), label(item).partition(" ")[2], why))
            continue
        kept.append(item)
        if isinstance(item, Exchange | Queue):
            ends.add((type(item).__name__.lower(), item.name))
    whole = Topology.of(kept, name=topology.name, default_queue_type=topology.default_queue_type)
    return Document(writer(portable(whole)), gathered(left_out))


def _loose(item: TopologyObject, ends: Set[tuple[str, str]]) -> str | None:
    """Return why an object cannot stand without what is not there, or None if it can."""
    match item:
        case Queue(exclusive=True):
            return "they belong to one connection, and RabbitMQ deletes them with it"
        case Binding():
            for kind, name in (("exchange", item.source), (item.destination_type, item.destination)):
                if (kind, name) not in ends and not (name == item.source and name.startswith("amq.")):
                    return f"{kind} {name} does not exist or was left out"
    return None


def _refused(item: TopologyObject, headers: Set[str]) -> str | None:
    """Return why `parse` would refuse an object, or None if it would not."""
    from_headers = isinstance(item, Binding) and item.source in headers
    for defect in judge_with_values(item, from_headers=from_headers):
        return defect.sentence
    return None


def _kind(item: TopologyObject) -> str:
    return "policies" if isinstance(item, Policy) else f"{type(item).__name__.lower()}s"
