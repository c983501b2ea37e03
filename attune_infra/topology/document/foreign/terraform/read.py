"""Resources of Terraform's provider for RabbitMQ -> the topology of the virtual hosts that they name.

Terraform's state holds the arguments of exchanges, and the definitions of policies, as texts. A text in a policy
that is an integer becomes one, as the provider sends it. Of any other argument only the text is known.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import field
from functools import partial
from typing import Any, Final, NamedTuple

from attune_infra.dataclass import dataclass
from attune_infra.errors import InvalidInput
from attune_infra.topology.document.definitions.entry import Entry
from attune_infra.topology.document.foreign.assemble import Declared, Placed, Wish, assemble_file
from attune_infra.topology.document.foreign.terraform.links import SHOVEL, UPSTREAM, Link, parameter_from
from attune_infra.topology.document.foreign.terraform.state import Instance, State
from attune_infra.topology.document.foreign.terraform.write import DEFAULT_VHOST
from attune_infra.topology.document.judge import Defect
from attune_infra.topology.document.places import Places
from attune_infra.topology.document.reading import Reading
from attune_infra.topology.document.sections.secrets import password_variable
from attune_infra.topology.document.text import group_left_out
from attune_infra.topology.facts.arguments import HIGHEST, LOWEST
from attune_infra.topology.model import (
    Argument,
    Arguments,
    Binding,
    Exchange,
    Limit,
    OperatorPolicy,
    Parameter,
    Permission,
    Policy,
    Queue,
    TopicPermission,
    TopologyObject,
    User,
    VirtualHost,
)
from attune_infra.topology.words import describe, plural

_DATA: Final = "they read something, and declare nothing"
_OTHER: Final = "they are not of the provider for RabbitMQ"
_UNKNOWN: Final = "attune-infra does not know this type"
_UNTYPED: Final = "Terraform keeps it as a text; RabbitMQ may hold a number or a boolean"
_LIMITS: Final = {"max_connections": "max-connections", "max_queues": "max-queues"}
_INTEGER: Final = re.compile(r"[-+]?[0-9]+")
_NO_TEXT: Final = re.compile(r"[-+]?[0-9.]+(e[-+]?[0-9]+)?|true|false")


class _Found(NamedTuple):
    vhost: str | None
    """None for an object of the whole broker."""
    item: TopologyObject
    entry: Entry


def read_terraform(text: str, *, source: str, vhost: str | None = None, everything: bool = False) -> Reading:
    """Read the resources of one virtual host, or of all that they name, and collect the problems.

    Only one becomes a topology of its own, unless `everything` asks for its settings too. Raise `InvalidInput` if
    `vhost` has no resources, or if the text is no output of `terraform show -json` with resources for RabbitMQ.
    """
    try:
        state = State.read(text, source)
        reader = _Reader(state)
        found = [each for instance in state.instances() for each in reader.objects(instance)]
    except RecursionError as error:
        raise InvalidInput(f"{source} is nested too deeply", hint="give another file") from error
    if not reader.is_any and not state.problems:
        raise InvalidInput(
            f"{source} holds no resource of Terraform's provider for RabbitMQ", hint="give that of another module"
        )
    placed = [Placed(each.vhost, partial(_declared, each, state)) for each in found]
    places = Places()
    topology, chosen = assemble_file(placed, Wish(source, vhost, everything), places, reader.left_out)
    problems = tuple(sorted(set(state.problems)))
    return Reading(source, topology, group_left_out(reader.left_out), places, problems, chosen)


def _declared(found: _Found, state: State, places: Places) -> Declared:
    def complain(defect: Defect | None, sentence: str) -> None:
        if defect is None or defect.part not in found.entry.unread:
            state.problem(found.entry.what, f"{found.entry.what}: {sentence}")

    def note(item: TopologyObject) -> None:
        places.add(item, {"": state.place(found.entry.what)})

    return Declared(found.item, complain, note, is_listed=True)


@dataclass(slots=True)
class _Reader:
    """The readers of all types. `left_out` fills up."""

    state: State
    left_out: list[tuple[str, str, str]] = field(default_factory=list)
    is_any: bool = False
    """True if there was a resource of the provider."""

    def objects(self, instance: Instance) -> Iterator[_Found]:
        """Yield the objects that a resource declares."""
        is_ours = instance.type.startswith("rabbitmq_")
        self.is_any |= is_ours
        read = getattr(self, f"_{instance.type}", None) if is_ours else None
        if instance.is_data or read is None:
            kind, why = f"resources of type {instance.type}", _UNKNOWN if is_ours else _OTHER
            kind, why = ("data sources", _DATA) if instance.is_data else (kind, why)
            self.left_out.append((kind, instance.address, why))
            return
        entry = self.entry(instance.values, instance.address)
        vhost = entry.string("vhost", default=DEFAULT_VHOST)
        if instance.type == "rabbitmq_vhost":
            vhost = entry.string("name")
        for item in read(entry):
            if not entry.is_lost:
                yield _Found(None if isinstance(item, User) else vhost, item, entry)

    def entry(self, values: dict[str, Any], address: str) -> Entry:
        def report(_: int, sentence: str, **__: object) -> None:
            self.state.problem(address, sentence)

        return Entry(values, 0, report, address)

    def block(self, entry: Entry, name: str) -> Entry:
        """Return the only inner block of a name."""
        return next(self.blocks(entry, name), self.entry({}, entry.what))

    def blocks(self, entry: Entry, name: str) -> Iterator[Entry]:
        found = entry.value.get(name)
        if not isinstance(found, list) or not found or not all(isinstance(each, dict) for each in found):
            entry.problem(f" has no block '{name}'")
            entry.is_lost = True
            return
        for each in found:
            given = {key: value for key, value in each.items() if value is not None}
            inner = self.entry(given, entry.what)
            inner.unread = entry.unread
            yield inner

    def arguments(self, entry: Entry) -> dict[str, Argument]:
        """Return arguments: those of JSON, or else texts, some of which may have been something else."""
        encoded = entry.string("arguments_json", default="")
        if not encoded:
            found = dict(entry.table("arguments"))
            for name, value in found.items():
                if isinstance(value, str) and _NO_TEXT.fullmatch(value):
                    self.left_out.append(("types", f"of {name} of {entry.what}", _UNTYPED))
            return found
        try:
            decoded = json.loads(encoded)
        except ValueError:
            decoded = None
        if not isinstance(decoded, dict):
            entry.problem(": arguments_json is no JSON object")
            return {}
        for name in (name for name, value in decoded.items() if value is None):
            entry.problem(f": '{name}' holds null, which RabbitMQ cannot store")
        return decoded

    def _rabbitmq_exchange(self, entry: Entry) -> Iterator[TopologyObject]:
        settings = self.block(entry, "settings")
        yield Exchange(
            name=entry.string("name"),
            type=settings.string("type"),
            durable=settings.boolean("durable", default=False),
            auto_delete=settings.boolean("auto_delete", default=False),
            arguments=self.arguments(settings),
        )

    def _rabbitmq_queue(self, entry: Entry) -> Iterator[TopologyObject]:
        settings = self.block(entry, "settings")
        arguments = self.arguments(settings)
        kind = arguments.pop("x-queue-type", None)
        if not isinstance(kind, str | None):
            entry.problem(f": x-queue-type expects a string, got {describe(kind)}")
            kind = None
        yield Queue(
            name=entry.string("name"),
            type=kind,
            durable=settings.boolean("durable", default=False),
            auto_delete=settings.boolean("auto_delete", default=False),
            arguments=arguments,
        )

    def _rabbitmq_binding(self, entry: Entry) -> Iterator[TopologyObject]:
        kind = entry.string("destination_type")
        if kind not in {"queue", "exchange"}:
            entry.problem(f": destination_type expects queue or exchange, got {describe(kind)}")
        yield Binding(
            source=entry.string("source"),
            destination=entry.string("destination"),
            destination_type=kind,
            routing_key=entry.string("routing_key", default=""),
            arguments=self.arguments(entry),
        )

    def _rabbitmq_policy(self, entry: Entry, kind: type[Policy] = Policy) -> Iterator[TopologyObject]:
        policy = self.block(entry, "policy")
        yield kind(
            name=entry.string("name"),
            pattern=policy.string("pattern"),
            definition=_definition(policy.table("definition")),
            apply_to=policy.string("apply_to", default="all"),
            priority=policy.integer("priority", default=0),
        )

    def _rabbitmq_operator_policy(self, entry: Entry) -> Iterator[TopologyObject]:
        yield from self._rabbitmq_policy(entry, OperatorPolicy)

    def _rabbitmq_permissions(self, entry: Entry) -> Iterator[TopologyObject]:
        given = self.block(entry, "permissions")
        patterns = {key: given.string(key, default="") for key in ("configure", "write", "read")}
        yield Permission(user=entry.string("user"), **patterns)

    def _rabbitmq_topic_permissions(self, entry: Entry) -> Iterator[TopologyObject]:
        for given in self.blocks(entry, "permissions"):
            patterns = {key: given.string(key, default="") for key in ("exchange", "write", "read")}
            yield TopicPermission(user=entry.string("user"), **patterns)

    def _rabbitmq_federation_upstream(self, entry: Entry) -> Iterator[TopologyObject]:
        yield self.link(entry, UPSTREAM)

    def _rabbitmq_shovel(self, entry: Entry) -> Iterator[TopologyObject]:
        yield self.link(entry, SHOVEL)

    def link(self, entry: Entry, link: Link) -> Parameter:
        """Return an upstream or a shovel, with references in place of its URIs with passwords."""
        name = entry.string("name")
        vhost = entry.string("vhost", default=DEFAULT_VHOST)
        item, variables = parameter_from(link, name, self.block(entry, link.block).value, vhost)
        if variables:
            why = f"Terraform's state holds them: set {' and '.join(variables)}"
            self.left_out.append((f"URIs with passwords of {plural(item.kind)}", name, why))
        return item

    def _rabbitmq_user(self, entry: Entry) -> Iterator[TopologyObject]:
        """Yield a user with a reference to the password, which is in the state."""
        tags = entry.value.get("tags") or []
        if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
            entry.problem(": tags expects a list of strings")
            return
        name = entry.string("name")
        reference = password_variable(name)
        why = f"Terraform's state holds them: set {reference.words[0]} to it"
        self.left_out.append(("passwords of users", name, why))
        yield User(name=name, tags=frozenset(tags), password=reference)

    def _rabbitmq_vhost(self, entry: Entry) -> Iterator[TopologyObject]:
        """Yield the settings and the limits; 0 and an empty text are the provider's words for none."""
        yield VirtualHost(
            name=entry.string("name"),
            description=entry.string("description", default="") or None,
            default_queue_type=entry.string("default_queue_type", default="") or None,
        )
        if entry.value.get("tracing"):
            self.left_out.append(("attributes", f"tracing of {entry.what}", "a topology has no place for them"))
        for key, limit in _LIMITS.items():
            value = entry.value.get(key) or 0
            if isinstance(value, str) and _INTEGER.fullmatch(value) and len(value) < len(str(HIGHEST)):
                value = int(value)
            if isinstance(value, bool) or not isinstance(value, int):
                entry.problem(f": {key} expects an integer, got {describe(value)}")
            elif value:
                yield Limit(name=limit, value=value)


def _definition(given: Arguments) -> dict[str, Argument]:
    """Return the definition of a policy as the provider sends it."""
    found = {name: _as_sent(value) for name, value in given.items()}
    nodes = found.get("ha-params")
    if found.get("ha-mode") == "nodes" and isinstance(nodes, str):
        found["ha-params"] = list(nodes.split(","))
    return found


def _as_sent(value: Argument) -> Argument:
    is_integer = isinstance(value, str) and len(value) <= len(str(LOWEST)) and _INTEGER.fullmatch(value)
    number = int(str(value)) if is_integer else None
    return number if number is not None and LOWEST <= number <= HIGHEST else value
