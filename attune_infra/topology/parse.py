"""YAML text -> Topology; every problem at once, each with its line and column.

Knows the shape of a document and RabbitMQ's rules for names. Whether a topology is wise is not asked here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

import yaml

from attune_infra.errors import InvalidInput
from attune_infra.topology.model import (
    Argument,
    Arguments,
    Binding,
    Exchange,
    Policy,
    Queue,
    Topology,
    TopologyObject,
    WorkerFamily,
)
from attune_infra.topology.names import name_problem, routing_key_problem
from attune_infra.topology.worker import PLACEHOLDER

_Loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Scalar = TypeVar("_Scalar", str, bool, int)
_NameCheck: TypeAlias = Callable[[yaml.Node, str], None]
_APPLY_TO = ("queues", "exchanges", "all", "classic_queues", "quorum_queues", "streams")


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """What is wrong with a document, and where; lines and columns count from 1."""

    line: int
    column: int
    what: str


class InvalidDocument(InvalidInput):
    """A topology document with at least one problem."""

    def __init__(self, source: str, problems: list[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        lines = (f"{source}:{found.line}:{found.column}: {found.what}" for found in self.problems)
        super().__init__("\n".join(lines), hint="nothing was changed; mend the document and try again")


def parse(text: str, *, source: str) -> Topology:
    """Read a topology document; raise `InvalidDocument` naming all its problems, `source` before each."""
    document = _Document(text)
    topology = document.topology()
    if document.problems:
        raise InvalidDocument(source, document.problems)
    return topology


@dataclass(slots=True)
class _Document:
    text: str
    problems: list[Problem] = field(default_factory=list)
    sources: list[tuple[str, yaml.Node]] = field(default_factory=list)
    loader: yaml.SafeLoader = field(default_factory=lambda: _Loader(""))

    def topology(self) -> Topology:
        try:
            root = yaml.compose(self.text, Loader=_Loader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark
            line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
            self.problems.append(Problem(line, column, f"is not YAML: {error.problem}"))
            return Topology()
        except yaml.reader.ReaderError as error:
            line = self.text.count("\n", 0, error.position) + 1
            column = error.position - self.text.rfind("\n", 0, error.position)
            self.problems.append(Problem(line, column, f"is not YAML: {error.reason}"))
            return Topology()
        if root is None:
            self.problems.append(Problem(1, 1, "the document is empty"))
            return Topology()
        keys = self.mapping(root, "the document", ("topology", "exchanges", "queues", "policies", "workers"))
        objects = [
            *self.exchanges(keys.get("exchanges")),
            *self.queues(keys.get("queues"), self.name),
            *self.policies(keys.get("policies")),
        ]
        topology = Topology.of(
            objects, name=self.string(keys.get("topology"), ""), workers=self.workers(keys.get("workers"))
        )
        self.sources_exist(topology.exchanges)
        return topology

    def exchanges(self, node: yaml.Node | None) -> Iterator[TopologyObject]:
        for name, key, value in self.named(node, "exchanges"):
            known = ("type", "durable", "auto_delete", "internal", "arguments", "bindings")
            keys = self.mapping(value, f"exchange '{name}'", known)
            self.name(key, name)
            yield Exchange(
                name=name,
                type=self.string(keys.get("type"), "direct"),
                durable=self.boolean(keys.get("durable"), default=True),
                auto_delete=self.boolean(keys.get("auto_delete"), default=False),
                internal=self.boolean(keys.get("internal"), default=False),
                arguments=self.arguments(keys.get("arguments")),
            )
            yield from self.bindings(keys.get("bindings"), name, "exchange")

    def queues(self, node: yaml.Node | None, check_name: _NameCheck) -> Iterator[Queue | Binding]:
        for name, key, value in self.named(node, "queues"):
            keys = self.mapping(
                value, f"queue '{name}'", ("type", "durable", "auto_delete", "arguments", "bindings")
            )
            check_name(key, name)
            arguments = dict(self.arguments(keys.get("arguments")))
            queue_type = arguments.pop("x-queue-type", None) or self.string(keys.get("type"), "")
            yield Queue(
                name=name,
                type=str(queue_type) if queue_type else None,
                durable=self.boolean(keys.get("durable"), default=True),
                auto_delete=self.boolean(keys.get("auto_delete"), default=False),
                arguments=arguments,
            )
            yield from self.bindings(keys.get("bindings"), name, "queue")

    def bindings(self, node: yaml.Node | None, destination: str, destination_type: str) -> Iterator[Binding]:
        for item in self.sequence(node, "bindings"):
            keys = self.mapping(item, "a binding", ("exchange", "routing_key", "arguments"))
            if "exchange" not in keys:
                self.problem(item, f"a binding of '{destination}' names no exchange")
                continue
            source = self.string(keys["exchange"], "")
            self.sources.append((source, keys["exchange"]))
            routing_key = self.string(keys.get("routing_key"), "")
            if what := routing_key_problem(routing_key):
                self.problem(keys["routing_key"], f"routing key {what}")
            yield Binding(
                source=source,
                destination=destination,
                destination_type=destination_type,
                routing_key=routing_key,
                arguments=self.arguments(keys.get("arguments")),
            )

    def policies(self, node: yaml.Node | None) -> Iterator[Policy]:
        for name, key, value in self.named(node, "policies"):
            keys = self.mapping(value, f"policy '{name}'", ("pattern", "definition", "apply_to", "priority"))
            self.name(key, name)
            for required in ("pattern", "definition"):
                if required not in keys:
                    self.problem(key, f"policy '{name}' has no {required}")
            apply_to = self.string(keys.get("apply_to"), "all")
            if apply_to not in _APPLY_TO:
                what = f"apply_to is {apply_to!r}; RabbitMQ knows {', '.join(_APPLY_TO)}"
                self.problem(keys["apply_to"], what)
            yield Policy(
                name=name,
                pattern=self.string(keys.get("pattern"), ""),
                definition=self.arguments(keys.get("definition")),
                apply_to=apply_to,
                priority=self.integer(keys.get("priority"), 0),
            )

    def workers(self, node: yaml.Node | None) -> WorkerFamily | None:
        if node is None:
            return None
        keys = self.mapping(node, "workers", ("consumer_tag", "queues"))
        objects = tuple(self.queues(keys.get("queues"), self.template_name))
        consumer_tag = self.string(keys.get("consumer_tag"), f"worker-{PLACEHOLDER}")
        if PLACEHOLDER not in consumer_tag:
            self.problem(keys["consumer_tag"], f"consumer_tag {consumer_tag!r} does not hold {PLACEHOLDER}")
        return WorkerFamily(
            consumer_tag=consumer_tag,
            queues=tuple(item for item in objects if isinstance(item, Queue)),
            bindings=tuple(item for item in objects if isinstance(item, Binding)),
        )

    def sources_exist(self, exchanges: Mapping[str, Exchange]) -> None:
        for source, node in self.sources:
            if source not in exchanges and not source.startswith("amq."):
                self.problem(node, f"no exchange '{source}' in this document" + _guess(source, exchanges))

    def name(self, node: yaml.Node, name: str) -> None:
        if what := name_problem(name):
            self.problem(node, f"the name {what}")

    def template_name(self, node: yaml.Node, name: str) -> None:
        self.name(node, name)
        if name.count(PLACEHOLDER) != 1:
            self.problem(node, f"worker queue '{name}' must hold {PLACEHOLDER} once")

    def problem(self, node: yaml.Node, what: str) -> None:
        mark = node.start_mark
        self.problems.append(Problem(mark.line + 1, mark.column + 1, what))

    def mapping(self, node: yaml.Node, what: str, known: tuple[str, ...]) -> dict[str, yaml.Node]:
        keys: dict[str, yaml.Node] = {}
        for name, key, value in self.named(node, what):
            if name in known:
                keys[name] = value
            else:
                self.problem(key, f"unknown key '{name}' in {what}" + _guess(name, known))
        return keys

    def named(self, node: yaml.Node | None, what: str) -> Iterator[tuple[str, yaml.Node, yaml.Node]]:
        if node is None or _is_null(node):
            return
        if not isinstance(node, yaml.MappingNode):
            self.problem(node, f"{what} must be a mapping")
            return
        seen: set[str] = set()
        for key, value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else ""
            if name in seen:
                self.problem(key, f"'{name}' is there twice in {what}")
            seen.add(name)
            yield name, key, value

    def sequence(self, node: yaml.Node | None, what: str) -> list[yaml.Node]:
        if node is None or _is_null(node):
            return []
        if not isinstance(node, yaml.SequenceNode):
            self.problem(node, f"{what} must be a list")
            return []
        return list(node.value)

    def arguments(self, node: yaml.Node | None) -> Arguments:
        found: dict[str, Argument] = {}
        for name, key, value in self.named(node, "arguments"):
            argument = self.value(value)
            if _is_argument(argument):
                found[name] = argument
            else:
                kind = type(argument).__name__
                self.problem(key, f"argument '{name}' is a {kind}; RabbitMQ cannot store that")
        return found

    def string(self, node: yaml.Node | None, default: str) -> str:
        return self.scalar(node, str, "a string", default)

    def boolean(self, node: yaml.Node | None, *, default: bool) -> bool:
        return self.scalar(node, bool, "true or false", default)

    def integer(self, node: yaml.Node | None, default: int) -> int:
        return self.scalar(node, int, "an integer", default)

    def scalar(self, node: yaml.Node | None, kind: type[_Scalar], words: str, default: _Scalar) -> _Scalar:
        if node is None:
            return default
        value = self.value(node)
        if type(value) is kind:
            return value
        self.problem(node, f"must be {words}, is {value!r} ({type(value).__name__})")
        return default

    def value(self, node: yaml.Node) -> Argument:
        try:
            made: Argument = self.loader.construct_object(node, deep=True)
        except (yaml.YAMLError, ValueError) as error:
            self.problem(node, f"cannot be read: {error}")
            return None
        return made


def _is_null(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def _is_argument(value: object) -> bool:
    match value:
        case None:
            return False
        case bool() | int() | float() | str():
            return True
        case list():
            return all(_is_argument(item) for item in value)
        case dict():
            return all(isinstance(key, str) and _is_argument(item) for key, item in value.items())
        case _:
            return False


def _guess(name: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, known, n=1)
    return f"; did you mean '{close[0]}'?" if close else ""
