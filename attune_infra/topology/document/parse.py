"""YAML text -> Topology; every problem at once, each with its line and column.

Knows the shape of a document and what RabbitMQ refuses on every version since 3.10. What depends on the version,
and whether a topology is wise, is not asked here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple, TypeAlias

import yaml

from attune_infra.topology.document.judge import OWN_HEADERS_EXCHANGES, Defect, judge
from attune_infra.topology.document.nodes import Entry, Nodes, is_null, place_of
from attune_infra.topology.document.places import Places
from attune_infra.topology.document.problems import InvalidDocument
from attune_infra.topology.facts.names import (
    PREDECLARED_EXCHANGES,
    pattern_problem,
    published_to,
    routing_key_problem,
)
from attune_infra.topology.model import (
    Argument,
    Binding,
    Exchange,
    Message,
    Policy,
    Queue,
    Route,
    Suppression,
    Topology,
    TopologyObject,
    WorkerFamily,
    frozen,
)
from attune_infra.topology.worker import HIGHEST_ID, PLACEHOLDER, owner_of

DOCUMENT_KEYS: Final = ("topology", "manages", "exchanges", "queues", "policies", "workers", "routes", "lint")
EXCHANGE_KEYS: Final = ("type", "durable", "auto_delete", "internal", "arguments", "bindings")
PREDECLARED_EXCHANGE_KEYS: Final = ("bindings",)
QUEUE_KEYS: Final = ("type", "durable", "auto_delete", "arguments", "bindings")
BINDING_KEYS: Final = ("exchange", "routing_key", "arguments")
POLICY_KEYS: Final = ("pattern", "definition", "apply_to", "priority")
WORKERS_KEYS: Final = ("consumer_tag", "queues")
ROUTE_KEYS: Final = ("publish", "reaches")
PUBLISH_KEYS: Final = ("exchange", "routing_key", "headers")
LINT_KEYS: Final = ("ignore",)
SUPPRESSION_KEYS: Final = ("rule", "object", "reason")

RULE_CODE: Final = "AI[0-9]{3}"
"""What the code of a rule of `lint` looks like."""


CONSUMER_TAG: Final = f"worker-{PLACEHOLDER}"
"""What a worker's consumer tag is if the document does not say."""

_Keys: TypeAlias = Mapping[str, yaml.Node]
_Entries: TypeAlias = Mapping[str, Entry]
_Fill: TypeAlias = Callable[[str], str]


class _Parts(NamedTuple):
    """The nodes of an object: its name (or the binding), its keys, and its arguments or definition."""

    start: yaml.Node
    keys: _Keys
    arguments: _Entries

    def at(self, defect: Defect) -> yaml.Node | None:
        """Return the node at fault; None if it has a problem of its own, since it is missing or unreadable."""
        match defect.part:
            case "name":
                return self.start
            case "type" if "x-queue-type" in self.arguments:
                return self.arguments["x-queue-type"].value
            case "definition" if self.arguments:
                return None
        if defect.part in self.keys:
            return self.keys[defect.part]
        entry = self.arguments.get(defect.part)
        if entry is None:
            return None
        return entry.key if defect.in_key else entry.value


def parse(text: str, *, source: str) -> Topology:
    """Read a topology document; raise `InvalidDocument` naming all its problems, `source` before each."""
    return _parsed(_Document(text), source)


def parse_with_places(text: str, *, source: str) -> tuple[Topology, Places]:
    """Do the same, and return as well where in the document everything stands; that takes longer."""
    places = Places()
    return _parsed(_Document(text, places=places), source), places


def _parsed(document: _Document, source: str) -> Topology:
    topology = document.topology()
    if document.problems:
        raise InvalidDocument(source, document.problems)
    return topology


@dataclass(slots=True)
class _Document(Nodes):
    """A document on its way to a topology. `bound` are its bindings, judged when all exchanges are known."""

    bound: list[tuple[Binding, _Parts]] = field(default_factory=list)
    places: Places | None = None

    def topology(self) -> Topology:
        root = self.root()
        keys = self.mapping(root, "the document", DOCUMENT_KEYS)
        objects = [
            *self.exchanges(keys.get("exchanges")),
            *self.queues(keys.get("queues"), fill=str),
            *self.policies(keys.get("policies")),
        ]
        topology = Topology.of(
            objects,
            name=self.string(keys.get("topology"), ""),
            workers=self.workers(keys.get("workers")),
            manages=tuple(self.pattern(item) for item in self.sequence(keys.get("manages"), "manages")),
            suppressions=tuple(self.suppressions(keys.get("lint"))),
        )
        self.check_bindings(topology.exchanges)
        return replace(topology, routes=tuple(self.routes(keys.get("routes"), topology)))

    def exchanges(self, node: yaml.Node | None) -> Iterator[TopologyObject]:
        for name, entry in self.entries(node, "exchanges").items():
            if name in PREDECLARED_EXCHANGES:
                what = f"exchange '{name}', which is RabbitMQ's own"
                keys = self.mapping(entry.value, what, PREDECLARED_EXCHANGE_KEYS)
            else:
                keys = self.mapping(entry.value, f"exchange '{name}'", EXCHANGE_KEYS)
                yield self.exchange(name, entry.key, keys)
            yield from self.bindings(keys.get("bindings"), name, "exchange", fill=str)

    def exchange(self, name: str, start: yaml.Node, keys: _Keys) -> Exchange:
        arguments = self.entries(keys.get("arguments"), "arguments")
        exchange = Exchange(
            name=name,
            type=self.string(keys.get("type"), "direct"),
            durable=self.boolean(keys.get("durable"), default=True),
            auto_delete=self.boolean(keys.get("auto_delete"), default=False),
            internal=self.boolean(keys.get("internal"), default=False),
            arguments=self.values(arguments),
        )
        parts = _Parts(start, keys, arguments)
        self.judge(exchange, parts)
        self.note(exchange, parts)
        return exchange

    def queues(self, node: yaml.Node | None, *, fill: _Fill) -> Iterator[Queue | Binding]:
        for name, entry in self.entries(node, "queues").items():
            keys = self.mapping(entry.value, f"queue '{name}'", QUEUE_KEYS)
            yield self.queue(name, entry.key, keys, fill)
            yield from self.bindings(keys.get("bindings"), name, "queue", fill=fill)

    def queue(self, name: str, start: yaml.Node, keys: _Keys, fill: _Fill) -> Queue:
        arguments = self.entries(keys.get("arguments"), "arguments")
        values = self.values(arguments)
        values.pop("x-queue-type", None)
        queue = Queue(
            name=name,
            type=self.queue_type(keys.get("type"), arguments.get("x-queue-type")),
            durable=self.boolean(keys.get("durable"), default=True),
            auto_delete=self.boolean(keys.get("auto_delete"), default=False),
            arguments=values,
        )
        parts = _Parts(start, keys, arguments)
        self.judge(queue if fill is str else replace(queue, name=fill(name)), parts)
        self.note(queue, parts)
        return queue

    def queue_type(self, node: yaml.Node | None, argument: Entry | None) -> str | None:
        """Return the type, which may stand beside the arguments, among them, or in both places."""
        beside = self.string(node, "") or None
        if argument is None:
            return beside
        before = len(self.problems)
        among = self.string(argument.value, "")
        if len(self.problems) > before:
            return beside
        if beside not in {None, among}:
            self.problem(argument.value, f"x-queue-type is '{among}', but the type is '{beside}'")
        return among

    def bindings(
        self, node: yaml.Node | None, destination: str, destination_type: str, *, fill: _Fill
    ) -> Iterator[Binding]:
        lines: dict[Binding, int] = {}
        for item in self.sequence(node, "bindings"):
            keys = self.mapping(item, "a binding", BINDING_KEYS)
            if "exchange" not in keys:
                if isinstance(item, yaml.MappingNode) or is_null(item):
                    self.problem(item, f"a binding of '{destination}' names no exchange")
                continue
            arguments = self.entries(keys.get("arguments"), "arguments")
            binding = Binding(
                source=self.string(keys["exchange"], ""),
                destination=destination,
                destination_type=destination_type,
                routing_key=self.string(keys.get("routing_key"), ""),
                arguments=self.values(arguments),
            )
            known = len(lines)
            line = lines.setdefault(binding, item.start_mark.line + 1)
            if len(lines) == known:
                self.problem(item, f"the same binding is there already, in line {line}")
            parts = _Parts(item, keys, arguments)
            filled = binding if fill is str else replace(binding, routing_key=fill(binding.routing_key))
            self.bound.append((filled, parts))
            self.note(binding, parts)
            yield binding

    def policies(self, node: yaml.Node | None) -> Iterator[Policy]:
        for name, entry in self.entries(node, "policies").items():
            keys = self.mapping(entry.value, f"policy '{name}'", POLICY_KEYS)
            for required in ("pattern", "definition"):
                if required not in keys:
                    self.problem(entry.key, f"policy '{name}' has no {required}")
            definition = self.entries(keys.get("definition"), "definition")
            policy = Policy(
                name=name,
                pattern=self.string(keys.get("pattern"), ""),
                definition=self.values(definition),
                apply_to=self.string(keys.get("apply_to"), "all"),
                priority=self.integer(keys.get("priority"), 0),
            )
            parts = _Parts(entry.key, keys, definition)
            self.judge(policy, parts)
            self.note(policy, parts)
            yield policy

    def pattern(self, node: yaml.Node) -> str:
        pattern = self.string(node, "")
        if what := pattern_problem(pattern):
            self.problem(node, what)
        return pattern

    def workers(self, node: yaml.Node | None) -> WorkerFamily | None:
        if node is None or is_null(node):
            return None
        keys = self.mapping(node, "workers", WORKERS_KEYS)
        for name, entry in self.entries(keys.get("queues"), "queues").items():
            if name.count(PLACEHOLDER) != 1:
                self.problem(entry.key, f"worker queue '{name}' must hold {PLACEHOLDER} once")
        objects = tuple(self.queues(keys.get("queues"), fill=_with_the_highest_id))
        if not objects:
            self.problem(node, "workers have no queues")
        return WorkerFamily(
            consumer_tag=self.consumer_tag(keys.get("consumer_tag")),
            queues=tuple(item for item in objects if isinstance(item, Queue)),
            bindings=tuple(item for item in objects if isinstance(item, Binding)),
        )

    def consumer_tag(self, node: yaml.Node | None) -> str:
        tag = self.string(node, CONSUMER_TAG)
        if node is not None and PLACEHOLDER not in tag:
            self.problem(node, f"consumer_tag '{tag}' does not hold {PLACEHOLDER}")
        if node is not None and (what := routing_key_problem(_with_the_highest_id(tag))):
            self.problem(node, f"the consumer tag {what}")
        return tag

    def routes(self, node: yaml.Node | None, topology: Topology) -> Iterator[Route]:
        lines: dict[object, int] = {}
        for item in self.sequence(node, "routes"):
            keys = self.mapping(item, "a route", ROUTE_KEYS)
            for required in ROUTE_KEYS:
                if required not in keys and (isinstance(item, yaml.MappingNode) or is_null(item)):
                    self.problem(item, f"a route has no {required}")
            if "publish" not in keys or "reaches" not in keys:
                continue
            message = self.message(keys["publish"], topology)
            line, same = item.start_mark.line + 1, (message, frozen(dict(message.headers)))
            if same in lines:
                self.problem(item, f"the same message is published already, in line {lines[same]}")
            lines.setdefault(same, line)
            if is_null(keys["reaches"]):
                self.problem(keys["reaches"], "reaches must be a list; [] if the message is to reach no queue")
            reaches = tuple(self.reached(each, topology) for each in self.sequence(keys["reaches"], "reaches"))
            yield Route(publish=message, reaches=reaches, place=(line, item.start_mark.column + 1))

    def message(self, node: yaml.Node, topology: Topology) -> Message:
        keys = self.mapping(node, "publish", PUBLISH_KEYS)
        if "exchange" not in keys and (isinstance(node, yaml.MappingNode) or is_null(node)):
            self.problem(node, "publish names no exchange; the default exchange is amq.default")
        exchange = published_to(self.string(keys.get("exchange"), ""))
        if exchange and exchange not in topology.exchanges and not exchange.startswith("amq."):
            close = self.guess(exchange, topology.exchanges)
            self.problem(keys["exchange"], f"no exchange '{exchange}' in this document{close}")
        routing_key = self.string(keys.get("routing_key"), "")
        if what := routing_key_problem(routing_key):
            self.problem(keys["routing_key"], f"the routing key {what}")
        headers = self.values(self.entries(keys.get("headers"), "headers"))
        return Message(exchange=exchange, routing_key=routing_key, headers=headers)

    def reached(self, node: yaml.Node, topology: Topology) -> str:
        name = self.string(node, "")
        of_a_worker = topology.workers is not None and owner_of(topology.workers, name) is not None
        if name and name not in topology.queues and not of_a_worker:
            self.problem(node, f"no queue '{name}' in this document" + self.guess(name, topology.queues))
        return name

    def suppressions(self, node: yaml.Node | None) -> Iterator[Suppression]:
        keys = self.mapping(node, "lint", LINT_KEYS)
        for item in self.sequence(keys.get("ignore"), "ignore"):
            given = self.mapping(item, "a suppression", SUPPRESSION_KEYS)
            for required in ("rule", "reason"):
                if isinstance(item, yaml.MappingNode) and required not in given:
                    self.problem(item, f"a suppression has no {required}")
            rule = self.string(given.get("rule"), "")
            reason = self.string(given.get("reason"), "")
            if "rule" in given and not re.fullmatch(RULE_CODE, rule):
                self.problem(given["rule"], f"'{rule}' is no rule; rules are called AI001 and so on")
            if "reason" in given and not reason.strip():
                self.problem(given["reason"], "the reason is empty; say why this rule is not to speak")
            suppression = Suppression(
                rule=rule, reason=reason, object=self.string(given.get("object"), "") or None
            )
            self.note(suppression, _Parts(item, given, {}))
            yield suppression

    def judge(self, item: TopologyObject, parts: _Parts, *, from_headers: bool = False) -> None:
        """Report each defect of an object at its place."""
        for defect in judge(item, from_headers=from_headers):
            node = parts.at(defect)
            if node is not None:
                self.problem(node, defect.sentence)

    def note(self, thing: TopologyObject | Suppression, parts: _Parts) -> None:
        """Remember where a thing and its parts stand, if anybody wants to know; not what an alias points to."""
        if self.places is None:
            return
        start = place_of(parts.start)
        found = {"": start, **{name: place_of(node) for name, node in parts.keys.items()}}
        found |= {name: place_of(entry.key) for name, entry in parts.arguments.items()}
        self.places.add(thing, {name: place for name, place in found.items() if place >= start})

    def check_bindings(self, exchanges: Mapping[str, Exchange]) -> None:
        headers = OWN_HEADERS_EXCHANGES | {
            name for name, exchange in exchanges.items() if exchange.type == "headers"
        }
        for binding, parts in self.bound:
            source, node = binding.source, parts.keys["exchange"]
            if not source:
                self.problem(node, "nothing can be bound to the default exchange; it knows each queue by its name")
            elif source not in exchanges and not source.startswith("amq."):
                self.problem(node, f"no exchange '{source}' in this document" + self.guess(source, exchanges))
            self.judge(binding, parts, from_headers=source in headers)

    def values(self, given: _Entries) -> dict[str, Argument]:
        """Return the values that could be read; of the others the problem is named."""
        found: dict[str, Argument] = {}
        for name, entry in given.items():
            before = len(self.problems)
            value = self.argument(entry.value, f"'{name}'")
            if len(self.problems) == before:
                found[name] = value
        return found


def _with_the_highest_id(template: str) -> str:
    return template.replace(PLACEHOLDER, str(HIGHEST_ID))
