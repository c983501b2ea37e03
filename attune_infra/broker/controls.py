"""Limits, permissions and topic permissions over HTTP."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING

from attune_infra.broker import answers
from attune_infra.errors import AccessRefused
from attune_infra.topology.model import Control, Limit, Permission, TopicPermission

if TYPE_CHECKING:
    from attune_infra.broker.management import Management
    from attune_infra.broker.wire import Json


def read_controls(http: Management, vhost: str, kinds: Collection[str]) -> list[Control]:
    """Return the controls of these kinds.

    Raise `AccessRefused` for permissions if the user is no administrator: those that may not be seen are not taken
    for missing.
    """
    found: list[Control] = []
    if "limit" in kinds:
        found += _limits_from(http.get("vhost-limits", vhost, shape=answers.LIMITS))
    try:
        if "permission" in kinds:
            listing = http.get("vhosts", vhost, "permissions", shape=answers.PERMISSIONS_HERE)
            found += _permissions_from(listing)
        if "topic_permission" in kinds:
            listing = http.get("vhosts", vhost, "topic-permissions", shape=answers.TOPIC_PERMISSIONS_HERE)
            found += _topic_permissions_from(listing)
    except AccessRefused as error:
        raise AccessRefused(
            f"user '{http.settings.management.user}' lacks the tag administrator, without which RabbitMQ shows no"
            " permissions: those of the document cannot be compared",
            hint=f"{error.hint}; or keep the permissions in a document of their own",
        ) from error
    return found


def path_of(item: Control, virtual_host: str) -> tuple[str, ...]:
    """Return the path segments of a limit, or of the permissions of a user."""
    match item:
        case Limit():
            return ("vhost-limits", virtual_host, item.name)
        case Permission():
            return ("permissions", virtual_host, item.user)
        case TopicPermission():
            return ("topic-permissions", virtual_host, item.user)


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
