"""YAML nodes -> the routes of a document: the messages that it publishes as tests, and the queues they reach."""

from __future__ import annotations

from collections.abc import Iterator

import yaml

from attune_infra.topology.document.keys import PUBLISH_KEYS, ROUTE_KEYS
from attune_infra.topology.document.nodes import is_null, place_of
from attune_infra.topology.document.places import Place
from attune_infra.topology.document.sections.objects import Objects
from attune_infra.topology.facts.exchanges import is_reserved, parse_exchange_name
from attune_infra.topology.facts.names import routing_key_problem
from attune_infra.topology.facts.tables import table_problems
from attune_infra.topology.model import Message, Route, Topology, freeze
from attune_infra.topology.worker import owner_of


def read_routes(document: Objects, node: yaml.Node | None, topology: Topology) -> Iterator[Route]:
    """Yield the routes of a document whose other sections are the topology."""
    places: dict[object, Place] = {}
    for item in document.sequence(node, "routes"):
        keys = document.mapping(item, "a route", ROUTE_KEYS)
        for required in ROUTE_KEYS:
            if required not in keys and (isinstance(item, yaml.MappingNode) or is_null(item)):
                document.problem(item, f"a route has no {required}")
        if "publish" not in keys or "reaches" not in keys:
            continue
        message = _message(document, keys["publish"], topology)
        place, same = place_of(item), (message, freeze(dict(message.headers)))
        if same in places:
            first = places[same].seen_from(place)
            document.problem(item, f"duplicate route; the one {first} publishes the same message")
        places.setdefault(same, place)
        reaches = tuple(_queues(document, keys["reaches"], topology))
        yield Route(publish=message, reaches=reaches, place=place[:2], source=place.source)


def _message(document: Objects, node: yaml.Node, topology: Topology) -> Message:
    keys = document.mapping(node, "publish", PUBLISH_KEYS)
    if "exchange" not in keys and (isinstance(node, yaml.MappingNode) or is_null(node)):
        document.problem(node, "publish has no exchange; write amq.default for the default exchange")
    exchange = parse_exchange_name(document.string(keys.get("exchange"), ""))
    if exchange and exchange not in topology.exchanges and not is_reserved(exchange):
        close = document.guess(exchange, topology.exchanges)
        document.problem(keys["exchange"], f"no exchange '{exchange}' in {document.here}{close}")
    routing_key = document.string(keys.get("routing_key"), "")
    if what := routing_key_problem(routing_key):
        document.problem(keys["routing_key"], f"the routing key {what}")
    headers = document.values(document.entries(keys.get("headers"), "headers"))
    for found in table_problems(headers, "header"):
        document.problem(keys["headers"], found.sentence)
    return Message(exchange=exchange, routing_key=routing_key, headers=headers)


def _queues(document: Objects, node: yaml.Node, topology: Topology) -> Iterator[str]:
    if is_null(node):
        document.problem(node, "reaches must be a list; write [] if the message reaches no queue")
    for item in document.sequence(node, "reaches"):
        name = document.string(item, "")
        of_a_worker = topology.workers is not None and owner_of(topology.workers, name) is not None
        if name and name not in topology.queues and not of_a_worker:
            close = document.guess(name, topology.queues)
            document.problem(item, f"no queue '{name}' in {document.here}{close}")
        yield name
