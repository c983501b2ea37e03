"""YAML nodes -> exchanges, queues, bindings and policies, each judged and, if asked, noted with its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import field, replace
from sys import intern
from typing import Final, NamedTuple, TypeAlias

import yaml

from attune_infra.dataclass import dataclass
from attune_infra.durations import EXAMPLES, milliseconds
from attune_infra.topology.document.judge import Defect, judge
from attune_infra.topology.document.keys import (
    BINDING_KEYS,
    EXCHANGE_KEYS,
    EXTERNAL_KEYS,
    POLICY_KEYS,
    PREDECLARED_EXCHANGE_KEYS,
    QUEUE_KEYS,
    SUPER_STREAM_KEYS,
)
from attune_infra.topology.document.nodes import Entry, Nodes, advise_quotes, is_null, place_of
from attune_infra.topology.document.places import Places, Thing
from attune_infra.topology.document.sections.super_streams import MAX_PARTITIONS, SuperStream
from attune_infra.topology.facts.arguments import POLICY_RULES, QUEUE_ARGUMENTS, Rule
from attune_infra.topology.facts.exchanges import PREDECLARED_EXCHANGES, headers_exchanges, is_reserved
from attune_infra.topology.model import (
    PRESENT,
    Argument,
    Arguments,
    Binding,
    Control,
    Exchange,
    OperatorPolicy,
    Policy,
    Queue,
    Structure,
    TopologyObject,
    freeze,
)

_Keys: TypeAlias = Mapping[str, yaml.Node]
_Entries: TypeAlias = Mapping[str, Entry]
_Fill: TypeAlias = Callable[[str], str]


_NO_RULES: Final[Mapping[str, Rule]] = {}
_PRESENT: Final = freeze(dict(PRESENT))
_NO_ARGUMENTS: Final[Arguments] = {}
"""The arguments of most bindings, which share one mapping; it never changes."""


class Parts(NamedTuple):
    """The nodes that a thing was read from: its beginning, its keys, and its arguments or definition."""

    start: yaml.Node
    keys: _Keys
    arguments: _Entries

    def find_fault(self, defect: Defect) -> yaml.Node | None:
        """Return the node at fault; None if it is missing or unreadable, which is a problem of its own."""
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


@dataclass(slots=True)
class Objects(Nodes):
    """A document whose nodes become objects. `bound` lists its bindings until all exchanges are known."""

    bound: list[tuple[Binding, Parts]] = field(default_factory=list)
    places: Places | None = None
    here: str = "this document"
    """Words for the document, or for all of them."""

    def exchanges(self, node: yaml.Node | None) -> Iterator[Exchange | Binding]:
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
        external = self.external(f"exchange '{name}'", keys)
        exchange = Exchange(
            name=name,
            type=self.string(keys.get("type"), "" if external else "direct"),
            durable=self.boolean(keys.get("durable"), default=True),
            auto_delete=self.boolean(keys.get("auto_delete"), default=False),
            internal=self.boolean(keys.get("internal"), default=False),
            arguments=self.values(arguments),
            external=external,
        )
        parts = Parts(start, keys, arguments)
        self.judge(exchange, parts)
        self.note(exchange, parts)
        return exchange

    def queues(self, node: yaml.Node | None, *, fill: _Fill) -> Iterator[Queue | Binding]:
        """Yield queues, each before its bindings; `fill` completes a name or routing key before it is judged."""
        for name, entry in self.entries(node, "queues").items():
            keys = self.mapping(entry.value, f"queue '{name}'", QUEUE_KEYS)
            yield self.queue(name, entry.key, keys, fill)
            yield from self.bindings(keys.get("bindings"), name, "queue", fill=fill)

    def queue(self, name: str, start: yaml.Node, keys: _Keys, fill: _Fill) -> Queue:
        arguments = self.entries(keys.get("arguments"), "arguments")
        values = self.values(arguments, QUEUE_ARGUMENTS)
        values.pop("x-queue-type", None)
        queue = Queue(
            name=name,
            type=self.queue_type(keys.get("type"), arguments.get("x-queue-type")),
            durable=self.boolean(keys.get("durable"), default=True),
            auto_delete=self.boolean(keys.get("auto_delete"), default=False),
            arguments=values,
            external=self.external(f"queue '{name}'", keys),
        )
        parts = Parts(start, keys, arguments)
        self.judge(queue if fill is str else replace(queue, name=fill(name)), parts)
        self.note(queue, parts)
        return queue

    def external(self, what: str, keys: _Keys) -> bool:
        """Return whether the owner of an exchange or queue declares it elsewhere, and so sets all of the rest."""
        is_external = self.boolean(keys.get("external"), default=False)
        for key in keys if is_external else ():
            if key not in EXTERNAL_KEYS:
                self.problem(keys[key], f"{what} is external, so its owner sets {key}; leave it out")
        return is_external

    def queue_type(self, node: yaml.Node | None, argument: Entry | None) -> str | None:
        """Return the type, which the key `type`, the argument x-queue-type or both may set."""
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
        nodes: dict[Binding, yaml.Node] = {}
        for item in self.sequence(node, "bindings"):
            keys = self.mapping(item, "a binding", BINDING_KEYS)
            if "exchange" not in keys:
                if isinstance(item, yaml.MappingNode) or is_null(item):
                    self.problem(item, f"a binding of '{destination}' has no exchange")
                continue
            arguments = self.entries(keys.get("arguments"), "arguments")
            binding = Binding(
                source=intern(self.string(keys["exchange"], "")),
                destination=intern(destination),
                destination_type=destination_type,
                routing_key=self.string(keys.get("routing_key"), ""),
                arguments=_with_presence(self.values(arguments)) if arguments else _NO_ARGUMENTS,
            )
            known = len(nodes)
            first = nodes.setdefault(binding, item)
            if len(nodes) == known:
                seen = place_of(first).seen_from(place_of(item))
                self.problem(item, f"duplicate binding; the first one is {seen}")
            parts = Parts(item, keys, arguments)
            filled = binding if fill is str else replace(binding, routing_key=fill(binding.routing_key))
            self.bind(filled, parts)
            self.note(binding, parts)
            yield binding

    def bind(self, binding: Binding, parts: Parts) -> None:
        """Keep a binding, and the nodes to report its problems at, until all exchanges are known."""
        self.bound.append((binding, parts))

    def super_streams(self, node: yaml.Node | None) -> Iterator[Exchange | Queue | Binding]:
        for name, entry in self.entries(node, "super_streams").items():
            keys = self.mapping(entry.value, f"super stream '{name}'", SUPER_STREAM_KEYS)
            arguments = self.entries(keys.get("arguments"), "arguments")
            if ("partitions" in keys) == ("keys" in keys):
                self.problem(entry.key, f"super stream '{name}' needs either partitions or keys")
                continue
            parts = Parts(entry.key, keys, arguments)
            made = SuperStream(name, tuple(self.partition_keys(keys)), self.values(arguments))
            for number, item in enumerate(made.objects()):
                if number <= 1:  # the exchange and the first stream; all other streams are like it
                    self.judge(item, parts)
                self.note(item, parts)
                yield item

    def partition_keys(self, keys: _Keys) -> Iterator[str]:
        """Yield the routing keys of a super stream, which `partitions` counts or `keys` lists."""
        if "partitions" in keys:
            count = self.integer(keys["partitions"], 1)
            if 1 <= count <= MAX_PARTITIONS:
                yield from map(str, range(count))
            else:
                self.problem(keys["partitions"], f"expected 1 to {MAX_PARTITIONS} partitions, got {count}")
            return
        found: set[str] = set()
        for node in self.sequence(keys["keys"], "keys"):
            key = self.string(node, "")
            if key in found:
                self.problem(node, f"duplicate key '{key}'")
            elif key:
                found.add(key)
                yield key
        if not found:
            self.problem(keys["keys"], "a super stream needs at least one key")

    def policies(self, node: yaml.Node | None, kind: type[Policy]) -> Iterator[Policy]:
        section, what = (
            ("operator_policies", "operator policy") if kind is OperatorPolicy else ("policies", "policy")
        )
        for name, entry in self.entries(node, section).items():
            keys = self.mapping(entry.value, f"{what} '{name}'", POLICY_KEYS)
            for required in ("pattern", "definition"):
                if required not in keys:
                    self.problem(entry.key, f"{what} '{name}' has no {required}")
            definition = self.entries(keys.get("definition"), "definition")
            policy = kind(
                name=name,
                pattern=self.string(keys.get("pattern"), ""),
                definition=self.values(definition, POLICY_RULES),
                apply_to=self.string(keys.get("apply_to"), "all"),
                priority=self.integer(keys.get("priority"), 0),
            )
            parts = Parts(entry.key, keys, definition)
            self.judge(policy, parts)
            self.note(policy, parts)
            yield policy

    def check_bindings(self, exchanges: Mapping[str, Exchange]) -> None:
        """Judge all bindings, now that the exchanges of the document are known."""
        headers = headers_exchanges(exchanges)
        for binding, parts in self.bound:
            source, node = binding.source, parts.keys["exchange"]
            if not source:
                self.problem(node, "the default exchange takes no bindings; its routing keys are names of queues")
            elif source not in exchanges and not is_reserved(source):
                close = self.guess(source, exchanges) or "; if another one declares it, add it with external: true"
                self.problem(node, f"no exchange '{source}' in {self.here}{close}")
            self.judge(binding, parts, from_headers=source in headers)

    def judge(self, item: TopologyObject, parts: Parts, *, from_headers: bool = False) -> None:
        """Report each defect of an object at its place."""
        for defect in judge(item, from_headers=from_headers):
            node = parts.find_fault(defect)
            if node is not None:
                advice = "" if defect.in_key else _advise(item, defect.part, node)
                self.problem(node, defect.sentence + advice)

    def note(self, thing: Thing, parts: Parts) -> None:
        """Remember the places of a thing and of its parts, if asked to; not of parts that an alias points to."""
        if self.places is None:
            return
        start = place_of(parts.start)
        found = {"": start, **{name: place_of(node) for name, node in parts.keys.items()}}
        found |= {name: place_of(entry.key) for name, entry in parts.arguments.items()}
        self.places.add(thing, {name: place for name, place in found.items() if not place.precedes(start)})

    def values(self, entries: _Entries, rules: Mapping[str, Rule] = _NO_RULES) -> dict[str, Argument]:
        """Return the values that can be read; each other one is reported. A duration becomes milliseconds."""
        found: dict[str, Argument] = {}
        for name, entry in entries.items():
            before = len(self.problems)
            value = self.argument(entry.value, f"'{name}'")
            if len(self.problems) == before:
                found[intern(name)] = _in_milliseconds(value) if name in rules and rules[name].is_time else value
        return found


def _in_milliseconds(value: Argument) -> Argument:
    """Return the milliseconds of a duration, and any other value as it is."""
    found = milliseconds(value) if isinstance(value, str) else None
    return value if found is None else found


def _advise(item: TopologyObject, name: str, node: yaml.Node) -> str:
    if isinstance(item, Control):
        return ""
    return _advise_text(item, name, node) or _advise_duration(item, name)


def _advise_duration(item: Structure, name: str) -> str:
    """Return the advice to write a duration, if an argument that is a time has another text; else nothing."""
    rule = POLICY_RULES.get(name) if isinstance(item, Policy) else QUEUE_ARGUMENTS.get(name)
    values = item.definition if isinstance(item, Policy) else item.arguments
    is_text = rule is not None and rule.is_time and isinstance(values.get(name), str)
    return f"; a duration is written {EXAMPLES}" if is_text else ""


def _advise_text(item: Structure, name: str, node: yaml.Node) -> str:
    """Return the advice to quote the value of an argument, if its text would do; else nothing."""
    values = item.definition if isinstance(item, Policy) else item.arguments
    if isinstance(values.get(name, ""), str) or not isinstance(node, yaml.ScalarNode):
        return ""
    quoted = {**values, name: str(node.value)}
    fixed = replace(item, definition=quoted) if isinstance(item, Policy) else replace(item, arguments=quoted)
    is_fixed = all(defect.part != name for defect in judge(fixed))
    return advise_quotes(node, values[name]) if is_fixed else ""


def _with_presence(arguments: Arguments) -> dict[str, Argument]:
    """Return the arguments of a binding with void for `{present: true}`."""
    return {name: None if freeze(value) == _PRESENT else value for name, value in arguments.items()}
