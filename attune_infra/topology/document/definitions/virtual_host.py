"""RabbitMQ's definitions JSON <-> Topology.

This module reads the export of any RabbitMQ since 3.0, of a whole broker or of one virtual host, and hand-written
files of that form. It writes JSON that RabbitMQ loads into a virtual host. Members without a place in a topology
(users, shovels, operator policies, ...) are named, never dropped silently. Their values are not shown, since some
are passwords.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from attune_infra.topology.document.definitions.choice import choose_virtual_host
from attune_infra.topology.document.definitions.file import BYTE_ORDER_MARK, DefinitionsFile, readable
from attune_infra.topology.document.definitions.objects import DefinitionsObjects
from attune_infra.topology.document.reading import Reading
from attune_infra.topology.document.text import LeftOut, group_left_out, make_portable
from attune_infra.topology.document.write import sort_arguments
from attune_infra.topology.model import (
    Binding,
    Control,
    Exchange,
    OperatorPolicy,
    Parameter,
    Policy,
    Queue,
    Structure,
    Topology,
)
from attune_infra.topology.words import is_hidden

_Json: TypeAlias = "dict[str, Any]"

_SIGNS: Final = re.compile(
    r"""\s*\{.*?"(?:
        (?:exchanges|queues|policies|users|vhosts|(?:topic_)?permissions|(?:global_)?parameters)"\s*:\s*\[
        | rabbit(?:mq)?_version"\s*:\s*"
    )""",
    re.DOTALL | re.VERBOSE,
)
"""Signs of definitions. No topology document has one, even if written as JSON: its sections are not lists."""


def looks_like_definitions(text: str) -> bool:
    """Tell definitions, even broken ones, from a topology document."""
    return _SIGNS.match(text.removeprefix(BYTE_ORDER_MARK)) is not None


def parse_definitions(text: str, *, source: str, vhost: str | None = None) -> tuple[Topology, tuple[LeftOut, ...]]:
    """Read one virtual host of a definitions JSON; return its topology and everything left out of it.

    Without `vhost`, read the only virtual host with objects, or `/`. Raise `InvalidDocument` with every problem,
    `source` before each. Raise `InvalidInput` if several virtual hosts are possible or `vhost` does not exist.
    """
    reading = read_definitions(text, source=source, vhost=vhost)
    reading.refuse_doubtful()
    return reading.topology, reading.left_out


def read_definitions(
    text: str, *, source: str, vhost: str | None = None, own: Callable[[], str] = lambda: "/"
) -> Reading:
    """Read what can be read of one virtual host, and collect the problems.

    Without `vhost`, read the only one with objects, or `own` if there are several. Raise `InvalidInput` if the
    text is no JSON, does not hold `vhost`, or holds several without `own`.
    """
    with readable(source):
        file = DefinitionsFile.read(text)
        objects = DefinitionsObjects(
            file, choose_virtual_host(file.holding(), file.listed(), source, asked=vhost, own=own)
        )
        topology = objects.topology()
    return Reading(
        source,
        make_portable(topology),
        group_left_out(file.left_out),
        objects.places,
        tuple(sorted(set(file.problems))),
        objects.vhost or None,
    )


def write_definitions(topology: Topology) -> str:
    """Return JSON that RabbitMQ loads into a virtual host, without workers, permissions and what is external.

    A queue without a type gets the default type of that virtual host: see `make_portable`.
    """
    sections: dict[str, list[_Json]] = {"exchanges": [], "queues": [], "bindings": [], "policies": []}
    for item in topology.objects():
        if isinstance(item, Exchange | Queue) and item.external:
            continue
        if isinstance(item, OperatorPolicy | Control):
            continue  # `as_definitions` names the permissions
        section, entry = entry_of(item)
        sections[section].append(entry)
    parameters = [operator_policy_entry(each) for _, each in sorted(topology.operator_policies.items())]
    if limits := {limit.name: limit.value for limit in topology.limits.values()}:
        parameters.append({"component": "vhost-limits", "name": "limits", "value": limits})
    parameters += [parameter_entry(each) for each in topology.parameters.values() if each.held is None]
    if parameters:
        sections["parameters"] = parameters
    members: _Json = {}
    if topology.name:
        members = {"rabbitmq_definition_format": "single_virtual_host", "original_vhost_name": topology.name}
    return to_text({**members, **sections})


def to_text(definitions: _Json) -> str:
    """Return definitions as a text, without characters that act on a terminal."""
    text = json.dumps(definitions, indent=2, ensure_ascii=False, allow_nan=False)
    return "\n".join(_escape(line) for line in text.split("\n")) + "\n"


def parameter_entry(item: Parameter) -> _Json:
    """Return a parameter of a virtual host."""
    return {"component": item.component, "name": item.name, "value": item.value}


def operator_policy_entry(policy: Policy) -> _Json:
    """Return an operator policy, which definitions hold as a parameter."""
    value = {key: each for key, each in entry_of(policy)[1].items() if key != "name"}
    return {"component": "operator_policy", "name": policy.name, "value": value}


def entry_of(item: Structure) -> tuple[str, _Json]:
    """Return the section and the entry of an object; every attribute is set, since RabbitMQ's defaults change."""
    match item:
        case Exchange():
            return "exchanges", {
                "name": item.name,
                "type": item.type,
                "durable": item.durable,
                "auto_delete": item.auto_delete,
                "internal": item.internal,
                "arguments": sort_arguments(item.arguments),
            }
        case Queue():
            named = {} if item.type is None else {"x-queue-type": item.type}
            return "queues", {
                "name": item.name,
                "durable": item.durable,
                "auto_delete": item.auto_delete,
                "arguments": sort_arguments({**item.arguments, **named}),
            }
        case Binding():
            return "bindings", {
                "source": item.source,
                "destination": item.destination,
                "destination_type": item.destination_type,
                "routing_key": item.routing_key,
                "arguments": sort_arguments(item.arguments),
            }
        case Policy():
            return "policies", {
                "name": item.name,
                "pattern": item.pattern,
                "apply-to": item.apply_to,
                "definition": sort_arguments(item.definition),
                "priority": item.priority,
            }


def _escape(line: str) -> str:
    """Escape characters that act on a terminal or turn the direction of writing; only strings hold them."""
    if line.isprintable():
        return line
    return "".join(json.dumps(each)[1:-1] if is_hidden(each) else each for each in line)
