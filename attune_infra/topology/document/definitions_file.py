"""The content of a definitions JSON, on its way to a topology: every problem, and everything left out.

Refused is what some RabbitMQ refuses, or takes for something else without a word: a queue without a name
becomes one named `undefined`, a binding to nothing is dropped. Tried on 3.10 and 4.0.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from attune_infra.topology.document.json_text import Item, Member, members_of
from attune_infra.topology.document.judge import OWN_HEADERS_EXCHANGES, judge_with_values
from attune_infra.topology.document.places import Place, Places
from attune_infra.topology.document.problems import Problem
from attune_infra.topology.document.text import OPERATOR_POLICY
from attune_infra.topology.facts.names import PREDECLARED_EXCHANGES
from attune_infra.topology.model import (
    Argument,
    Arguments,
    Binding,
    Exchange,
    Policy,
    Queue,
    Topology,
    TopologyObject,
    label,
)
from attune_infra.topology.words import guess, shown

_Value = TypeVar("_Value", str, bool, int)

_KEYS: Final = {
    "exchanges": {"vhost", "name", "type", "durable", "auto_delete", "internal", "arguments"},
    "queues": {"vhost", "name", "type", "durable", "auto_delete", "exclusive", "arguments"},
    "bindings": {"vhost", "source", "destination", "destination_type", "routing_key", "arguments"},
    "policies": {"vhost", "name", "pattern", "apply-to", "definition", "priority"},
}
"""The sections of a topology, and what is read of their objects."""

_ABOUT_THE_FILE: Final = {
    "rabbit_version", "rabbitmq_version", "product_name", "product_version", "rabbitmq_definition_format",
    "original_vhost_name", "original_cluster_name", "explanation", "description", "metadata",
    "default_queue_type",
}  # fmt: skip
_NOT_IN_A_TOPOLOGY: Final = {
    "users": ("users", "a topology holds no users"),
    "permissions": ("permissions", "a topology holds no permissions"),
    "topic_permissions": ("topic permissions", "a topology holds no permissions"),
    "vhosts": ("virtual hosts", "a topology is what a virtual host holds, not the virtual host"),
    "global_parameters": ("global parameters", "they are the whole broker's"),
}
_PARAMETERS: Final = {
    "operator_policy": ("operator policies", OPERATOR_POLICY),
    "shovel": ("shovels", "a topology moves no messages, and holds no passwords"),
    "federation-upstream": ("federation upstreams", "a topology names no other brokers, and holds no passwords"),
}
_KNOWN: Final = {*_KEYS, *_NOT_IN_A_TOPOLOGY, "parameters", "limits", "rabbit_version", "rabbitmq_version"}
_OWN: Final = "RabbitMQ makes them itself"
_PRIVATE: Final = "they belong to one connection, and go with it"
_FIRST_WITH_LOOSE_ENDS: Final = (4, 3)
"""Since then RabbitMQ exports bindings of private queues and of internal exchanges, but not these themselves."""


@dataclass(slots=True)
class _Entry:
    """An object of a section: gives its values, or reports what is wrong with them, by the name of `what`."""

    value: dict[str, Any]
    at: int
    report: Callable[[int, str], None]
    note: Callable[[int, TopologyObject], None]
    what: str
    unread: set[str] = field(default_factory=set)
    """Keys that are missing or hold a value of a wrong type, of which that was reported."""

    def problem(self, sentence: str) -> None:
        """Report the end of a sentence that begins with what this is called."""
        self.report(self.at, self.what + sentence)

    def string(self, key: str, default: str | None = None) -> str:
        return self.get(key, str, "a string", default)

    def boolean(self, key: str, default: bool | None = None, *, if_missing: str = "") -> bool:
        return self.get(key, bool, "true or false", default, if_missing)

    def integer(self, key: str, default: int | None = None) -> int:
        return self.get(key, int, "an integer", default)

    def get(
        self, key: str, kind: type[_Value], words: str, default: _Value | None, if_missing: str = ""
    ) -> _Value:
        found = self.value.get(key, default)
        if type(found) is kind:
            return found
        self.unread.add(key)
        if key in self.value:
            self.problem(f": {key} must be {words}, is {shown(found)}")
        else:
            self.problem(f" has no {key}{if_missing}")
        return kind()

    def table(self, key: str) -> Arguments:
        """Return arguments; RabbitMQ takes an empty list for none at all."""
        found = self.value.get(key, {})
        if not isinstance(found, dict):
            if found != []:
                self.problem(f": {key} must be an object, is {shown(found)}")
            return {}
        return found

    def judge(self, item: TopologyObject, *, from_headers: bool = False) -> None:
        self.note(self.at, item)
        for defect in judge_with_values(item, from_headers=from_headers):
            if defect.part not in self.unread:
                self.problem(f": {defect.sentence}")

    def called(self, kind: str, others: set[str]) -> str:
        """Return its name, which must be a proper one, and call it by it from now on."""
        name = self.string("name")
        if not isinstance(self.value.get("name"), str):
            return name
        self.what = f"{kind} '{name}'"
        if name in others:
            self.problem(" is there twice")
        others.add(name)
        return name


@dataclass(slots=True)
class DefinitionsFile:
    """What a file holds. `problems` and `left_out` (kind, name and why) fill up as a topology is read from it."""

    text: str
    members: list[Member]
    problems: list[Problem] = field(default_factory=list)
    left_out: list[tuple[str, str, str]] = field(default_factory=list)
    exchanges: set[str] = field(default_factory=set)
    queues: set[str] = field(default_factory=set)
    private: set[str] = field(default_factory=set)
    headers: set[str] = field(default_factory=lambda: set(OWN_HEADERS_EXCHANGES))
    places: Places = field(default_factory=Places)
    _lines: list[int] = field(default_factory=list)
    """Where each line begins, once that was asked."""

    @classmethod
    def read(cls, text: str) -> DefinitionsFile:
        """Read a file; raise `JSONDecodeError` if it is no JSON."""
        return cls(text, members_of(text))

    def holding(self) -> set[str]:
        """Return the virtual hosts that exchanges, queues, bindings and policies say they are in."""
        names = (each.get("vhost") for section in _KEYS for each in self.objects(section))
        return {name for name in names if isinstance(name, str)}

    def listed(self) -> set[str]:
        """Return the virtual hosts that the file itself speaks of."""
        names = (*(each.get("name") for each in self.objects("vhosts")), self.value("original_vhost_name"))
        return {name for name in names if isinstance(name, str)}

    def topology(self, vhost: str) -> Topology:
        """Return what a virtual host holds, as far as it is not left out and has no problem."""
        self.read_members()
        objects: tuple[TopologyObject, ...] = (
            *self.read_exchanges(vhost),
            *self.read_queues(vhost),
            *self.read_bindings(vhost),
            *self.read_policies(vhost),
        )
        return Topology.of(objects, name=vhost, default_queue_type=self.default_queue_type(vhost))

    def read_members(self) -> None:
        """Look at all that is no section of a topology, and for sections that are no lists."""
        seen: set[str] = set()
        for member in self.members:
            if member.name in seen:
                self.problem(member.at, f"'{member.name}' is there twice")
            elif member.name in _KEYS and member.items is None:
                self.problem(member.at, f"{member.name} must be a list, is {shown(member.value)}")
            elif member.name not in _KEYS.keys() | _ABOUT_THE_FILE:
                self.left_out += self.not_taken_over(member)
            seen.add(member.name)
        if not seen & _KNOWN:
            self.problem(0, "holds no definitions")

    def not_taken_over(self, member: Member) -> Iterator[tuple[str, str, str]]:
        if member.name == "limits":
            yield from _limits(member.value)
        elif member.name == "parameters":
            for each in self.objects("parameters"):
                yield from _parameter(each)
        elif member.name in _NOT_IN_A_TOPOLOGY:
            kind, why = _NOT_IN_A_TOPOLOGY[member.name]
            for each in self.objects(member.name):
                yield kind, str(each.get("name", each.get("user"))), why
        else:
            yield "unknown keys", member.name, "they are no definitions"

    def read_exchanges(self, vhost: str) -> Iterator[Exchange]:
        for entry in self.entries("exchanges", vhost, "an exchange"):
            if str(entry.value.get("name")).startswith("amq."):
                self.left_out.append(("exchanges", entry.value["name"], _OWN))
                continue
            exchange = Exchange(
                name=entry.called("exchange", self.exchanges),
                type=entry.string("type"),
                durable=entry.boolean("durable"),
                auto_delete=entry.boolean("auto_delete", default=False),
                internal=entry.boolean("internal", default=False),
                arguments=entry.table("arguments"),
            )
            if exchange.type == "headers":
                self.headers.add(exchange.name)
            entry.judge(exchange)
            yield exchange

    def read_queues(self, vhost: str) -> Iterator[Queue]:
        for entry in self.entries("queues", vhost, "a queue"):
            if str(entry.value.get("name")).startswith("amq.") or entry.boolean("exclusive", default=False):
                self.private.add(str(entry.value.get("name")))
                self.left_out.append(("queues", str(entry.value.get("name")), _PRIVATE))
                continue
            name, arguments = entry.called("queue", self.queues), dict(entry.table("arguments"))
            queue = Queue(
                name=name,
                type=self.queue_type(entry, arguments.pop("x-queue-type", None)),
                durable=entry.boolean("durable", if_missing="; RabbitMQ 3.10 refuses that, 4.x takes it for true"),
                auto_delete=entry.boolean(
                    "auto_delete", if_missing="; RabbitMQ 3.10 refuses that, 4.x takes it for false"
                ),
                arguments=arguments,
            )
            entry.judge(queue)
            yield queue

    def queue_type(self, entry: _Entry, named: Argument) -> str | None:
        """Return the type as the arguments name it; what `type` says beside them, RabbitMQ does not read."""
        told = entry.value.get("type")
        if told not in (None, named or "classic"):
            why = "RabbitMQ takes the type from the argument x-queue-type alone"
            self.left_out.append(("types", f"{told} of {entry.what}", why))
        if named is None or isinstance(named, str):
            return named
        entry.problem(f": x-queue-type must be a string, is {shown(named)}")
        return None

    def read_bindings(self, vhost: str) -> Iterator[Binding]:
        seen: set[Binding] = set()
        for entry in self.entries("bindings", vhost, "a binding"):
            binding = self.binding(entry)
            if why := self.why_not(binding, seen):
                self.left_out.append(("bindings", label(binding).removeprefix("binding "), why))
                continue
            seen.add(binding)
            self.ends_exist(binding, entry)
            entry.judge(binding, from_headers=binding.source in self.headers)
            yield binding

    def binding(self, entry: _Entry) -> Binding:
        source, destination = entry.string("source"), entry.string("destination")
        entry.what = f"binding '{source}' -> '{destination}'"
        destination_type = entry.string("destination_type")
        if destination_type not in {"queue", "exchange", ""}:
            entry.problem(f": destination_type must be queue or exchange, is {shown(destination_type)}")
        return Binding(
            source=source,
            destination=destination,
            destination_type=destination_type,
            routing_key=entry.string("routing_key"),
            arguments=entry.table("arguments"),
        )

    def why_not(self, binding: Binding, seen: set[Binding]) -> str | None:
        """Return why a binding is left out, or None if it is not."""
        if binding.source == "":
            return "RabbitMQ binds each queue to the default exchange itself"
        if binding.destination_type == "queue" and self.is_private(binding.destination):
            return _PRIVATE
        return "JSON does not tell them from another one in the file" if binding in seen else None

    def is_private(self, queue: str) -> bool:
        """Return whether a queue belongs to one connection, as far as the file tells."""
        missing = queue not in self.queues and self.has_loose_ends()
        return missing or queue in self.private or queue.startswith("amq.")

    def has_loose_ends(self) -> bool:
        version = re.match(r"(\d+)\.(\d+)", str(self.value("rabbitmq_version")))
        return version is not None and (int(version[1]), int(version[2])) >= _FIRST_WITH_LOOSE_ENDS

    def ends_exist(self, binding: Binding, entry: _Entry) -> None:
        exchanges = self.exchanges | PREDECLARED_EXCHANGES
        known = {"exchange": exchanges, "queue": self.queues}.get(binding.destination_type)
        if "source" in entry.value and not binding.source.startswith("amq."):
            self.exists(entry, "exchange", binding.source, exchanges)
        if "destination" in entry.value and known is not None:
            self.exists(entry, binding.destination_type, binding.destination, known)

    def exists(self, entry: _Entry, kind: str, name: str, known: Set[str]) -> None:
        if name in known:
            return
        hint = guess(name, sorted(known))
        if kind == "exchange" and self.has_loose_ends():
            hint = "; RabbitMQ 4.3 does not export internal exchanges, but `attune-infra export` does"
        entry.problem(f" needs {kind} '{name}', which this file does not hold{hint}")

    def read_policies(self, vhost: str) -> Iterator[Policy]:
        names: set[str] = set()
        for entry in self.entries("policies", vhost, "a policy"):
            policy = Policy(
                name=entry.called("policy", names),
                pattern=entry.string("pattern"),
                definition=entry.table("definition"),
                apply_to=entry.string("apply-to", default="all"),
                priority=entry.integer("priority", default=0),
            )
            entry.judge(policy)
            yield policy

    def default_queue_type(self, vhost: str) -> str:
        """Return what a queue becomes that names no type, where the file tells; 3.10 says `undefined`."""
        own = {key: self.value(key) for key in ("default_queue_type", "metadata")}
        listed = (each for each in self.objects("vhosts") if each.get("name") == vhost)
        for about in (own, *listed):
            metadata = about.get("metadata")
            inner = metadata.get("default_queue_type") if isinstance(metadata, dict) else None
            for found in (about.get("default_queue_type"), inner):
                if found in ("classic", "quorum", "stream"):
                    return str(found)
        return "classic"

    def entries(self, section: str, vhost: str, what: str) -> Iterator[_Entry]:
        """Yield what a section holds of a virtual host; what names none is in the only one there is."""
        several = len(self.holding()) > 1
        for item in self.items(section):
            if not isinstance(item.value, dict):
                self.problem(item.at, f"{what} must be an object, is {shown(item.value)}")
                continue
            entry = _Entry(item.value, item.at, self.problem, self.note, what)
            for key in item.twice:
                entry.problem(f" has '{key}' twice")
            if not _is_text(item.value):
                entry.problem(" holds half of a surrogate pair, which is no character")
            if several and "vhost" not in entry.value:
                entry.problem(" has no vhost, and this file holds several")
            elif (host := entry.string("vhost", default=vhost)) != vhost:
                self.left_out.append(
                    ("other virtual hosts", host, "each holds a topology of its own; --vhost names it")
                )
            else:
                unread = sorted(entry.value.keys() - _KEYS[section])
                self.left_out += [(f"keys of {section}", key, "RabbitMQ does not read them") for key in unread]
                yield entry

    def items(self, name: str) -> Iterator[Item]:
        for member in self.members:
            if member.name == name:
                yield from member.items or ()

    def objects(self, name: str) -> Iterator[dict[str, Any]]:
        """Yield those items of a member that are objects."""
        return (item.value for item in self.items(name) if isinstance(item.value, dict))

    def value(self, name: str) -> Any:
        return next((member.value for member in self.members if member.name == name), None)

    def problem(self, at: int, what: str) -> None:
        self.problems.append(Problem(*self.place(at), what))

    def note(self, at: int, item: TopologyObject) -> None:
        self.places.add(item, {"": self.place(at)})

    def place(self, at: int) -> Place:
        if not self._lines:
            self._lines = [0, *(found.end() for found in re.finditer("\n", self.text))]
        line = bisect_right(self._lines, at)
        return Place(line, at - self._lines[line - 1] + 1)


def _limits(value: object) -> Iterator[tuple[str, str, str]]:
    for name in value if isinstance(value, dict) else ():
        yield "limits", name, "a topology does not limit the virtual host it is in"


def _parameter(value: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    component = str(value.get("component"))
    if component == "vhost-limits":
        yield from _limits(value.get("value"))
    else:
        kind, why = _PARAMETERS.get(component, (f"parameters of {component}", "a topology holds none"))
        yield kind, str(value.get("name")), why


def _is_text(value: object) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True
