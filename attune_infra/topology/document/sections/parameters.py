"""YAML nodes <-> federation upstreams and sets, shovels, other parameters, and those of the whole broker."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias, TypeVar

import yaml

from attune_infra.durations import milliseconds
from attune_infra.topology.document.nodes import Entry
from attune_infra.topology.document.sections.objects import Objects, Parts
from attune_infra.topology.document.sections.secrets import read_reference, word_of_variable
from attune_infra.topology.facts.arguments import Rule
from attune_infra.topology.facts.parameters import (
    SET_RULES,
    URI_KEYS,
    credentials_problem,
    keys_of,
    rules_of,
)
from attune_infra.topology.model import (
    PARAMETER_KINDS,
    PARAMETER_TYPES,
    Argument,
    FederationUpstream,
    FederationUpstreamSet,
    GlobalParameter,
    Held,
    Parameter,
    SecretKind,
    SecretReference,
    Shovel,
    Topology,
    holding,
    secrets_in,
)

_Section: TypeAlias = "dict[str, Argument]"
_P = TypeVar("_P", Parameter, GlobalParameter)

SECTIONS: Final = {component: f"{kind}s" for component, kind in PARAMETER_KINDS.items()}
"""The sections of a document for the components with a kind of their own."""


def read_parameters(document: Objects, keys: Mapping[str, yaml.Node]) -> Iterator[Parameter | GlobalParameter]:
    """Yield the parameters of a document; report their problems."""
    for component, section in SECTIONS.items():
        for name, entry in document.entries(keys.get(section), section).items():
            if PARAMETER_TYPES[component] is FederationUpstreamSet:
                yield _set(document, name, entry)
            else:
                yield _with_keys(document, component, name, entry)
    for component, entry in document.entries(keys.get("parameters"), "parameters").items():
        for name, inner in document.entries(entry.value, f"parameters of {component}").items():
            what = f"parameter '{name}' of {component}"
            found = Parameter(component=component, name=name, value=document.argument(inner.value, what))
            yield _kept(document, found, Parts(inner.key, {"value": inner.value, "component": entry.key}, {}))
    for name, entry in document.entries(keys.get("global_parameters"), "global_parameters").items():
        value = document.argument(entry.value, f"global parameter '{name}'")
        found_for_all = GlobalParameter(name=name, value=value)
        yield _kept(document, found_for_all, Parts(entry.key, {"value": entry.value}, {}))


def _with_keys(document: Objects, component: str, name: str, entry: Entry) -> Parameter:
    what = f"{PARAMETER_KINDS[component].replace('_', ' ')} '{name}'"
    given = document.mapping(entry.value, what, tuple(keys_of(component)))
    rules = rules_of(component)
    held: dict[str, Held] = {
        key: _uris(document, node, f"{key} of {what}")
        if key in URI_KEYS[component]
        else _value(document, node, key, rules)
        for key, node in given.items()
    }
    item = holding(PARAMETER_TYPES[component](component=component, name=name, value={}), held)
    return _kept(document, item, Parts(entry.key, given, {}))


def _set(document: Objects, name: str, entry: Entry) -> Parameter:
    what = f"federation upstream set '{name}'"
    value: list[Argument] = []
    parts: dict[str, yaml.Node] = {}
    for number, node in enumerate(document.sequence(entry.value, what)):
        given = document.mapping(node, f"an upstream of {what}", tuple(SET_RULES))
        value.append({key: _value(document, each, key, SET_RULES) for key, each in given.items()})
        parts[f"{number}"] = node
    return _kept(document, FederationUpstreamSet(name=name, value=value), Parts(entry.key, parts, {}))


def _kept(document: Objects, item: _P, parts: Parts) -> _P:
    document.judge(item, parts)
    document.note(item, parts)
    return item


def _value(document: Objects, node: yaml.Node, key: str, rules: Mapping[str, Rule]) -> Argument:
    value = document.argument(node, f"'{key}'")
    in_milliseconds = milliseconds(value) if rules[key].is_time and isinstance(value, str) else None
    return value if in_milliseconds is None else in_milliseconds


def _uris(document: Objects, node: yaml.Node, what: str) -> Held:
    if isinstance(node, yaml.SequenceNode):
        return [_uri(document, each, what) for each in document.sequence(node, what)]
    return _uri(document, node, what)


def _uri(document: Objects, node: yaml.Node, what: str) -> Held:
    """Return a URI, or the reference to one; a problem never quotes it, as it may hold a password."""
    if isinstance(node, yaml.MappingNode):
        return read_reference(document, node, what) or _ANY_REFERENCE
    value = document.argument(node, what)
    if isinstance(value, str) and (problem := credentials_problem(value)):
        document.problem(node, f"{what} {problem}")
        return _ANY_REFERENCE
    return value


_ANY_REFERENCE: Final = SecretReference(SecretKind.ENV, ("URI",))
"""A stand-in for a URI that has a problem already."""


def write_parameters(topology: Topology) -> dict[str, _Section]:
    """Return the sections of a document that declare the parameters of a topology."""
    by_component: dict[str, dict[str, Argument]] = {}
    for (component, name), each in sorted(topology.parameters.items()):
        by_component.setdefault(component, {})[name] = _sorted(each.value)
    return {
        **{section: by_component.pop(component, {}) for component, section in SECTIONS.items()},
        "parameters": dict(by_component),
        "global_parameters": {
            name: _sorted(each.value) for name, each in sorted(topology.global_parameters.items())
        },
    }


def _sorted(value: Argument) -> Argument:
    match value:
        case dict():
            return {key: _sorted(each) for key, each in sorted(value.items())}
        case list():
            return [_sorted(each) for each in value]
        case _:
            return value


def with_placeholders(item: FederationUpstream | Shovel, vhost: str = "") -> tuple[Parameter, list[str]]:
    """Return a parameter with a reference in place of each URI with a password, and the names of the variables.

    Those of two virtual hosts have different names; the default one is not named.
    """
    names: list[str] = []
    place = "" if vhost in {"", "/"} else f"{word_of_variable(vhost)}__"

    def refer(_: object) -> SecretReference:
        names.append(f"{item.kind.upper()}_{place}{word_of_variable(item.name)}_URI_{len(names) + 1}")
        return SecretReference(SecretKind.ENV, (names[-1],))

    return secrets_in(item, refer), names
