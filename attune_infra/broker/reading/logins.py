"""The users of both protocols, with their permissions: read as an administrator, or tried."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from attune_infra.background import run_in_background
from attune_infra.broker import answers
from attune_infra.broker.reading.consumers import own_tags, read_tags
from attune_infra.errors import BrokerError, BrokerUnreachable, NotRabbitMQ
from attune_infra.topology.doctor.seen import Login
from attune_infra.topology.facts.permissions import Patterns, User
from attune_infra.topology.permissions.needs import Over

if TYPE_CHECKING:
    from attune_infra.broker.connections import Connections
    from attune_infra.broker.http.management import Management
    from attune_infra.topology.facts.permissions import Right


def logins_of(connections: Connections, rights: Iterable[Right], *, over_http: bool) -> Mapping[Over, Login]:
    """Return the users of both protocols. Rights that may not be read over HTTP are tried over AMQP."""
    settings, http = connections.settings, connections.http
    names = {Over.HTTP: settings.management.user, Over.AMQP: settings.amqp.user}
    if over_http:
        ask = partial(_user, http, virtual_host=settings.virtual_host)
        begun = {name: run_in_background(partial(ask, name)) for name in {*names.values()}}
        users = {name: user() for name, user in begun.items()}
        found = {over: _login(http, name, users[name], over) for over, name in names.items()}
    else:
        found = {over: Login(name=name) for over, name in names.items()}
    if found[Over.AMQP].user is not None:
        return found
    tried = _tried(connections, rights) if rights else {}
    for over, login in found.items():
        if login.name == settings.amqp.user:
            found[over] = Login(name=login.name, tags=login.tags, tried=tried)
    return found


def _tried(connections: Connections, rights: Iterable[Right]) -> Mapping[Right, bool | None]:
    from attune_infra.broker.reading.trials import try_rights

    return try_rights(connections.amqp, rights)


def _login(http: Management, name: str, user: User | None, over: Over) -> Login:
    if user is not None:
        return Login(name=name, user=user, tags=user.tags)
    return Login(name=name, tags=_own_tags(http) if over is Over.HTTP else None)


def _own_tags(http: Management) -> frozenset[str] | None:
    try:
        return own_tags(http)
    except (BrokerUnreachable, NotRabbitMQ):
        raise
    except BrokerError:
        return None


def _user(http: Management, name: str, virtual_host: str) -> User | None:
    """Return a user with all permissions; None if only an administrator may read them."""
    ask = partial(http.get, "users", name)
    listed = run_in_background(partial(ask, "permissions", shape=answers.PERMISSIONS))
    on_topics = run_in_background(partial(ask, "topic-permissions", shape=answers.TOPIC_PERMISSIONS))
    try:
        user, permissions, topics = ask(shape=answers.USER), listed(), on_topics()
    except (BrokerUnreachable, NotRabbitMQ):
        raise
    except BrokerError:
        return None
    own = [item for item in permissions if item["vhost"] == virtual_host]
    return User(
        name=name,
        virtual_host=virtual_host,
        tags=read_tags(user["tags"]),
        patterns=_patterns(own[0]) if own else None,
        topics={item["exchange"]: _patterns(item) for item in topics if item["vhost"] == virtual_host},
    )


def _patterns(item: Mapping[str, Any]) -> Patterns:
    return Patterns(configure=item.get("configure", ""), write=item["write"], read=item["read"])
