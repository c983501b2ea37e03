"""RabbitMQ's definitions JSON <-> Topology.

Reads what any RabbitMQ since 3.0 exports, of a whole broker or of one virtual host, and what people write by
hand after its image; writes what RabbitMQ loads into a virtual host. What a topology does not hold (users,
shovels, operator policies, ...) is named, never dropped in silence; its values are not shown, since passwords
are among them.
"""

from __future__ import annotations

import json
import re
from json import JSONDecodeError
from typing import Any, Final, TypeAlias

from attune_infra.errors import InvalidInput
from attune_infra.topology.document.definitions_file import DefinitionsFile
from attune_infra.topology.document.definitions_objects import DefinitionsObjects
from attune_infra.topology.document.places import Places
from attune_infra.topology.document.problems import InvalidDocument, Problem
from attune_infra.topology.document.text import LeftOut, gathered, portable
from attune_infra.topology.document.write import ordered
from attune_infra.topology.model import Binding, Exchange, Policy, Queue, Topology, TopologyObject
from attune_infra.topology.words import is_hidden

_Json: TypeAlias = "dict[str, Any]"

_SIGNS: Final = re.compile(
    r"""\s*\{.*?"(?:
        (?:exchanges|queues|policies|users|vhosts|(?:topic_)?permissions|(?:global_)?parameters)"\s*:\s*\[
        | rabbit(?:mq)?_version"\s*:\s*"
    )""",
    re.DOTALL | re.VERBOSE,
)
"""What no topology document has, not even one written as JSON: its sections are no lists."""


def looks_like_definitions(text: str) -> bool:
    """Return whether a text is meant as definitions, even broken ones, and not as a topology document."""
    return _SIGNS.match(text.removeprefix("\ufeff")) is not None


def parse_definitions(text: str, *, source: str, vhost: str | None = None) -> tuple[Topology, tuple[LeftOut, ...]]:
    """Read one virtual host of a definitions JSON; return its topology and what is not in it.

    Without `vhost` it is the only one that holds anything, or `/`. Raises `InvalidDocument` with every problem,
    `source` before each, and `InvalidInput` if it is not clear which virtual host is meant, or it is not there.
    """
    topology, left_out, _ = parse_definitions_with_places(text, source=source, vhost=vhost)
    return topology, left_out


def parse_definitions_with_places(
    text: str, *, source: str, vhost: str | None = None
) -> tuple[Topology, tuple[LeftOut, ...], Places]:
    """Do the same, and return as well where in the file each object stands."""
    try:
        file = DefinitionsFile.read(text.removeprefix("\ufeff"))
        objects = DefinitionsObjects(file, _virtual_host(file, source, vhost))
        topology = objects.topology()
    except JSONDecodeError as error:
        problem = Problem(error.lineno, error.colno, f"invalid JSON: {error.msg}")
        raise InvalidDocument(source, [problem]) from error
    except RecursionError as error:
        raise InvalidDocument(source, [Problem(1, 1, "nested too deeply")]) from error
    if file.problems:
        raise InvalidDocument(source, file.problems)
    return portable(topology), gathered(file.left_out), objects.places


def _virtual_host(file: DefinitionsFile, source: str, asked: str | None) -> str:
    holding, known = file.holding(), file.holding() | file.listed()
    if asked is not None:
        if known and asked not in known:
            raise InvalidInput(f"{source} holds no virtual host '{asked}'", hint=f"it holds {_names(known)}")
        return asked
    candidates = holding or known
    if len(candidates) > 1 and "/" not in candidates:
        raise InvalidInput(
            f"{source} holds several virtual hosts: {_names(candidates)}", hint="choose one with --vhost NAME"
        )
    return "/" if len(candidates) > 1 else next(iter(candidates), "")


def _names(names: set[str]) -> str:
    return ", ".join(f"'{name}'" for name in sorted(names))


def write_definitions(topology: Topology) -> str:
    """Return a JSON that RabbitMQ loads into a virtual host; a worker family has no place in it.

    A queue that names no type becomes what that virtual host makes of it: see `portable`.
    """
    sections: dict[str, list[_Json]] = {"exchanges": [], "queues": [], "bindings": [], "policies": []}
    for item in topology.objects():
        section, entry = _entry(item)
        sections[section].append(entry)
    about = {"rabbitmq_definition_format": "single_virtual_host", "original_vhost_name": topology.name}
    whole = {**(about if topology.name else {}), **sections}
    text = json.dumps(whole, indent=2, ensure_ascii=False, allow_nan=False)
    return "\n".join(_shown(line) for line in text.split("\n")) + "\n"


def _entry(item: TopologyObject) -> tuple[str, _Json]:
    """Return the section of an object and the object; nothing is left to RabbitMQ's changing defaults."""
    match item:
        case Exchange():
            return "exchanges", {
                "name": item.name,
                "type": item.type,
                "durable": item.durable,
                "auto_delete": item.auto_delete,
                "internal": item.internal,
                "arguments": ordered(item.arguments),
            }
        case Queue():
            named = {} if item.type is None else {"x-queue-type": item.type}
            return "queues", {
                "name": item.name,
                "durable": item.durable,
                "auto_delete": item.auto_delete,
                "arguments": ordered({**item.arguments, **named}),
            }
        case Binding():
            return "bindings", {
                "source": item.source,
                "destination": item.destination,
                "destination_type": item.destination_type,
                "routing_key": item.routing_key,
                "arguments": ordered(item.arguments),
            }
        case Policy():
            return "policies", {
                "name": item.name,
                "pattern": item.pattern,
                "apply-to": item.apply_to,
                "definition": ordered(item.definition),
                "priority": item.priority,
            }


def _shown(line: str) -> str:
    """Escape what would act on a terminal or turn the direction of writing; only strings hold any of it."""
    if line.isprintable():
        return line
    return "".join(json.dumps(each)[1:-1] if is_hidden(each) else each for each in line)
