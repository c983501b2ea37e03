"""YAML text -> Topology; every problem at once, each with its line and column.

Knows the shape of a document and what RabbitMQ refuses on every version since 3.10. What depends on the version,
and whether a topology is wise, is not asked here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

import yaml

from attune_infra.topology.document.nodes import Entry, Nodes, is_null, place_of
from attune_infra.topology.document.places import Places
from attune_infra.topology.document.problems import InvalidDocument
from attune_infra.topology.facts.argument_problems import policy_problem, queue_problems, spelling_problem
from attune_infra.topology.facts.arguments import (
    APPLY_TO,
    EXCHANGE_ARGUMENTS,
    HEADERS_BINDING_ARGUMENTS,
    QUEUE_ARGUMENTS,
    QUEUE_TYPES,
    Rule,
)
from attune_infra.topology.facts.exchanges import (
    PREDECLARED_EXCHANGES,
    headers_exchanges,
    is_reserved,
    parse_exchange_name,
)
from attune_infra.topology.facts.names import (
    name_problem,
    pattern_problem,
    routing_key_problem,
)
from attune_infra.topology.model import (
    Argument,
    Arguments,
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
    freeze,
)
from attune_infra.topology.words import either
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
    """A document on its way to a topology. `sources` are the bindings' exchanges, judged when all are known."""

    sources: list[tuple[str, yaml.Node, _Entries]] = field(default_factory=list)
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
        self.check_sources(topology.exchanges)
        return replace(topology, routes=tuple(self.routes(keys.get("routes"), topology)))

    def exchanges(self, node: yaml.Node | None) -> Iterator[TopologyObject]:
        for name, entry in self.entries(node, "exchanges").items():
            if name in PREDECLARED_EXCHANGES:
                what = f"exchange '{name}', which is RabbitMQ's own"
                keys = self.mapping(entry.value, what, PREDECLARED_EXCHANGE_KEYS)
            else:
                keys = self.mapping(entry.value, f"exchange '{name}'", EXCHANGE_KEYS)
                self.check_name(entry.key, name)
                exchange = self.exchange(name, keys)
                self.note(exchange, entry.key, keys)
                yield exchange
            yield from self.bindings(keys.get("bindings"), name, "exchange", fill=str)

    def exchange(self, name: str, keys: _Keys) -> Exchange:
        exchange_type = self.string(keys.get("type"), "direct")
        if not exchange_type:
            self.problem(keys["type"], "the type is empty; RabbitMQ has direct, topic, fanout and headers")
        return Exchange(
            name=name,
            type=exchange_type,
            durable=self.boolean(keys.get("durable"), default=True),
            auto_delete=self.boolean(keys.get("auto_delete"), default=False),
            internal=self.boolean(keys.get("internal"), default=False),
            arguments=self.arguments(self.entries(keys.get("arguments"), "arguments"), EXCHANGE_ARGUMENTS),
        )

    def queues(self, node: yaml.Node | None, *, fill: _Fill) -> Iterator[Queue | Binding]:
        for name, entry in self.entries(node, "queues").items():
            keys = self.mapping(entry.value, f"queue '{name}'", QUEUE_KEYS)
            self.check_name(entry.key, fill(name))
            queue = self.queue(name, keys)
            self.note(queue, entry.key, keys)
            yield queue
            yield from self.bindings(keys.get("bindings"), name, "queue", fill=fill)

    def queue(self, name: str, keys: _Keys) -> Queue:
        given = self.entries(keys.get("arguments"), "arguments")
        arguments = self.arguments(given, QUEUE_ARGUMENTS)
        queue = Queue(
            name=name,
            type=self.queue_type(keys.get("type"), given.get("x-queue-type")),
            durable=self.boolean(keys.get("durable"), default=True),
            auto_delete=self.boolean(keys.get("auto_delete"), default=False),
            arguments={argument: value for argument, value in arguments.items() if argument != "x-queue-type"},
        )
        for about, what in queue_problems(queue):
            self.problem(given[about].key if about in given else keys[about], what)
        return queue

    def queue_type(self, node: yaml.Node | None, argument: Entry | None) -> str | None:
        """Return the type, which may stand beside the arguments or among them."""
        named = self.string(node, "") or None
        if node is not None and named is not None and named not in QUEUE_TYPES:
            self.problem(
                node, f"type must be {either(QUEUE_TYPES)}, is '{named}'" + self.guess(named, QUEUE_TYPES)
            )
        if argument is None:
            return named
        among = self.string(argument.value, "")
        if named not in {None, among}:
            self.problem(argument.value, f"x-queue-type is '{among}', but the type is '{named}'")
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
            binding = self.binding(keys, destination, destination_type, fill)
            known = len(lines)
            line = lines.setdefault(binding, item.start_mark.line + 1)
            if len(lines) == known:
                self.problem(item, f"the same binding is there already, in line {line}")
            self.note(binding, item, keys)
            yield binding

    def binding(self, keys: _Keys, destination: str, destination_type: str, fill: _Fill) -> Binding:
        source, routing_key = self.string(keys["exchange"], ""), self.string(keys.get("routing_key"), "")
        given = self.entries(keys.get("arguments"), "arguments")
        self.sources.append((source, keys["exchange"], given))
        if what := routing_key_problem(fill(routing_key)):
            self.problem(keys["routing_key"], f"the routing key {what}")
        return Binding(
            source=source,
            destination=destination,
            destination_type=destination_type,
            routing_key=routing_key,
            arguments=self.arguments(given, {}),
        )

    def policies(self, node: yaml.Node | None) -> Iterator[Policy]:
        for name, entry in self.entries(node, "policies").items():
            keys = self.mapping(entry.value, f"policy '{name}'", POLICY_KEYS)
            self.check_name(entry.key, name)
            for required in ("pattern", "definition"):
                if required not in keys:
                    self.problem(entry.key, f"policy '{name}' has no {required}")
            apply_to = self.string(keys.get("apply_to"), "all")
            if apply_to not in APPLY_TO:
                what = f"apply_to is '{apply_to}'; RabbitMQ knows {', '.join(APPLY_TO)}"
                self.problem(keys["apply_to"], what)
            policy = Policy(
                name=name,
                pattern=self.pattern(keys["pattern"]) if "pattern" in keys else "",
                definition=self.definition(keys["definition"]) if "definition" in keys else {},
                apply_to=apply_to,
                priority=self.integer(keys.get("priority"), 0),
            )
            self.note(policy, entry.key, keys)
            yield policy

    def pattern(self, node: yaml.Node) -> str:
        pattern = self.string(node, "")
        if what := pattern_problem(pattern):
            self.problem(node, what)
        return pattern

    def definition(self, node: yaml.Node) -> Arguments:
        given = self.entries(node, "definition")
        if not given:
            self.problem(node, "the definition is empty, which RabbitMQ refuses")
        found = self.values(given)
        for key, value in found.items():
            if what := policy_problem(key, value):
                self.problem(given[key].value, what)
        return found

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
            line, same = item.start_mark.line + 1, (message, freeze(dict(message.headers)))
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
        exchange = parse_exchange_name(self.string(keys.get("exchange"), ""))
        if exchange and exchange not in topology.exchanges and not is_reserved(exchange):
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
            self.note(suppression, item, given)
            yield suppression

    def note(self, thing: TopologyObject | Suppression, node: yaml.Node, parts: _Keys) -> None:
        """Remember where a thing and its parts stand, if anybody wants to know; not what an alias points to."""
        if self.places is None:
            return
        start = place_of(node)
        found = {"": start, **{name: place_of(part) for name, part in parts.items()}}
        for name in ("arguments", "definition"):
            if name in parts:
                found |= {key: place_of(entry.key) for key, entry in self.entries(parts[name], name).items()}
        self.places.add(thing, {name: place for name, place in found.items() if place >= start})

    def check_sources(self, exchanges: Mapping[str, Exchange]) -> None:
        headers = headers_exchanges(exchanges)
        for source, node, arguments in self.sources:
            if not source:
                self.problem(node, "nothing can be bound to the default exchange; it knows each queue by its name")
            elif source not in exchanges and not is_reserved(source):
                self.problem(node, f"no exchange '{source}' in this document" + self.guess(source, exchanges))
            elif source in headers:
                self.arguments(arguments, HEADERS_BINDING_ARGUMENTS)

    def check_name(self, node: yaml.Node, name: str) -> None:
        if what := name_problem(name):
            self.problem(node, f"the name {what}")

    def arguments(self, given: _Entries, rules: Mapping[str, Rule]) -> dict[str, Argument]:
        if not given:
            return {}
        found = self.values(given)
        for name, value in found.items():
            if rule := rules.get(name):
                if what := rule.problem(value):
                    self.problem(given[name].value, f"{name} {what}")
            elif what := spelling_problem(name, rules):
                self.problem(given[name].key, what)
        return found

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
