"""Definitions of a whole broker <-> a topology of several virtual hosts, with what administrators set in each.

RabbitMQ exports limits and operator policies as parameters of a virtual host, and its settings below `metadata`
(4.0 and 4.3; 3.10 exports none).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, TypeAlias

from attune_infra.topology.document.definitions.file import DefinitionsFile, readable
from attune_infra.topology.document.definitions.objects import DefinitionsObjects
from attune_infra.topology.document.definitions.virtual_host import (
    entry_of,
    operator_policy_entry,
    parameter_entry,
    to_text,
)
from attune_infra.topology.document.judge import judge_with_values
from attune_infra.topology.document.places import Places
from attune_infra.topology.document.reading import Reading
from attune_infra.topology.document.text import LeftOut, group_left_out
from attune_infra.topology.facts.parameters import OWN_GLOBAL_PARAMETERS
from attune_infra.topology.facts.virtual_hosts import PROTECTION
from attune_infra.topology.model import (
    SHA256,
    Exchange,
    GlobalParameter,
    Limit,
    OperatorPolicy,
    Parameter,
    PasswordHash,
    Permission,
    Queue,
    TopicPermission,
    Topology,
    TopologyObject,
    User,
    VirtualHost,
    global_parameter_of,
    kind_of,
    label,
    parameter_of,
)
from attune_infra.topology.words import plural

_Json: TypeAlias = "dict[str, Any]"
_Made: TypeAlias = Callable[[_Json], "TopologyObject | list[TopologyObject] | None"]

_STRUCTURE: Final = ("exchanges", "queues", "bindings", "policies")
_LISTED: Final = "virtual hosts"
_OWN: Final = "RabbitMQ keeps it itself"
_NOT_READ: Final = "it is not as RabbitMQ exports it"


def read_whole(text: str, *, source: str) -> Reading:
    """Read all virtual hosts of definitions; raise `InvalidDocument` for a text that is no JSON.

    The problems of definitions are in the reading, and everything that no document has a place for is left out.
    """
    with readable(source):
        return _read(DefinitionsFile.read(text), source)


def _read(file: DefinitionsFile, source: str) -> Reading:
    names = sorted(file.holding() | file.listed() | set(_named(file)))
    places, found, left_out = Places(), dict[str, Topology](), list[LeftOut]()
    shares = _shares(file)
    for name in names:
        share, topology = shares.get(name), Topology(name=name)
        if share is not None:
            topology = DefinitionsObjects(share, name, places=places.within(name)).topology()
            file.problems += share.problems
            left_out += group_left_out(each for each in share.left_out if each[0] != _LISTED)
        controls, refused = _controls(file, name)
        found[name] = _with(topology, controls)
        left_out += group_left_out(refused)
    found, unplaced = _with_those_of_the_broker(file, found)
    left_out += group_left_out(unplaced)
    problems = tuple(sorted(set(file.problems)))
    return Reading(source, Topology(virtual_hosts=found), tuple(left_out), places, problems)


def _with(topology: Topology, more: list[TopologyObject]) -> Topology:
    return topology.holding((*topology.objects(), *more))


def _named(file: DefinitionsFile) -> Iterator[str]:
    sections = ("permissions", "topic_permissions", "parameters")
    names = (each.get("vhost") for section in sections for each in file.objects(section))
    return (name for name in names if isinstance(name, str))


def _shares(file: DefinitionsFile) -> Mapping[str, DefinitionsFile]:
    """Return the part of a file for each virtual host, so that none is read more than once."""
    shares: dict[str, list[Any]] = defaultdict(list)
    for member in file.members:
        if member.name not in _STRUCTURE:
            continue
        items = defaultdict(list)
        for item in member.items or ():
            items[str(item.value.get("vhost", "/")) if isinstance(item.value, dict) else "/"].append(item)
        for name, those in items.items():
            shares[name].append(replace(member, items=tuple(those)))
    about = [member for member in file.members if member.name in {"vhosts", "rabbitmq_version", "rabbit_version"}]
    return {
        name: replace(file, members=[*members, *about], problems=[], left_out=[], _named={})
        for name, members in shares.items()
    }


def _controls(file: DefinitionsFile, vhost: str) -> tuple[list[TopologyObject], list[tuple[str, str, str]]]:
    """Return what administrators have set in a virtual host, and what of it no document may hold."""
    found, refused = list[TopologyObject](), list[tuple[str, str, str]]()
    for section, make in _MAKERS.items():
        for each in file.objects(section):
            if (each.get("name") if section == "vhosts" else each.get("vhost")) != vhost:
                continue
            try:
                made = make(each)
            except (KeyError, TypeError, ValueError, AttributeError):
                refused.append((section.replace("_", " "), str(each.get("name", each.get("user"))), _NOT_READ))
                continue
            for item in made if isinstance(made, list) else [made]:
                _keep(item, found, refused)
    if not any(isinstance(item, VirtualHost) for item in found):
        found.append(VirtualHost(name=vhost))
    return found, refused


def _keep(item: TopologyObject | None, found: list[TopologyObject], refused: list[tuple[str, str, str]]) -> None:
    if item is None:
        return
    for defect in judge_with_values(item):
        refused.append((plural(kind_of(item)), label(item), defect.sentence))
        return
    found.append(item)


def _with_those_of_the_broker(
    file: DefinitionsFile, found: dict[str, Topology]
) -> tuple[dict[str, Topology], list[tuple[str, str, str]]]:
    """Return the topologies with users and global parameters in the first one, and those that stay out."""
    made, refused = list[TopologyObject](), list[tuple[str, str, str]]()
    for each in file.objects("users"):
        try:
            _keep(_user(each), made, refused)
        except (KeyError, TypeError, ValueError, AttributeError):
            refused.append(("users", str(each.get("name")), _NOT_READ))
    for each in file.objects("global_parameters"):
        name = str(each.get("name"))
        if name in OWN_GLOBAL_PARAMETERS:
            refused.append(("global parameters", name, _OWN))
        else:
            _keep(global_parameter_of(name, each.get("value")), made, refused)
    for name in list(found)[:1] if made else ():
        found[name] = _with(found[name], made)
    return found, refused


def _virtual_host(each: _Json) -> VirtualHost:
    about = {**each, **(each["metadata"] if isinstance(each.get("metadata"), dict) else {})}
    kind, tags = about.get("default_queue_type"), about.get("tags")
    description = about.get("description")
    return VirtualHost(
        name=_text(each["name"]),
        description=None if description is None else _text(description),
        tags=None if tags is None else tuple(sorted(map(_text, tags))),
        default_queue_type=None if kind in {None, "undefined"} else _text(kind),
        protected_from_deletion=protected if isinstance(protected := about.get(PROTECTION), bool) else None,
    )


def _user(each: _Json) -> User:
    tags = each["tags"] if isinstance(each["tags"], list) else each["tags"].split(",")
    hashed, algorithm = each.get("password_hash"), each.get("hashing_algorithm") or SHA256
    return User(
        name=_text(each["name"]),
        tags=frozenset(_text(tag) for tag in tags if tag),
        password=None if hashed is None else PasswordHash(_text(hashed), _text(algorithm)),
        limits={_text(name): _number(limit) for name, limit in dict(each.get("limits") or {}).items()},
    )


def _permission(each: _Json) -> Permission:
    return Permission(
        user=_text(each["user"]), **{key: _text(each[key]) for key in ("configure", "write", "read")}
    )


def _topic_permission(each: _Json) -> TopicPermission:
    patterns = {key: _text(each[key]) for key in ("write", "read")}
    return TopicPermission(user=_text(each["user"]), exchange=_text(each["exchange"]), **patterns)


def _parameter(each: _Json) -> TopologyObject | list[TopologyObject]:
    component, name, value = _text(each["component"]), _text(each["name"]), each["value"]
    if component == "vhost-limits":
        return [Limit(name=limit, value=_number(number)) for limit, number in dict(value).items()]
    if component == "operator_policy":
        return OperatorPolicy(
            name=name,
            pattern=_text(value["pattern"]),
            definition=dict(value["definition"]),
            apply_to=_text(value.get("apply-to", "all")),
            priority=_number(value.get("priority", 0)),
        )
    return parameter_of(component, name, value)


_MAKERS: Final[Mapping[str, _Made]] = {
    "vhosts": _virtual_host,
    "permissions": _permission,
    "topic_permissions": _topic_permission,
    "parameters": _parameter,
}


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(value)
    return value


def write_whole(topology: Topology) -> str:
    """Return JSON that RabbitMQ loads with all virtual hosts of a topology; the users must exist."""
    sections: dict[str, list[_Json]] = {name: [] for name in ("vhosts", *_STRUCTURE, *_OF_ADMINISTRATORS)}
    for name, each in topology.virtual_hosts.items():
        limits = {limit.name: limit.value for limit in each.limits.values()}
        if limits:
            entry = {"component": "vhost-limits", "name": "limits", "value": limits}
            sections["parameters"].append({"vhost": name, **entry})
        for item in each.objects():
            if (isinstance(item, Exchange | Queue) and item.external) or isinstance(item, Limit):
                continue
            section, entry = _entry(item)
            is_own = isinstance(item, VirtualHost | User | GlobalParameter)
            sections[section].append(entry if is_own else {"vhost": name, **entry})
    return to_text({name: found for name, found in sections.items() if found or name in _STRUCTURE})


_OF_ADMINISTRATORS: Final = ("users", "permissions", "topic_permissions", "parameters", "global_parameters")


def _entry(item: TopologyObject) -> tuple[str, _Json]:
    """Return the section and the entry of an object, as in an export of a whole broker."""
    match item:
        case VirtualHost():
            return "vhosts", {"name": item.name, **_settings(item)}
        case User():
            return "users", _user_entry(item)
        case OperatorPolicy():
            return "parameters", operator_policy_entry(item)
        case Permission():
            patterns = {"configure": item.configure, "write": item.write, "read": item.read}
            return "permissions", {"user": item.user, **patterns}
        case TopicPermission():
            patterns = {"exchange": item.exchange, "write": item.write, "read": item.read}
            return "topic_permissions", {"user": item.user, **patterns}
        case GlobalParameter():
            return "global_parameters", {"name": item.name, "value": item.value}
        case Parameter():
            return "parameters", parameter_entry(item)
        case Limit():
            raise ValueError("the limits of a virtual host are one parameter")
        case _:
            return entry_of(item)


def _user_entry(item: User) -> _Json:
    assert isinstance(item.password, PasswordHash)  # noqa: S101 - others are left out
    hashed = {"password_hash": item.password.text, "hashing_algorithm": item.password.algorithm}
    return {"name": item.name, **hashed, "tags": sorted(item.tags), "limits": dict(item.limits)}


def _settings(item: VirtualHost) -> _Json:
    """Return the settings in both places where a release looks for them."""
    tags = None if item.tags is None else list(item.tags)
    given: dict[str, Any] = {"description": item.description, "tags": tags}
    given |= {"default_queue_type": item.default_queue_type, PROTECTION: item.protected_from_deletion}
    found = {name: value for name, value in given.items() if value is not None}
    return {**found, "metadata": found} if found else {}
