"""Rules about users, which belong to the whole broker: they may do nothing, too much, or be open to everybody."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from attune_infra.topology.facts.users import KNOWN_TAGS, fits
from attune_infra.topology.lint.access import ADMINISTRATOR, allows_everything
from attune_infra.topology.lint.finding import Flaw
from attune_infra.topology.lint.subject import Subject
from attune_infra.topology.model import PasswordHash, User

_DEFAULT_USER: Final = "guest"
"""The user that RabbitMQ makes; its password is the same."""


def may_do_nothing(subject: Subject) -> Iterator[Flaw]:
    """A user has neither permissions in the virtual host nor a tag.

    RabbitMQ lets such a user in nowhere, unless another document gives it permissions in another virtual host.
    """
    for user in _users(subject):
        permitted = subject.topology.permissions.keys() | subject.topology.permitted_elsewhere
        if user.name not in permitted and not user.tags & KNOWN_TAGS:
            what = "it has no permissions in this virtual host, and no tag that means something"
            yield Flaw(user, what, f"add it to `permissions`: {user.name}: {{configure: '', write: '', read: ''}}")


def keeps_default_password(subject: Subject) -> Iterator[Flaw]:
    """The user guest keeps its default password.

    RabbitMQ creates guest with the password guest, as an administrator. It lets it in only from the machine
    itself, unless `loopback_users` was changed. Any program there can do everything.
    """
    user = subject.topology.users.get(_DEFAULT_USER)
    if user is None:
        return
    if user.password is None:
        what = "the document leaves its password alone, which is guest unless somebody changed it"
        yield Flaw(user, what, "write password: none, or a reference such as {env: GUEST_PASSWORD}")
    elif isinstance(user.password, PasswordHash) and fits(_DEFAULT_USER, user.password):
        yield Flaw(user, "its password_hash is that of the password guest", "set another one", "password_hash")


def has_no_password(subject: Subject) -> Iterator[Flaw]:
    """A user has no password in the document.

    A new user then cannot log in with a password, and one that exists keeps its own. This is right for users with
    certificates or tokens, or if others set the passwords.
    """
    for user in _users(subject):
        if user.password is None and user.name != _DEFAULT_USER:
            what = "the document has no password for it, so a new one cannot log in with a password"
            yield Flaw(user, what, "write password: {env: NAME}, or password: none if that is meant")


def administrator_of_everything(subject: Subject) -> Iterator[Flaw]:
    """An administrator has permissions on everything.

    The tag administrator is for people and tools that manage the broker, and they seldom use queues. A service
    that has both can delete each virtual host, and read each message.
    """
    for user in _users(subject):
        permission = subject.topology.permissions.get(user.name)
        if ADMINISTRATOR in user.tags and permission and allows_everything(permission, subject):
            what = "it is an administrator of the whole broker, and its permissions match every name"
            yield Flaw(user, what, "use two users: one with the tag, and one with the permissions", "tags")


def _users(subject: Subject) -> Iterator[User]:
    return (user for _, user in sorted(subject.topology.users.items()))
