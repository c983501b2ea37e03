"""YAML nodes <-> limits, permissions, topic permissions, and (in `parameters.py`) parameters."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TypeAlias

import yaml

from attune_infra.topology.document.keys import PERMISSION_KEYS, TOPIC_PERMISSION_KEYS
from attune_infra.topology.document.nodes import Entry
from attune_infra.topology.document.sections.objects import Objects, Parts
from attune_infra.topology.document.sections.parameters import read_parameters, write_parameters
from attune_infra.topology.facts.controls import NO_LIMIT
from attune_infra.topology.facts.exchanges import is_reserved
from attune_infra.topology.model import Argument, Control, Limit, Permission, TopicPermission, Topology

_Section: TypeAlias = dict[str, Argument]


def read_controls(
    document: Objects, keys: Mapping[str, yaml.Node], exchanges: Collection[str]
) -> Iterator[Control]:
    """Yield the controls of a document that declares these exchanges; report their problems."""
    for name, entry in document.entries(keys.get("limits"), "limits").items():
        limit = Limit(name=name, value=document.integer(entry.value, NO_LIMIT))
        _keep(document, limit, Parts(entry.key, {"value": entry.value}, {}))
        yield limit
    for user, entry in document.entries(keys.get("permissions"), "permissions").items():
        given = document.mapping(entry.value, f"permissions of user '{user}'", PERMISSION_KEYS)
        _require(document, entry, given, PERMISSION_KEYS, f"user '{user}'")
        permission = Permission(user=user, **{key: document.string(given.get(key), "") for key in PERMISSION_KEYS})
        _keep(document, permission, Parts(entry.key, given, {}))
        yield permission
    for user, entry in document.entries(keys.get("topic_permissions"), "topic_permissions").items():
        for exchange, inner in document.entries(entry.value, f"topic permissions of user '{user}'").items():
            yield _topic_permission(document, user, exchange, inner, exchanges)
    yield from read_parameters(document, keys)


def _topic_permission(
    document: Objects, user: str, exchange: str, entry: Entry, exchanges: Collection[str]
) -> TopicPermission:
    what = f"topic permissions of user '{user}' on exchange '{exchange}'"
    given = document.mapping(entry.value, what, TOPIC_PERMISSION_KEYS)
    _require(document, entry, given, TOPIC_PERMISSION_KEYS, f"user '{user}' on exchange '{exchange}'")
    if exchange and exchange not in exchanges and not is_reserved(exchange):
        close = document.guess(exchange, exchanges) or "; if another one declares it, add it with external: true"
        document.problem(entry.key, f"no exchange '{exchange}' in {document.here}{close}")
    patterns = {key: document.string(given.get(key), "") for key in TOPIC_PERMISSION_KEYS}
    found = TopicPermission(user=user, exchange=exchange, **patterns)
    _keep(document, found, Parts(entry.key, {"exchange": entry.key, **given}, {}))
    return found


def _require(
    document: Objects, entry: Entry, given: Mapping[str, yaml.Node], keys: Collection[str], whose: str
) -> None:
    missing = [key for key in keys if key not in given]
    if missing and isinstance(entry.value, yaml.MappingNode):
        document.problem(
            entry.key, f"the permissions of {whose} lack {', '.join(missing)}; '' is a pattern for nothing"
        )
    elif missing:
        document.problem(entry.key, f"the permissions of {whose} need {', '.join(keys)}")


def _keep(document: Objects, item: Control, parts: Parts) -> None:
    document.judge(item, parts)
    document.note(item, parts)


def write_controls(topology: Topology) -> dict[str, _Section]:
    """Return the sections of a document that declare the controls of a topology."""
    by_user: dict[str, dict[str, Argument]] = {}
    for (user, exchange), each in sorted(topology.topic_permissions.items()):
        by_user.setdefault(user, {})[exchange] = _patterns(each, TOPIC_PERMISSION_KEYS)
    return {
        "limits": {name: limit.value for name, limit in sorted(topology.limits.items())},
        "permissions": {
            user: _patterns(each, PERMISSION_KEYS) for user, each in sorted(topology.permissions.items())
        },
        "topic_permissions": dict(by_user),
        **write_parameters(topology),
    }


def _patterns(item: Permission | TopicPermission, keys: Collection[str]) -> _Section:
    return {key: getattr(item, key) for key in keys}
