"""A resource of the topology operator -> the objects that the operator declares for it, and their places."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from typing import Final, NamedTuple

import yaml

from attune_infra.dataclass import dataclass
from attune_infra.topology.document.foreign.go_values import through_go
from attune_infra.topology.document.foreign.kubernetes.credentials import Login, name_of_secret
from attune_infra.topology.document.foreign.kubernetes.links import FIELDS_OF_LINKS, URIS, link_of
from attune_infra.topology.document.foreign.kubernetes.resource import Resource
from attune_infra.topology.document.foreign.kubernetes.write import (
    CREDENTIALS,
    DEFAULT_VHOST,
    LIMITS,
    LIMITS_OF_USERS,
)
from attune_infra.topology.document.nodes import Entry
from attune_infra.topology.document.sections.objects import Objects, Parts
from attune_infra.topology.document.sections.super_streams import MAX_PARTITIONS
from attune_infra.topology.facts.arguments import PARTITION_ORDER
from attune_infra.topology.model import (
    Argument,
    Binding,
    Exchange,
    Limit,
    OperatorPolicy,
    Permission,
    Policy,
    Queue,
    TopicPermission,
    TopologyObject,
    User,
    VirtualHost,
)
from attune_infra.topology.words import plural

_DECLARED: Final = ("name", "vhost", "type", "durable", "autoDelete", "arguments")
_POLICY: Final = ("name", "vhost", "pattern", "applyTo", "priority", "definition")
_ACCESS: Final = ("vhost", "user", "userReference", "permissions")
FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "Exchange": _DECLARED,
    "Queue": _DECLARED,
    "Binding": ("vhost", "source", "destination", "destinationType", "routingKey", "arguments"),
    "Policy": _POLICY,
    "OperatorPolicy": _POLICY,
    "Permission": _ACCESS,
    "TopicPermission": _ACCESS,
    "Vhost": ("name", "limits", "tags", "defaultQueueType"),
    "User": ("tags", "limits", CREDENTIALS),
    "SuperStream": ("name", "vhost", "partitions", "routingKeys"),
    **{kind: ("name", "vhost", URIS, *fields) for kind, fields in FIELDS_OF_LINKS.items()},
}
"""The fields of each kind that say what RabbitMQ holds, and that a topology has a place for."""
_PARTS: Final = {
    "autoDelete": "auto_delete",
    "routingKey": "routing_key",
    "applyTo": "apply_to",
    "source": "exchange",
    "defaultQueueType": "default_queue_type",
}
_FOR_THE_OPERATOR: Final = {"deletionPolicy", "deleteIfEmpty", "deleteIfUnused"}
_DEFAULT_PARTITIONS: Final = 3


class Found(NamedTuple):
    """An object of a virtual host, or of the whole broker, and the nodes that it was read from."""

    vhost: str | None
    item: TopologyObject
    parts: Parts


@dataclass(slots=True)
class Kinds:
    """The readers of all kinds. `left_out` fills up; the `logins` of users are by the names of their resources."""

    document: Objects
    logins: Mapping[str, Login]
    left_out: list[tuple[str, str, str]] = field(default_factory=list)

    def objects(self, resource: Resource) -> Iterator[Found]:
        """Yield the objects that a resource declares."""
        spec = self.fields(resource)
        vhost = self.text(spec, "vhost") or DEFAULT_VHOST
        reader: Callable[[Resource, Mapping[str, yaml.Node]], Iterator[tuple[TopologyObject, Parts]]]
        reader = getattr(self, f"_{resource.kind.lower()}")
        if resource.kind == "Vhost":
            vhost = self.required(resource, spec, "name")
        for item, parts in reader(resource, spec):
            yield Found(None if isinstance(item, User) else vhost, item, parts)

    def fields(self, resource: Resource) -> dict[str, yaml.Node]:
        """Return the fields of a resource, and name those that have no place in a topology."""
        entries = self.document.entries(resource.members.get("spec"), f"the spec of {resource.what}")
        if not entries:
            self.document.problem(resource.node, f"{resource.what} has no spec")
        for name in entries.keys() - {*FIELDS[resource.kind], "rabbitmqClusterReference"}:
            why = "a topology has no place for them"
            if name in _FOR_THE_OPERATOR:
                why = "they tell the operator what to do, not what RabbitMQ holds"
            self.left_out.append(("fields", f"{name} of {resource.what}", why))
        return {name: entry.value for name, entry in entries.items() if name in FIELDS[resource.kind]}

    def text(self, spec: Mapping[str, yaml.Node], key: str) -> str:
        return self.document.string(spec.get(key), "")

    def required(self, resource: Resource, spec: Mapping[str, yaml.Node], key: str) -> str:
        self.demand(resource, spec, key)
        return self.text(spec, key)

    def demand(self, resource: Resource, spec: Mapping[str, yaml.Node], key: str) -> None:
        if key not in spec:
            self.document.problem(resource.node, f"{resource.what} has no {key}")

    def table(self, node: yaml.Node | None, what: str) -> tuple[dict[str, Argument], Mapping[str, Entry]]:
        """Return arguments as the operator sends them, and their nodes."""
        entries = self.document.entries(node, what)
        return {name: through_go(value) for name, value in self.document.values(entries).items()}, entries

    def parts(self, resource: Resource, spec: Mapping[str, yaml.Node], tables: Mapping[str, Entry]) -> Parts:
        keys = {_PARTS.get(name, name): node for name, node in spec.items()}
        return Parts(spec.get("name", resource.node), keys, tables)

    def _exchange(
        self, resource: Resource, spec: Mapping[str, yaml.Node]
    ) -> Iterator[tuple[TopologyObject, Parts]]:
        arguments, entries = self.table(spec.get("arguments"), "arguments")
        exchange = Exchange(
            name=self.required(resource, spec, "name"),
            type=self.document.string(spec.get("type"), "direct"),
            durable=self.document.boolean(spec.get("durable"), default=False),
            auto_delete=self.document.boolean(spec.get("autoDelete"), default=False),
            arguments=arguments,
        )
        yield exchange, self.parts(resource, spec, entries)

    def _queue(self, resource: Resource, spec: Mapping[str, yaml.Node]) -> Iterator[tuple[TopologyObject, Parts]]:
        arguments, entries = self.table(spec.get("arguments"), "arguments")
        arguments.pop("x-queue-type", None)
        queue = Queue(
            name=self.required(resource, spec, "name"),
            type=self.document.queue_type(spec.get("type"), entries.get("x-queue-type")),
            durable=self.document.boolean(spec.get("durable"), default=False),
            auto_delete=self.document.boolean(spec.get("autoDelete"), default=False),
            arguments=arguments,
        )
        yield queue, self.parts(resource, spec, entries)

    def _binding(
        self, resource: Resource, spec: Mapping[str, yaml.Node]
    ) -> Iterator[tuple[TopologyObject, Parts]]:
        arguments, entries = self.table(spec.get("arguments"), "arguments")
        kind = self.required(resource, spec, "destinationType")
        if "destinationType" in spec and kind not in {"queue", "exchange"}:
            self.document.problem(
                spec["destinationType"], f"destinationType expects queue or exchange, got '{kind}'"
            )
        binding = Binding(
            source=self.required(resource, spec, "source"),
            destination=self.required(resource, spec, "destination"),
            destination_type=kind,
            routing_key=self.text(spec, "routingKey"),
            arguments=arguments,
        )
        yield binding, self.parts(resource, spec, entries)

    def _policy(
        self, resource: Resource, spec: Mapping[str, yaml.Node], kind: type[Policy] = Policy, apply_to: str = "all"
    ) -> Iterator[tuple[TopologyObject, Parts]]:
        self.demand(resource, spec, "definition")
        definition, entries = self.table(spec.get("definition"), "definition")
        policy = kind(
            name=self.required(resource, spec, "name"),
            pattern=self.required(resource, spec, "pattern"),
            definition=definition,
            apply_to=self.document.string(spec.get("applyTo"), apply_to),
            priority=self.document.integer(spec.get("priority"), 0),
        )
        yield policy, self.parts(resource, spec, entries)

    def _operatorpolicy(
        self, resource: Resource, spec: Mapping[str, yaml.Node]
    ) -> Iterator[tuple[TopologyObject, Parts]]:
        yield from self._policy(resource, spec, OperatorPolicy, "queues")

    def _permission(
        self, resource: Resource, spec: Mapping[str, yaml.Node]
    ) -> Iterator[tuple[TopologyObject, Parts]]:
        given = self.patterns(resource, spec, ("configure", "write", "read"))
        if user := self.user(resource, spec):
            patterns = {key: self.text(given, key) for key in ("configure", "write", "read")}
            yield Permission(user=user, **patterns), Parts(resource.node, given, {})

    def _topicpermission(
        self, resource: Resource, spec: Mapping[str, yaml.Node]
    ) -> Iterator[tuple[TopologyObject, Parts]]:
        given = self.patterns(resource, spec, ("exchange", "write", "read"))
        if user := self.user(resource, spec):
            exchange = self.required(resource, given, "exchange")
            patterns = {key: self.text(given, key) for key in ("write", "read")}
            yield TopicPermission(user=user, exchange=exchange, **patterns), Parts(resource.node, given, {})

    def patterns(
        self, resource: Resource, spec: Mapping[str, yaml.Node], known: tuple[str, ...]
    ) -> dict[str, yaml.Node]:
        return self.document.mapping(spec.get("permissions"), f"the permissions of {resource.what}", known)

    def user(self, resource: Resource, spec: Mapping[str, yaml.Node]) -> str:
        """Return the name of the user; empty if only the cluster knows it, which is named."""
        if "user" in spec:
            return self.text(spec, "user")
        reference = self.document.entries(spec.get("userReference"), "userReference").get("name")
        name = self.document.string(reference.value, "") if reference else ""
        if not name:
            self.document.problem(resource.node, f"{resource.what} has neither user nor userReference")
        elif name not in self.logins:
            why = f"the name of the user is in the resource or secret of User '{name}', which this file lacks"
            self.left_out.append(("permissions", resource.name, why))
        return self.logins[name].name if name in self.logins else ""

    def _user(self, resource: Resource, spec: Mapping[str, yaml.Node]) -> Iterator[tuple[TopologyObject, Parts]]:
        """Yield a user with a reference to the password, if a Secret has one."""
        login = self.logins.get(resource.name)
        if login is None:
            where = name_of_secret(self.document, resource) or "that the operator makes"
            why = f"their names are in Secrets, which this file lacks: {where}"
            self.left_out.append(("users", resource.name, why))
            return
        tags = [self.document.string(each, "") for each in self.document.sequence(spec.get("tags"), "tags")]
        given = self.document.mapping(
            spec.get("limits"), f"the limits of {resource.what}", tuple(LIMITS_OF_USERS.values())
        )
        limits = {
            limit: self.document.integer(given[key], -1) for limit, key in LIMITS_OF_USERS.items() if key in given
        }
        if login.where:
            self.left_out.append(("passwords of users", login.name, login.where))
        user = User(name=login.name, tags=frozenset(tags), limits=limits, password=login.password)
        yield user, Parts(resource.node, spec, {})

    def _vhost(self, resource: Resource, spec: Mapping[str, yaml.Node]) -> Iterator[tuple[TopologyObject, Parts]]:
        tags = [self.document.string(each, "") for each in self.document.sequence(spec.get("tags"), "tags")]
        settings = VirtualHost(
            name=self.text(spec, "name"),
            tags=tuple(sorted(dict.fromkeys(tags))) or None,
            default_queue_type=self.text(spec, "defaultQueueType") or None,
        )
        yield settings, self.parts(resource, spec, {})
        given = self.document.mapping(spec.get("limits"), f"the limits of {resource.what}", tuple(LIMITS.values()))
        for name, key in LIMITS.items():
            if key in given:
                limit = Limit(name=name, value=self.document.integer(given[key], -1))
                yield limit, Parts(given[key], {"value": given[key]}, {})

    def _federation(
        self, resource: Resource, spec: Mapping[str, yaml.Node]
    ) -> Iterator[tuple[TopologyObject, Parts]]:
        """Yield an upstream or a shovel, with references in place of the URIs of its Secret."""
        fields = {
            name: through_go(self.document.argument(node, f"'{name}'"))
            for name, node in spec.items()
            if name in FIELDS_OF_LINKS[resource.kind]
        }
        name = self.required(resource, spec, "name")
        item, variables = link_of(resource.kind, name, fields, self.text(spec, "vhost"))
        secret = self.document.entries(spec.get(URIS), URIS).get("name")
        where = self.document.string(secret.value, "") if secret else ""
        why = f"they are in Secret '{where}': set {' and '.join(variables)} to them"
        self.left_out.append((f"URIs of {plural(item.kind)}", name, why))
        keys = {FIELDS_OF_LINKS[resource.kind].get(field, field): node for field, node in spec.items()}
        yield item, Parts(spec.get("name", resource.node), keys, {})

    _shovel = _federation

    def _superstream(
        self, resource: Resource, spec: Mapping[str, yaml.Node]
    ) -> Iterator[tuple[TopologyObject, Parts]]:
        """Yield what the operator makes: an exchange called after the resource, without the mark of others."""
        name = resource.name or self.required(resource, spec, "name")
        if self.text(spec, "name") not in {name, ""}:
            why = f"the operator calls the exchange after the resource, '{name}'"
            self.left_out.append(("names", f"{self.text(spec, 'name')} of {resource.what}", why))
        parts = self.parts(resource, spec, {})
        yield Exchange(name=name), parts
        for order, key in enumerate(self.partition_keys(resource, spec)):
            yield Queue(name=f"{name}-{key}", type="stream"), parts
            bound = Binding(
                source=name, destination=f"{name}-{key}", routing_key=key, arguments={PARTITION_ORDER: order}
            )
            yield bound, parts

    def partition_keys(self, resource: Resource, spec: Mapping[str, yaml.Node]) -> list[str]:
        count = self.document.integer(spec.get("partitions"), _DEFAULT_PARTITIONS)
        keys = [self.document.string(each, "") for each in self.document.sequence(spec.get("routingKeys"), "keys")]
        if not 1 <= count <= MAX_PARTITIONS:
            self.document.problem(resource.node, f"{resource.what}: expected 1 to {MAX_PARTITIONS} partitions")
            return []
        if keys and len(keys) != count:
            self.document.problem(
                resource.node, f"{resource.what} has {count} partitions, but {len(keys)} routing keys"
            )
        return keys or [str(number) for number in range(count)]
