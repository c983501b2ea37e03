"""Virtual hosts, users, limits, permissions, topic permissions and parameters over HTTP."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from attune_infra.broker import answers
from attune_infra.broker.users import users_from
from attune_infra.broker.wire import body_of
from attune_infra.errors import AccessRefused, LoginRefused, VirtualHostMissing
from attune_infra.masking import masked
from attune_infra.topology.facts.parameters import OTHER_COMPONENTS, OWN_GLOBAL_PARAMETERS, PLUGINS
from attune_infra.topology.facts.virtual_hosts import PROTECTION
from attune_infra.topology.model import (
    PARAMETER_GROUP,
    PARAMETER_KINDS,
    Control,
    GlobalParameter,
    Limit,
    Parameter,
    Permission,
    TopicPermission,
    User,
    VirtualHost,
    global_parameter_of,
    parameter_of,
)

_SETTINGS: Final = {"columns": f"name,description,tags,default_queue_type,{PROTECTION}"}

if TYPE_CHECKING:
    from attune_infra.broker.http.management import Management
    from attune_infra.broker.lists import Lists
    from attune_infra.broker.wire import Json


def list_virtual_hosts(http: Management) -> Sequence[Json]:
    """Return the virtual hosts with their settings; one that is being deleted may be nothing, or lack its name."""
    found: Sequence[Json] = http.get("vhosts", shape=answers.VIRTUAL_HOSTS_WITH_SETTINGS, **_SETTINGS)
    return found


def read_controls(
    http: Management, vhost: str, kinds: Collection[str], lists: Lists, hosts: Iterable[Json] = ()
) -> list[Control]:
    """Return the controls of these kinds; the settings of the virtual host are those among `hosts`.

    Raise `AccessRefused` for users and permissions if the user is no administrator, and for parameters if it is no
    policymaker either: those that may not be seen are not taken for missing.
    """
    found: list[Control] = []
    if "virtual_host" in kinds:
        found += (_settings_from(each) for each in hosts if dict(each).get("name") == vhost)
    if "limit" in kinds:
        found += _limits_from(lists.get("vhost-limits", shape=answers.LIMITS))
    try:
        if "user" in kinds:
            found += users_from(lists.users())
        if "permission" in kinds:
            place, shape = ("vhosts", vhost, "permissions"), answers.PERMISSIONS_HERE
            found += _permissions_from(lists.get("permissions", *place, shape=shape))
        if "topic_permission" in kinds:
            place, shape = ("vhosts", vhost, "topic-permissions"), answers.TOPIC_PERMISSIONS_HERE
            found += _topic_permissions_from(lists.get("topic-permissions", *place, shape=shape))
    except AccessRefused as error:
        what = "users and permissions" if "user" in kinds else "permissions"
        raise AccessRefused(
            f"user '{http.settings.management.user}' lacks the tag administrator, without which RabbitMQ shows no"
            f" {what}",
            hint=f"{error.hint}; or leave out the {what} here: a document of their own can hold them",
        ) from error
    if PARAMETER_GROUP.intersection(kinds):
        found += _parameters(http, vhost, kinds, lists)
    return found


def _parameters(
    http: Management, vhost: str, kinds: Collection[str], lists: Lists
) -> Iterator[Parameter | GlobalParameter]:
    try:
        for component, kind in PARAMETER_KINDS.items():
            if kind in kinds:
                yield from (item for item in _listed(lists, component, vhost) if item.component == component)
        if "parameter" in kinds:
            yield from (item for item in _listed(lists) if item.component not in OTHER_COMPONENTS)
        if "global_parameter" in kinds:
            for item in http.get("global-parameters", shape=answers.GLOBAL_PARAMETERS):
                if item["name"] not in OWN_GLOBAL_PARAMETERS:
                    yield global_parameter_of(item["name"], item["value"])
    except AccessRefused as error:
        raise AccessRefused(
            f"user '{http.settings.management.user}' lacks the tag policymaker, without which RabbitMQ shows no"
            " federation upstreams, shovels and other parameters",
            hint=f"{error.hint}; or leave them out here: a document of their own can hold them",
        ) from error


def _listed(lists: Lists, *path: str) -> Iterator[Parameter]:
    """Read the parameters of a virtual host, at least those at the path below `parameters`."""
    for item in lists.get("parameters", "parameters", *path, shape=answers.PARAMETERS):
        if item["vhost"] == lists.virtual_host:
            yield parameter_of(item["component"], item["name"], item["value"])


def path_of(item: Control, virtual_host: str) -> tuple[str, ...]:
    """Return the path segments of a user, of a limit, or of the permissions of a user."""
    match item:
        case User():
            return ("users", item.name)
        case VirtualHost():
            return ("vhosts", item.name)
        case Limit():
            return ("vhost-limits", virtual_host, item.name)
        case Permission():
            return ("permissions", virtual_host, item.user)
        case TopicPermission():
            return ("topic-permissions", virtual_host, item.user)
        case Parameter():
            return ("parameters", item.component, virtual_host, item.name)
        case GlobalParameter():
            return ("global-parameters", item.name)


def reason_of(item: Parameter | GlobalParameter, reason: str) -> str:
    """Return the reason why RabbitMQ refuses a parameter, without what may quote a password of its URIs."""
    if isinstance(item, Parameter) and (unknown := _NO_COMPONENT.search(reason)):
        plugin = PLUGINS.get(item.component)
        remedy = f"run `rabbitmq-plugins enable {plugin}` on each node" if plugin else "enable its plugin"
        return f"RabbitMQ has no component {unknown[1]}, since no enabled plugin brings it: {remedy}"
    if item.held is None:
        return reason
    if _INVALID_URI in reason:
        return "RabbitMQ takes one of its URIs for invalid; its sentence is left out, since it quotes the password"
    return masked(reason)


_NO_COMPONENT: Final = re.compile(r"component (\S+) not found")
_INVALID_URI: Final = "not a valid URI"


def put(item: Control, http: Management, vhost: str) -> bool:
    """Set a control; return False if RabbitMQ says that it was there. Of most kinds, it does not say so."""
    if isinstance(item, VirtualHost):
        return _put_virtual_host(item, http)
    http.put(*path_of(item, vhost), body=body_of(item))
    return True


def _put_virtual_host(want: VirtualHost, http: Management) -> bool:
    """Set a virtual host, then its protection, which has a request of its own."""
    have = _visible(want.name, http)
    path, protected = path_of(want, want.name), want.protected_from_deletion
    new = http.put(*path, body=body_of(_merged(want, have)))
    if protected and not (have and have.protected_from_deletion):
        http.post(*path, "deletion", "protection", body={})
    elif protected is False and have and have.protected_from_deletion:
        http.delete(*path, "deletion", "protection")
    return new


def _merged(want: VirtualHost, have: VirtualHost | None) -> VirtualHost:
    """Return the settings to send: a request replaces all of them, so the others are sent as they are."""
    if have is not None:
        return VirtualHost(
            name=want.name,
            description=have.description if want.description is None else want.description,
            tags=have.tags if want.tags is None else want.tags,
            default_queue_type=want.default_queue_type or have.default_queue_type,
        )
    return want


def _visible(name: str, http: Management) -> VirtualHost | None:
    """Return the settings of a virtual host; None if it is missing, or if the user may not see or set it."""
    try:
        return _settings_from(http.get("vhosts", name, shape=answers.VIRTUAL_HOST_WITH_SETTINGS))
    except (VirtualHostMissing, AccessRefused, LoginRefused):
        return None


def _settings_from(item: Json) -> VirtualHost:
    """Read the settings of a virtual host; 3.10 lists `undefined` for its default queue type."""
    kind = item.get("default_queue_type")
    return VirtualHost(
        name=item["name"],
        description=item["description"],
        tags=tuple(sorted(item["tags"])),
        default_queue_type=None if kind in {None, "undefined"} else str(kind),
        protected_from_deletion=item.get(PROTECTION),
    )


def _limits_from(listing: Iterable[Json]) -> Iterator[Limit]:
    """Read limits; RabbitMQ lists an empty array for none."""
    for item in listing:
        yield from (Limit(name=name, value=value) for name, value in dict(item["value"]).items())


def _permissions_from(listing: Iterable[Json]) -> Iterator[Permission]:
    for item in listing:
        yield Permission(user=item["user"], configure=item["configure"], write=item["write"], read=item["read"])


def _topic_permissions_from(listing: Iterable[Json]) -> Iterator[TopicPermission]:
    for item in listing:
        yield TopicPermission(user=item["user"], exchange=item["exchange"], write=item["write"], read=item["read"])
