"""Permissions of RabbitMQ: the rights that each request needs, and the names that a user's patterns match.

Tried on 3.10, 4.0 and 4.3, which agree but for one thing: only 4.3 asks for a right to count a queue.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from enum import StrEnum
from typing import Final

from attune_infra.dataclass import dataclass
from attune_infra.topology.facts.exchanges import find_exchange, show_exchange_name
from attune_infra.topology.facts.patterns import matches
from attune_infra.topology.facts.releases import Version
from attune_infra.topology.model import Argument, Binding, Exchange, Queue, TopologyObject


class Access(StrEnum):
    """The three permissions of a user in a virtual host; each is a regular expression over names."""

    CONFIGURE = "configure"
    WRITE = "write"
    READ = "read"


class Tag(StrEnum):
    """The tags that let a user use the management API."""

    MANAGEMENT = "management"
    POLICYMAKER = "policymaker"
    MONITORING = "monitoring"
    ADMINISTRATOR = "administrator"


TAGS_THAT_DO: Final[Mapping[Tag, frozenset[Tag]]] = {
    Tag.MANAGEMENT: frozenset(Tag),
    Tag.POLICYMAKER: frozenset({Tag.POLICYMAKER, Tag.ADMINISTRATOR}),
    Tag.MONITORING: frozenset({Tag.MONITORING, Tag.ADMINISTRATOR}),
    Tag.ADMINISTRATOR: frozenset({Tag.ADMINISTRATOR}),
}
"""The tags that allow all that a tag allows."""

_EMPTY: Final = "^$"
"""RabbitMQ takes an empty pattern for this one."""


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """A permission on one exchange or queue.

    With a routing key it is a topic permission, which RabbitMQ asks for beside the permission on the exchange.
    Only a user who has topic permissions on this exchange can lack it.
    """

    access: Access
    kind: str
    name: str
    routing_key: str | None = None

    def __str__(self) -> str:
        if self.routing_key is None:
            return f"{self.access} permission on {self.kind} {self.name}"
        return f"{self.access} topic permission for routing key '{self.routing_key}' on exchange {self.name}"


def rights_to_create(item: TopologyObject, exchanges: Mapping[str, Exchange]) -> Iterator[Right]:
    """Yield the rights that creating a missing object needs, among these exchanges.

    Whatever only HTTP has needs none, but a tag. Declaring an existing exchange or queue again needs only
    `configure` on it.
    """
    match item:
        case Exchange():
            yield from _to_declare("exchange", item.name, item.arguments.get("alternate-exchange"))
        case Queue():
            yield from _to_declare("queue", item.name, item.arguments.get("x-dead-letter-exchange"))
        case Binding():
            yield from _to_bind(item, exchanges)
        case _:
            pass


def rights_to_delete(item: TopologyObject, exchanges: Mapping[str, Exchange]) -> Iterator[Right]:
    """Yield the rights that deleting an object needs; what only HTTP has needs none, but a tag."""
    match item:
        case Exchange() | Queue():
            yield Right(Access.CONFIGURE, type(item).__name__.lower(), item.name)
        case Binding():
            yield from _to_bind(item, exchanges)
        case _:
            pass


def rights_to_publish(exchange: str, routing_key: str, exchanges: Mapping[str, Exchange]) -> Iterator[Right]:
    """Yield the rights that publishing needs."""
    yield Right(Access.WRITE, "exchange", show_exchange_name(exchange))
    if _is_topic(exchange, exchanges):
        yield Right(Access.WRITE, "exchange", exchange, routing_key)


def rights_to_consume(queue: str) -> Iterator[Right]:
    """Yield the rights that consuming, or taking single messages, needs."""
    yield Right(Access.READ, "queue", queue)


def _to_declare(kind: str, name: str, other: Argument) -> Iterator[Right]:
    """Yield the rights to declare an exchange or queue that hands messages on to another exchange."""
    yield Right(Access.CONFIGURE, kind, name)
    if isinstance(other, str):
        yield Right(Access.READ, kind, name)
        yield Right(Access.WRITE, "exchange", show_exchange_name(other))


def _to_bind(binding: Binding, exchanges: Mapping[str, Exchange]) -> Iterator[Right]:
    yield Right(Access.WRITE, binding.destination_type, binding.destination)
    yield Right(Access.READ, "exchange", binding.source)
    if _is_topic(binding.source, exchanges):
        yield Right(Access.READ, "exchange", binding.source, binding.routing_key)


def _is_topic(name: str, exchanges: Mapping[str, Exchange]) -> bool:
    """Return whether an exchange is a topic exchange; True for one of unknown type."""
    found = find_exchange(name, exchanges)
    return found is None or found.type in {"topic", ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class Patterns:
    """A user's regular expressions for names, or for the routing keys of a topic exchange.

    An empty one matches the empty text only. Topic permissions have no `configure`.
    """

    configure: str = ""
    write: str = ""
    read: str = ""

    def of(self, access: Access) -> str:
        return {Access.CONFIGURE: self.configure, Access.WRITE: self.write, Access.READ: self.read}[access]


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A user with tags, and with permissions in one virtual host.

    `patterns` is None for a user who may not enter the virtual host. `topics` are by the name of an exchange.
    """

    name: str
    virtual_host: str
    tags: frozenset[str] = frozenset()
    patterns: Patterns | None = None
    topics: Mapping[str, Patterns] = field(default_factory=dict)

    def has_tag(self, tag: Tag) -> bool:
        """Return whether the user may do all that a tag allows."""
        return bool(self.tags & TAGS_THAT_DO[tag])

    def has_right(self, right: Right, version: Version) -> bool:
        """Return whether a release finds the user's pattern in the name, or in the routing key."""
        if right.routing_key is None:
            patterns = self.patterns
            return patterns is not None and matches(patterns.of(right.access) or _EMPTY, right.name, version)
        topic = self.topics.get(right.name)
        return topic is None or matches(self._expanded(topic.of(right.access)), right.routing_key, version)

    def _expanded(self, pattern: str) -> str:
        """Return the pattern of a topic permission with its variables replaced; RabbitMQ escapes nothing."""
        found = pattern.replace("{username}", self.name).replace("{vhost}", self.virtual_host)
        return found or _EMPTY
