"""Refusals for the lack of a permission: the user, the need, and the line that grants it."""

from __future__ import annotations

from collections.abc import Iterable
from shlex import quote
from typing import TYPE_CHECKING, Final

from attune_infra.errors import AccessRefused, BrokerError, LoginRefused, VirtualHostMissing
from attune_infra.topology.facts.exchanges import show_exchange_name
from attune_infra.topology.facts.permissions import Access, Right, Tag, User
from attune_infra.topology.permissions.lacks import grants
from attune_infra.topology.permissions.needs import Need, Over
from attune_infra.topology.words import counted

if TYPE_CHECKING:
    from attune_infra.settings import Settings

_CHANGED: Final = " were they changed meanwhile? is it a proxy that refuses?"
_TAGS: Final = {
    "Not management user": Tag.MANAGEMENT,
    "Not monitor user": Tag.MONITORING,
    "Not policymaker user": Tag.POLICYMAKER,
    "Not administrator user": Tag.ADMINISTRATOR,
}
"""RabbitMQ's reasons for refusing a user without a tag."""


class ObjectRefused(AccessRefused):
    """A 401 for the lack of a permission on some name, which RabbitMQ does not tell."""


def missing_rights(rights: Iterable[Right], settings: Settings) -> str:
    """Return words for a refused request of the management API that needs these rights."""
    needed = [str(right) for right in rights if right.routing_key is None]
    user, vhost = settings.management.user, settings.virtual_host
    lacks = needed[0] if len(needed) == 1 else f"one of these: {', '.join(needed)}"
    return f"access refused in virtual host '{vhost}': user '{user}' lacks {lacks}"


def unauthorized(
    reason: str | None, settings: Settings, *, page: str | None = None, answered: int = 0
) -> BrokerError:
    """Return the error for a 401 of the management API: a web `page`, or in the middle of a run."""
    user = settings.management.user
    if reason in _TAGS:
        return AccessRefused(
            f"user '{user}' may not use the management API: {reason}", hint=_tag_hint(user, _TAGS[reason])
        )
    match reason:
        case "User not authorised to access object":
            return AccessRefused(
                f"user '{user}' lacks the tag policymaker, which setting policies needs",
                hint=_tag_hint(user, Tag.POLICYMAKER),
            )
        case "User not authorised to access virtual host":
            return VirtualHostMissing(
                f"user '{user}' has no permissions in virtual host '{settings.virtual_host}'",
                hint=vhost_hint(settings, user),
            )
        case None | "Login failed" | "Not_Authorized":
            return LoginRefused(
                f"the management API refused the login of user '{user}'"
                + (f" with {page}" if page else "")
                + (f", after it had answered {counted(answered, 'request')}" if answered else ""),
                hint="check user and password in the AMQP URL (or in --management-url, if it has its own);"
                + (_CHANGED if answered else " 'guest' may only log in from the broker's own host"),
            )
        case _:
            return ObjectRefused(
                f"user '{user}' lacks a permission in virtual host '{settings.virtual_host}': {reason}",
                hint=f"its permissions: rabbitmqctl list_user_permissions {quote(user)};"
                " docs/permissions.md has those that each command needs",
            )


def _tag_hint(user: str, tag: Tag) -> str:
    return f"an administrator can grant it: {set_tag(user, tag)}, followed by its other tags"


def set_tag(user: str, tag: Tag) -> str:
    """Return the line that gives a user a tag, and takes all others."""
    return f"rabbitmqctl set_user_tags {quote(user)} {tag}"


def vhost_hint(settings: Settings, user: str) -> str:
    """Return the way to make the virtual host, or to open it to a user."""
    vhost = quote(settings.virtual_host)
    return (
        f"an administrator can create it: rabbitmqctl add_vhost {vhost} and"
        f" rabbitmqctl set_permissions -p {vhost} {quote(user)} '.*' '.*' '.*'"
    )


def write_hint(exchange: str, routing_key: str, settings: Settings) -> str:
    """Return the way to let the user publish to an exchange."""
    user, name = settings.amqp.user, show_exchange_name(exchange)
    right = Right(Access.WRITE, "exchange", name)
    lines = grants([Need(Over.AMQP, right)], User(name=user, virtual_host=settings.virtual_host))
    return (
        f"user '{user}' needs {right}: {'; '.join(lines)}, with its other permissions;"
        f" if it has topic permissions there, one must match the routing key '{routing_key}'"
    )


def read_hint(queue: str, settings: Settings) -> str:
    """Return the way to let the user read a queue."""
    return rights_hint([Right(Access.READ, "queue", queue)], settings)


def rights_hint(rights: Iterable[Right], settings: Settings) -> str:
    """Return the way to give the user rights that it lacks."""
    user, needed = settings.amqp.user, list(rights)
    lines = grants(
        [Need(Over.AMQP, right) for right in needed], User(name=user, virtual_host=settings.virtual_host)
    )
    words = ", ".join(map(str, needed))
    return f"user '{user}' needs {words}: {'; '.join(lines)}, with its other permissions"
