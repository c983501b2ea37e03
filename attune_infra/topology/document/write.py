"""Topology -> YAML text, the inverse of `parse`.

Defaults are not written. Short mappings stand on one line, bindings on a line each. The order is fixed, so that
two texts can be compared.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, TypeAlias

import yaml

from attune_infra.topology.document.keys import OF_BROKER, SECTION_OF_VIRTUAL_HOSTS
from attune_infra.topology.document.sections.controls import write_controls
from attune_infra.topology.document.sections.super_streams import SuperStream, split_super_streams
from attune_infra.topology.document.sections.users import write_users
from attune_infra.topology.document.sections.virtual_hosts import settings_section
from attune_infra.topology.facts.exchanges import PREDECLARED_EXCHANGES, show_exchange_name
from attune_infra.topology.model import (
    Argument,
    Arguments,
    Binding,
    Exchange,
    Policy,
    Queue,
    Route,
    Suppression,
    Topology,
    WorkerFamily,
    as_written,
    binding_order,
)
from attune_infra.topology.words import is_hidden

_Mapping: TypeAlias = "dict[str, Argument]"
_Bindings: TypeAlias = "dict[tuple[str, str], list[Argument]]"

_WIDTH: Final = 100
_WORDS: Final = re.compile(r"[^\W\d][\w.-]*(?: [\w.-]+)*")
"""Texts without characters that YAML could read as punctuation."""

_RESOLVER: Final = yaml.resolver.Resolver()


def write(topology: Topology) -> str:
    """Return the document that `parse` reads back as this topology.

    Only the bindings of a worker family may come back in another order: that of its queues. Raise `ValueError` if
    a binding ends at something that the topology lacks, since no document can hold such a binding.
    """
    head = {"topology": topology.name, "expect_cluster": topology.demands.cluster}
    sections: _Mapping = {"protect": list(topology.demands.protect)}
    several = topology.virtual_hosts or {each.name: topology for each in (topology.virtual_host,) if each}
    if several:
        inner = {name: _within(each) for name, each in several.items()}
        sections[SECTION_OF_VIRTUAL_HOSTS] = {**inner}
        for each in inner.values():
            sections |= {name: each.pop(name) for name in OF_BROKER if name in each}
    else:
        sections |= _sections(topology)
    parts = [[f"{name}:", *_block(section, "  ")] for name, section in sections.items() if section]
    if lines := [f"{key}: {_scalar(text)}" for key, text in head.items() if text]:
        parts.insert(0, lines)
    if not parts:
        return "{}\n"
    return "\n\n".join("\n".join(lines) for lines in parts) + "\n"


def _within(topology: Topology) -> _Mapping:
    """Return the settings and the sections of one of several virtual hosts."""
    found = {**settings_section(topology.virtual_host), **_sections(topology)}
    return {name: section for name, section in found.items() if section not in ([], {})}


def _sections(topology: Topology) -> _Mapping:
    super_streams, topology = split_super_streams(topology)
    bindings = _group_by_destination(sorted(topology.bindings, key=binding_order))
    sections: _Mapping = {
        "manages": list(topology.manages),
        "manages_users": list(topology.manages_users),
        "exchanges": _exchanges(topology, bindings),
        "queues": _queues(sorted(topology.queues.values(), key=lambda queue: queue.name), bindings),
        "super_streams": {each.name: _super_stream(each) for each in super_streams},
        "policies": {name: _policy(policy) for name, policy in sorted(topology.policies.items())},
        "operator_policies": {
            name: _policy(policy) for name, policy in sorted(topology.operator_policies.items())
        },
        "users": write_users(topology.users),
        **write_controls(topology),
        "workers": _workers(topology.workers),
        "lint": _lint(topology.suppressions),
        "routes": [_route(route) for route in topology.routes],
    }
    _check_all_written(bindings)
    return sections


def sort_arguments(arguments: Arguments) -> dict[str, Argument]:
    """Sort arguments by name, and tables in them too."""
    return {name: _sort_value(value) for name, value in sorted(arguments.items())}


def _sort_value(value: Argument) -> Argument:
    match value:
        case dict():
            return sort_arguments(value)
        case list():
            return [_sort_value(item) for item in value]
        case _:
            return value


def policy_line(policy: Policy) -> str:
    """Return a policy as a line for the section `policies` of a document."""
    return f"{_scalar(policy.name)}: {_flow(_policy(policy))}"


def _group_by_destination(bindings: Iterable[Binding]) -> _Bindings:
    found: _Bindings = {}
    for binding in bindings:
        written = _without_defaults(
            exchange=binding.source,
            routing_key=binding.routing_key or None,
            arguments=sort_arguments(as_written(binding.arguments)) or None,
        )
        found.setdefault((binding.destination_type, binding.destination), []).append(written)
    return found


def _exchanges(topology: Topology, bindings: _Bindings) -> _Mapping:
    """Return the exchanges; RabbitMQ's own are among them if a binding ends at them."""
    names = topology.exchanges.keys() | {
        name for kind, name in bindings if kind == "exchange" and name in PREDECLARED_EXCHANGES
    }
    written: _Mapping = {}
    for name in sorted(names):
        exchange = topology.exchanges.get(name)
        attributes = {} if exchange is None else _exchange(exchange)
        written[name] = {**attributes, **_without_defaults(bindings=bindings.pop(("exchange", name), None))}
    return written


def _exchange(exchange: Exchange) -> _Mapping:
    if exchange.external:
        return _without_defaults(external=True, type=exchange.type or None)
    return _without_defaults(
        type=exchange.type if exchange.type != "direct" else None,
        durable=None if exchange.durable else False,
        auto_delete=exchange.auto_delete or None,
        internal=exchange.internal or None,
        arguments=sort_arguments(exchange.arguments) or None,
    )


def _queues(queues: Sequence[Queue], bindings: _Bindings) -> _Mapping:
    return {
        queue.name: _without_defaults(
            external=queue.external or None,
            type=queue.type,
            durable=None if queue.durable else False,
            auto_delete=queue.auto_delete or None,
            arguments=sort_arguments(queue.arguments) or None,
            bindings=bindings.pop(("queue", queue.name), None),
        )
        for queue in queues
    }


def _super_stream(super_stream: SuperStream) -> _Mapping:
    count, keys = len(super_stream.keys), list[Argument](super_stream.keys)
    return _without_defaults(
        partitions=count if super_stream.is_numbered else None,
        keys=None if super_stream.is_numbered else keys,
        arguments=sort_arguments(super_stream.arguments) or None,
    )


def _policy(policy: Policy) -> _Mapping:
    return {
        "pattern": policy.pattern,
        **_without_defaults(
            apply_to=policy.apply_to if policy.apply_to != "all" else None,
            priority=policy.priority or None,
        ),
        "definition": sort_arguments(policy.definition),
    }


def _workers(family: WorkerFamily | None) -> _Mapping:
    if family is None:
        return {}
    bindings = _group_by_destination(family.bindings)
    queues = _queues(family.queues, bindings)
    _check_all_written(bindings)
    return {"consumer_tag": family.consumer_tag, **_without_defaults(queues=queues or None)}


def _lint(suppressions: Sequence[Suppression]) -> _Mapping:
    ignored: list[Argument] = [
        _without_defaults(rule=item.rule, object=item.object, reason=item.reason) for item in suppressions
    ]
    return _without_defaults(ignore=ignored or None)


def _route(route: Route) -> _Mapping:
    message = route.publish
    publish = _without_defaults(
        exchange=show_exchange_name(message.exchange),
        routing_key=message.routing_key or None,
        headers=sort_arguments(message.headers) or None,
    )
    return {"publish": publish, "reaches": list(route.reaches)}


def _check_all_written(bindings: _Bindings) -> None:
    if bindings:
        raise ValueError(f"bindings end at something that the topology lacks: {sorted(bindings)}")


def _without_defaults(**attributes: Argument) -> _Mapping:
    """Return the attributes without those that are None, which means the default."""
    return {name: value for name, value in attributes.items() if value is not None}


def _block(value: Argument, indent: str) -> Iterator[str]:
    """Yield the lines of a mapping or list; each value that fits stands on the line of its key."""
    match value:
        case list():
            for item in value:
                yield from _list_item(item, indent)
        case dict():
            for key, item in value.items():
                line = f"{indent}{_scalar(key)}: {_flow(item)}"
                if _is_long(item, line):
                    yield f"{indent}{_scalar(key)}:"
                    yield from _block(item, indent + "  ")
                else:
                    yield line


def _list_item(item: Argument, indent: str) -> Iterator[str]:
    line = f"{indent}- {_flow(item)}"
    if not _is_long(item, line) or not isinstance(item, dict):
        yield line
        return
    first, *rest = _block(item, indent + "  ")
    yield f"{indent}- {first.lstrip()}"
    yield from rest


def _is_long(value: Argument, line: str) -> bool:
    """Return true if a value needs lines of its own: a list of mappings, or a value that holds one."""
    match value:
        case list():
            return any(isinstance(item, dict) for item in value)
        case dict():
            too_long = bool(value) and len(line) > _WIDTH
            return too_long or any(_is_long(item, "") for item in value.values())
        case _:
            return False


def _flow(value: Argument) -> str:
    match value:
        case str():
            return _scalar(value)
        case dict():
            return "{" + ", ".join(f"{_scalar(key)}: {_flow(item)}" for key, item in value.items()) + "}"
        case list():
            return "[" + ", ".join(_flow(item) for item in value) + "]"
        case float():
            return yaml.safe_dump(value).partition("\n")[0]
        case _:
            return json.dumps(value)


def _scalar(text: str) -> str:
    """Return a string as YAML reads it back, with quotes only if it needs them."""
    if not text.isprintable() and any(is_hidden(character) for character in text):
        return '"' + "".join(_escape(character) for character in text) + '"'
    if _WORDS.fullmatch(text) and _is_string(text):
        return text
    return "'" + text.replace("'", "''") + "'"


def _escape(character: str) -> str:
    if character == '"':
        return '\\"'
    if character == "\\" or is_hidden(character):
        return character.encode("unicode_escape").decode("ascii")
    return character


def _is_string(text: str) -> bool:
    """Return true if YAML reads words without quotes as a string, unlike `yes` and `null`."""
    tag: str = _RESOLVER.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
    return tag == "tag:yaml.org,2002:str"
