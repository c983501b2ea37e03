"""Words for objects and their attributes, in RabbitMQ's terms."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from attune_infra.topology.facts.controls import ATTRIBUTES
from attune_infra.topology.facts.virtual_hosts import SETTINGS
from attune_infra.topology.model import (
    ABSENT,
    HIDDEN,
    NO_PASSWORD,
    Argument,
    Arguments,
    Binding,
    Exchange,
    GlobalParameter,
    Limit,
    Parameter,
    Permission,
    Policy,
    Queue,
    SecretReference,
    TopicPermission,
    TopologyObject,
    User,
    Value,
    VirtualHost,
    kind_of,
    label,
)
from attune_infra.topology.words import is_hidden

if TYPE_CHECKING:
    from attune_infra.topology.diff import Difference
    from attune_infra.topology.document.text import LeftOut
    from attune_infra.topology.target import Target

_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
_MAX_NAMES_LISTED = 5
MAX_WORKERS_SHOWN = 20
"""Up to this many workers are shown one by one; of more, the healthy ones share a line."""


def visible(text: str) -> str:
    """Return text that is safe to print on a terminal.

    Control characters, and characters that change the direction of writing, become escapes.
    """
    if text.isprintable():
        return text
    return "".join(_escaped(character) for character in text)


def declaration(item: TopologyObject) -> str:
    """Return the sentence of an object's declaration, with its attributes."""
    match item:
        case Exchange(external=True) | Queue(external=True):
            return f"{kind_of(item)} {item.name}, which is external"
        case Exchange():
            more = _arguments(item.arguments)
            return f"exchange {item.name} declared as {_exchange_kind(item)}{more}"
        case Queue():
            return f"queue {item.name} declared{_queue_arguments(item)}{_queue_kind(item)}"
        case Binding():
            key = f"routing key {item.routing_key}" if item.routing_key else "an empty routing key"
            return f"binding {item.source} -> {item.destination} declared with {key}{_arguments(item.arguments)}"
        case Policy():
            return f"{label(item)} set on {item.apply_to} matching {item.pattern}"
        case User() | VirtualHost():
            return _owner(item)
        case Limit():
            return f"limit {item.name} set to {item.value}"
        case Permission() | TopicPermission():
            words = ", ".join(f"{name} '{pattern}'" for name, pattern in attributes(item))
            return f"{label(item)} set: {words}"
        case Parameter() | GlobalParameter():
            words = ", ".join(f"{name} {_compact(each)}" for name, each in attributes(item))
            extent = " for the whole broker" if isinstance(item, GlobalParameter) else ""
            return f"{label(item)} set{extent}: {words}"


def _owner(item: User | VirtualHost) -> str:
    if isinstance(item, User):
        return f"user {item.name} of the whole broker set{_user(item)}"
    settings = ", ".join(f"{name} {value(found)}" for name, found in attributes(item))
    return f"{label(item)} set: {settings}" if settings else label(item)


def difference(found: Difference) -> str:
    """Return the sentence of one differing attribute: both values, with their types."""
    if found.have is HIDDEN:
        return f"{found.attribute} differs"
    return f"{found.attribute}: have {value(found.have)}, want {value(found.want)}"


def value(found: Value) -> str:
    """Return a value with its type, in JSON's terms."""
    if found is ABSENT:
        return "none"
    words = f"'{found}'" if isinstance(found, str) else json.dumps(found, ensure_ascii=False, default=str)
    return f"{words} ({_TYPES.get(type(found), 'null')})"


def ranges(ids: Iterable[int]) -> str:
    """Return ids as a user may type them: each run of successive ids as a range."""
    ordered = sorted(ids)
    runs = [each for each, before in zip(ordered, [None, *ordered], strict=False) if each - 1 != before]
    ends = [each for each, after in zip(ordered, [*ordered[1:], None], strict=False) if each + 1 != after]
    return ", ".join(str(one) if one == last else f"{one}-{last}" for one, last in zip(runs, ends, strict=True))


def omission(found: LeftOut) -> str:
    """Return the sentence for objects that were left out, with the first names."""
    names = ", ".join(found.names[:_MAX_NAMES_LISTED])
    more = f" and {len(found.names) - _MAX_NAMES_LISTED} more" if len(found.names) > _MAX_NAMES_LISTED else ""
    return f"left out: {found.kind} {names}{more}: {found.why}"


def _compact(found: Argument) -> str:
    return found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)


def _exchange_kind(exchange: Exchange) -> str:
    words = [exchange.type, "durable" if exchange.durable else "transient"]
    if exchange.auto_delete:
        words.append("auto-delete")
    if exchange.internal:
        words.append("internal")
    return ", ".join(words)


def _queue_kind(queue: Queue) -> str:
    words = [queue.type] if queue.type else []
    if not queue.durable:
        words.append("not durable")
    if queue.auto_delete:
        words.append("auto-delete")
    return f" ({', '.join(words)})" if words else ""


def _queue_arguments(queue: Queue) -> str:
    rest = dict(queue.arguments)
    target = rest.pop("x-dead-letter-exchange", None)
    words = "" if target is None else f" with dead letter exchange {target or '(default)'}"
    return words + _arguments(rest, joined=" and" if words else " with")


def _user(user: User) -> str:
    """Return words for what is set of a user; a password is named by its place only."""
    words = [f"{name} {item}" for name, item in sorted(user.limits.items())]
    if user.tags:
        words.insert(0, f"tags {', '.join(sorted(user.tags))}")
    match user.password:
        case None:
            pass
        case SecretReference() as reference:
            words.append(f"password from {reference}")
        case found:
            words.append("no password" if found == NO_PASSWORD else "password by its hash")
    return f": {', '.join(words)}" if words else ""


def _arguments(arguments: Arguments, joined: str = " with") -> str:
    words = ", ".join(f"{name} {'present' if item is None else item}" for name, item in sorted(arguments.items()))
    return f"{joined} {words}" if words else ""


def _escaped(character: str) -> str:
    if is_hidden(character):
        return character.encode("unicode_escape").decode("ascii")
    return character


def attributes(item: TopologyObject) -> Iterator[tuple[str, Argument]]:
    """Yield each attribute of an object's declaration."""
    match item:
        case Exchange():
            yield from (("type", item.type), ("durable", item.durable), ("auto_delete", item.auto_delete))
            yield from (("internal", item.internal), *sorted(item.arguments.items()))
        case Queue():
            if item.type:
                yield "type", item.type
            yield from (("durable", item.durable), ("auto_delete", item.auto_delete))
            yield from sorted(item.arguments.items())
        case Binding():
            yield from (("routing_key", item.routing_key), *sorted(item.arguments.items()))
        case Policy():
            yield from (("pattern", item.pattern), ("apply_to", item.apply_to), ("priority", item.priority))
            yield from sorted(item.definition.items())
        case User() | VirtualHost():
            yield from _attributes_of_owner(item)
        case Limit() | Permission() | TopicPermission():
            yield from ((name, getattr(item, name)) for name in ATTRIBUTES[type(item)])
        case Parameter() | GlobalParameter():
            yield from sorted(item.value.items()) if isinstance(item.value, dict) else [("value", item.value)]


def _attributes_of_owner(item: User | VirtualHost) -> Iterator[tuple[str, Argument]]:
    if isinstance(item, User):
        yield "tags", list[Argument](sorted(item.tags))
        yield from sorted(item.limits.items())
        return
    for name in SETTINGS:
        if (found := getattr(item, name)) is not None:
            yield name, list(found) if isinstance(found, tuple) else found


def target_line(target: Target) -> str:
    """Return the line that names the broker of a command."""
    node = f" (node {target.node})" if target.node and target.node != target.cluster else ""
    also = f", management user {target.management_user}" if target.management_user else ""
    named = f", connection {target.connection}" if target.connection else ""
    host = f", host {target.host}" if target.host else ""
    return (
        f"target: cluster {target.cluster or 'without a name'}{node}, RabbitMQ {target.version}, "
        f"virtual host {target.virtual_host}, user {target.user}{also}{named}{host}"
    )


def place(target: Target) -> str:
    """Return the phrase for the virtual host that a command changes."""
    return f"virtual host {target.virtual_host} of cluster {target.cluster or 'without a name'}"
