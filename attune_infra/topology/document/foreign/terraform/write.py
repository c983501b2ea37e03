"""Topology -> resources of Terraform's provider `cyrilgdn/rabbitmq`, with blocks that import what exists already.

The provider sends the arguments of an exchange, and the values of a policy that are no integers, as texts. It
takes an id apart at `@`, and that of a binding at `/`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Final
from urllib.parse import quote_plus

from attune_infra.dataclass import dataclass
from attune_infra.topology.document.foreign.go_values import changed_by_go
from attune_infra.topology.document.foreign.slugs import identifier
from attune_infra.topology.document.foreign.terraform.hcl import (
    Blocks,
    Body,
    Encoded,
    Reference,
    Resource,
    Value,
    Variable,
    as_json,
)
from attune_infra.topology.document.foreign.terraform.links import attributes_of, link_for, reason_to_refuse_link
from attune_infra.topology.document.text import Document, group_left_out
from attune_infra.topology.document.write import sort_arguments
from attune_infra.topology.model import (
    Arguments,
    Binding,
    Exchange,
    GlobalParameter,
    Limit,
    OperatorPolicy,
    Parameter,
    Permission,
    Policy,
    Queue,
    TopicPermission,
    Topology,
    TopologyObject,
    User,
    VirtualHost,
    label,
)
from attune_infra.topology.words import plural

DEFAULT_VHOST: Final = "/"
"""The virtual host of a resource that names none."""
_HEAD: Final = "# For the provider cyrilgdn/rabbitmq"
_HEAD_WITH_IMPORTS: Final = f"{_HEAD}; blocks that import need Terraform 1.5"
_INTEGER: Final = re.compile(r"[-+]?[0-9]+")
"""A text that the provider sends as an integer in a policy."""
_ENCODED: Final = re.compile(r"%(25|40)")
"""Releases of the provider disagree about these in an id."""
_AT: Final = "the provider separates name and virtual host with @, and so takes no name that holds it"
_SLASH: Final = "the provider separates the parts of a binding with /, and so takes no name that holds it"
_HASHED: Final = (
    "RabbitMQ adds a hash to the id of a binding with arguments; Terraform declares it again, without harm"
)
_AMBIGUOUS: Final = "releases of the provider disagree about % in an id; import it by hand"


_WITHOUT_TYPE: Final[Mapping[type[TopologyObject], str]] = {
    VirtualHost: "the provider resets the tags and limits of a virtual host that it changes: make it beforehand",
    Limit: "the provider sets them with the whole virtual host, and would reset its description",
    User: "their passwords would stand in the state of Terraform; a document can hold them by reference",
    GlobalParameter: "the provider has no type for them",
}
"""The reasons why no object of a type is written."""


def reason_to_refuse(item: TopologyObject, vhost: str) -> str | None:
    """Return the reason why the provider cannot declare an object of a virtual host, None if it can."""
    if isinstance(item, Exchange | Queue) and item.external:
        return None
    if isinstance(item, Binding):
        return _reason_for_binding(item)
    if why := _WITHOUT_TYPE.get(type(item)):
        return why
    name = item.user if isinstance(item, Permission | TopicPermission) else item.name
    if "@" in name or "@" in vhost:
        return _AT
    match item:
        case Exchange():
            return _reason_for_exchange(item)
        case Queue():
            return _change(item.arguments)
        case Policy():
            return _reason_for_policy(item)
        case Parameter():
            return reason_to_refuse_link(item)
        case _:
            return None


def _reason_for_binding(item: Binding) -> str | None:
    if None in item.arguments.values():
        return "they match any value of a header, which JSON cannot say; a document can"
    return _SLASH if "/" in item.source + item.destination else _change(item.arguments)


def _reason_for_exchange(item: Exchange) -> str | None:
    if item.internal:
        return "the provider's exchanges have no attribute `internal`"
    if odd := [name for name, value in sorted(item.arguments.items()) if not isinstance(value, str)]:
        return f"the provider sends the arguments of exchanges as texts, and {odd[0]} is none"
    return None


def _reason_for_policy(item: Policy) -> str | None:
    for name, value in sorted(item.definition.items()):
        if isinstance(value, str) and _INTEGER.fullmatch(value):
            return f"the provider sends the text {value} of {name} as an integer"
        if isinstance(value, bool) or not isinstance(value, str | int):
            return f"the provider sends {name} as a text, which it is not"
    return None


def _change(values: Arguments) -> str | None:
    return next((f"the provider changes {name}: it holds {what}" for name, what in changed_by_go(values)), None)


def write_terraform(topology: Topology, *, with_imports: bool) -> Document:
    """Return the resources that declare a topology, or each of several virtual hosts.

    Blocks import them if they exist on the broker. A topology without a name is that of the virtual host `/`.
    """
    parts = [*topology.virtual_hosts.values()] or [topology]
    writers = [_Writer(each, each.vhost or DEFAULT_VHOST, with_imports=with_imports) for each in parts]
    resources = [resource for each in writers for resource in each.resources()]
    variables = [variable for each in writers for variable in each.variables]
    head = _HEAD_WITH_IMPORTS if with_imports else _HEAD
    blocks: list[Resource | Variable] = [*variables, *resources]
    text = "\n\n".join([head, *("\n".join(each.lines()) for each in blocks)]) + "\n"
    left_out = group_left_out(note for each in writers for note in each.left_out)
    return Document(text, left_out, value=as_json(resources, variables))


@dataclass(slots=True)
class _Writer:
    topology: Topology
    vhost: str
    with_imports: bool
    left_out: list[tuple[str, str, str]] = field(default_factory=list)
    variables: list[Variable] = field(default_factory=list)
    """For secret URIs."""

    def resources(self) -> Iterator[Resource]:
        topics: dict[str, list[TopicPermission]] = {}
        for item in self.topology.objects():
            if isinstance(item, TopicPermission):
                topics.setdefault(item.user, []).append(item)
            elif not (
                isinstance(item, VirtualHost | User | Limit | GlobalParameter)
                or (isinstance(item, Exchange | Queue) and item.external)
            ):
                yield self.resource(item)
        for user, found in topics.items():
            yield self.named("rabbitmq_topic_permissions", user, {"user": user}, permissions=self.topics(found))

    def resource(self, item: Exchange | Queue | Binding | Policy | Permission | Parameter) -> Resource:
        match item:
            case Exchange():
                return self.named("rabbitmq_exchange", item.name, {"name": item.name}, settings=_exchange(item))
            case Queue():
                return self.named("rabbitmq_queue", item.name, {"name": item.name}, settings=_queue(item))
            case Policy():
                kind = "rabbitmq_operator_policy" if isinstance(item, OperatorPolicy) else "rabbitmq_policy"
                return self.named(kind, item.name, {"name": item.name}, policy=_policy(item))
            case Permission():
                patterns = {"configure": item.configure, "write": item.write, "read": item.read}
                return self.named(
                    "rabbitmq_permissions", item.user, {"user": item.user}, permissions=Blocks((patterns,))
                )
            case Binding():
                return self.binding(item)
            case Parameter():
                return self.link(item)

    def link(self, item: Parameter) -> Resource:
        """Return an upstream or a shovel, with a variable for each URI that is secret."""
        link = link_for(item)
        if link is None:
            raise ValueError(f"the provider has no type for {item.component}")
        attributes, secret = attributes_of(item, link)
        body: dict[str, Value] = dict(attributes)
        for attribute in secret:
            variable = Variable(f"{item.kind}_{self.identifier(item.name)}_{attribute}")
            self.variables.append(variable)
            body[attribute] = Reference(f"var.{variable.name}")
            why = f"give them to Terraform as the variable {variable.name}"
            self.left_out.append((f"URIs of {plural(item.kind)}", item.name, why))
        return self.named(link.type, item.name, {"name": item.name}, **{link.block: Blocks((body,))})

    def named(self, kind: str, name: str, first: Body, **blocks: Blocks) -> Resource:
        imported: str | None = f"{name}@{self.vhost}" if self.with_imports else None
        if imported and _ENCODED.search(imported):
            self.left_out.append(("import blocks", f"of {kind} {name}", _AMBIGUOUS))
            imported = None
        return Resource(kind, self.identifier(name), {**first, "vhost": self.vhost, **blocks}, imported)

    def identifier(self, *parts: str, shown: int = 1) -> str:
        prefix = () if self.vhost == DEFAULT_VHOST else (self.vhost,)
        return identifier(*prefix, *parts, shown=len(prefix) + shown)

    def binding(self, item: Binding) -> Resource:
        arguments = sort_arguments(item.arguments)
        key = (item.destination_type, item.routing_key, repr(arguments))
        of_queue = item.destination_type == "queue"
        body: dict[str, Value] = {
            "vhost": self.vhost,
            "source": self.end("exchange", item.source),
            "destination": self.end("queue" if of_queue else "exchange", item.destination),
            "destination_type": item.destination_type,
        }
        if item.routing_key:
            body["routing_key"] = item.routing_key
        body |= _arguments(arguments)
        imported = None
        if self.with_imports and arguments:
            self.left_out.append(("import blocks", f"of {label(item)}", _HASHED))
        elif self.with_imports:
            imported = _binding_id(item, self.vhost)
        name = self.identifier(item.source, item.destination, *key, shown=2)
        return Resource("rabbitmq_binding", name, body, imported)

    def end(self, kind: str, name: str) -> str | Reference:
        """Return the name of an exchange or queue, by reference if Terraform declares it."""
        declared = self.topology.queues.get(name) if kind == "queue" else self.topology.exchanges.get(name)
        if declared is None or declared.external:
            return name
        return Reference(f"rabbitmq_{kind}.{self.identifier(name)}.name")

    def topics(self, found: list[TopicPermission]) -> Blocks:
        return Blocks(
            tuple(
                {"exchange": self.end("exchange", each.exchange), "write": each.write, "read": each.read}
                for each in found
            )
        )


def _exchange(item: Exchange) -> Blocks:
    arguments: Body = {"arguments": sort_arguments(item.arguments)} if item.arguments else {}
    return Blocks(({"type": item.type, "durable": item.durable, "auto_delete": item.auto_delete, **arguments},))


def _queue(item: Queue) -> Blocks:
    named = {} if item.type is None else {"x-queue-type": item.type}
    arguments = _arguments(sort_arguments({**item.arguments, **named}))
    return Blocks(({"durable": item.durable, "auto_delete": item.auto_delete, **arguments},))


def _arguments(arguments: Arguments) -> Body:
    """Return arguments as the provider reads them from RabbitMQ: as JSON only if one is no text."""
    if not arguments:
        return {}
    if all(isinstance(value, str) for value in arguments.values()):
        return {"arguments": arguments}
    return {"arguments_json": Encoded(arguments)}


def _policy(item: Policy) -> Blocks:
    definition = sort_arguments(item.definition)
    attributes: Body = {"pattern": item.pattern, "priority": item.priority, "apply_to": item.apply_to}
    return Blocks(({**attributes, "definition": definition},))


def _binding_id(item: Binding, vhost: str) -> str:
    """Return the provider's id of a binding without arguments."""
    encoded = vhost.replace("%", "%25").replace("/", "%2F")
    return f"{encoded}/{item.source}/{item.destination}/{item.destination_type}/{properties_key(item.routing_key)}"


def properties_key(routing_key: str) -> str:
    """Return the key by which RabbitMQ's management API tells a binding without arguments from others."""
    return quote_plus(routing_key, safe="").replace("~", "%7E") or "~"
