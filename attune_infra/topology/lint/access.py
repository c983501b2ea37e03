"""Rules about limits and permissions: they may refuse what is declared, allow too much, or mean nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from attune_infra.topology.facts.controls import NO_LIMIT, PATTERNS
from attune_infra.topology.facts.exchanges import PREDECLARED_EXCHANGES, show_exchange_name
from attune_infra.topology.facts.patterns import matches
from attune_infra.topology.lint.finding import Flaw
from attune_infra.topology.lint.subject import Subject
from attune_infra.topology.model import Exchange, Permission, Queue
from attune_infra.topology.routing.index import example_name
from attune_infra.topology.words import counted

ADMINISTRATOR: Final = "administrator"
"""The tag that lets a user do everything over HTTP."""

_ANY_NAME: Final = ("somebody-elses", "x", "9/Z #")
"""Names that only a pattern for every name matches."""


def limit_below_queues(subject: Subject) -> Iterator[Flaw]:
    """The limit of queues is lower than the number of declared queues.

    RabbitMQ refuses the declaration of each queue beyond the limit. The queues of workers, those that clients
    declare and those of plugins count too.
    """
    limit, number = subject.topology.limits.get("max-queues"), len(subject.topology.queues)
    if limit is not None and NO_LIMIT < limit.value < number:
        what = f"it is {limit.value}, and the document declares {counted(number, 'queue')}"
        yield Flaw(limit, what, f"raise it above {number}, or take queues out", "value")


def no_connection_allowed(subject: Subject) -> Iterator[Flaw]:
    """The limit of connections is 0.

    RabbitMQ then refuses every new connection to the virtual host, also those of this program. Connections that
    are open stay open.
    """
    limit = subject.topology.limits.get("max-connections")
    if limit is not None and limit.value == 0:
        what = "it is 0, so RabbitMQ refuses every new connection"
        yield Flaw(limit, what, f"raise it; {NO_LIMIT} stands for no limit", "value")


def everything_allowed(subject: Subject) -> Iterator[Flaw]:
    """A user may configure, write and read everything in the virtual host.

    Such a user can delete each queue with its messages, and read what is meant for others. Services mostly need
    `configure` on nothing, or on their own names.
    """
    for permission in _permissions(subject):
        user = subject.topology.users.get(permission.user)
        is_administrator = user is not None and ADMINISTRATOR in user.tags  # which has a rule of its own
        if allows_everything(permission, subject) and not is_administrator:
            what = "its patterns match every name: the user may delete every queue, and read all messages"
            yield Flaw(permission, what, "name what the user needs, such as write: '^events$'")


def matches_nothing(subject: Subject) -> Iterator[Flaw]:
    """A pattern of a permission matches no exchange and no queue.

    Most often a name was changed, or the pattern has a slip. An empty pattern says that nothing is allowed.
    """
    if not subject.topology.permissions:
        return
    workers = subject.topology.workers
    items: list[Exchange | Queue] = [*subject.topology.exchanges.values(), *subject.topology.queues.values()]
    items += workers.queues if workers else ()
    names = {*PREDECLARED_EXCHANGES, show_exchange_name(""), *map(example_name, items)}
    for permission in _permissions(subject):
        for attribute in PATTERNS[Permission]:
            pattern = getattr(permission, attribute)
            if pattern not in {"", "^$"} and not any(matches(pattern, name, subject.version) for name in names):
                what = (
                    f"its pattern for {attribute}, '{pattern}', matches no exchange and no queue of the document"
                )
                yield Flaw(permission, what, f"correct it; '' allows to {attribute} nothing", attribute)


def allows_everything(permission: Permission, subject: Subject) -> bool:
    """Return whether all patterns of a permission match every name."""
    return all(_matches_all(getattr(permission, name), subject) for name in PATTERNS[Permission])


def _permissions(subject: Subject) -> Iterator[Permission]:
    return (permission for _, permission in sorted(subject.topology.permissions.items()))


def _matches_all(pattern: str, subject: Subject) -> bool:
    return pattern != "" and all(matches(pattern, name, subject.version) for name in _ANY_NAME)
