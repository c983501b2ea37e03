"""Verdicts on limits: queues, connections and channels."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from shlex import quote
from typing import Final

from attune_infra.errors import AttuneError
from attune_infra.topology.doctor.diagnosis import Check, Topic, judged, ok, problem, unknown
from attune_infra.topology.doctor.seen import Broker, Limit
from attune_infra.topology.facts.machinery import with_hidden
from attune_infra.topology.facts.refusals import ForeseenRefusal, Restrictions

_CONNECTIONS, _CHANNELS, _QUEUES = "max-connections", "max-channels", "max-queues"
_RAISE: Final = "use fewer, or have an administrator raise the limit"


def limit_checks(
    broker: Broker, user: str, beyond: Sequence[ForeseenRefusal], *, channels: int, connected: bool
) -> Iterator[Check]:
    """Yield a check for each limit.

    `beyond` are the queues for which there is no room; a command opens so many `channels`. If doctor is
    `connected` over AMQP, there was room for a connection.
    """
    yield from judged(
        Topic.QUEUE_LIMIT, "queues", broker.restrictions, lambda found: _queues(broker, found, beyond)
    )
    if not connected:
        return
    name = f"channels of user {user}"

    def judge(limit: Limit | None) -> Iterator[Check]:
        if limit is None:
            yield ok(Topic.CHANNEL_LIMIT, name, "no limit")
        elif limit.most < channels + (limit.now or 0):
            yield _too_few(
                name, limit, channels, _line_for_user(broker, user, _CHANNELS, channels + (limit.now or 0))
            )
        elif limit.now is None:
            detail = f"{limit.most} are allowed; the number in use is shown only to users with the tag monitoring"
            yield unknown(Topic.CHANNEL_LIMIT, name, detail)
        else:
            yield ok(Topic.CHANNEL_LIMIT, name, f"{limit.now} of {limit.most}")

    if channels:
        yield from judged(Topic.CHANNEL_LIMIT, name, broker.channels_of_user, judge)


def connection_limits(broker: Broker, user: str) -> Iterator[Check]:
    """Yield a problem for each limit that may be the cause of a refused connection."""
    vhost, of_vhost, of_user = broker.virtual_host, broker.connections_of_virtual_host, broker.connections_of_user
    if isinstance(of_vhost, Limit) and _is_reached(of_vhost):
        more = {_CONNECTIONS: _enough(of_vhost), **_queue_limit(broker)}
        line = f"rabbitmqctl set_vhost_limits -p {quote(vhost)} {quote(json.dumps(more))}"
        yield _too_few(f"connections of virtual host '{vhost}'", of_vhost, 1, line)
    if isinstance(of_user, Limit) and _is_reached(of_user):
        line = _line_for_user(broker, user, _CONNECTIONS, _enough(of_user))
        yield _too_few(f"connections of user '{user}'", of_user, 1, line)


def _queues(broker: Broker, found: Restrictions, beyond: Sequence[ForeseenRefusal]) -> Iterator[Check]:
    name = f"queues of virtual host {broker.virtual_host}"
    if isinstance(broker.topology, AttuneError) or found.max_queues is None:
        yield ok(Topic.QUEUE_LIMIT, name, "no limit of the virtual host; one of the whole cluster is not shown")
        return
    there = len(with_hidden(broker.topology).queues)
    if not beyond:
        yield ok(Topic.QUEUE_LIMIT, name, f"{there} of {found.max_queues}")
        return
    limit, enough = Limit(found.max_queues, there), max(there, found.max_queues) + len(beyond)
    more = {_QUEUES: enough}
    if isinstance(broker.connections_of_virtual_host, Limit):
        more[_CONNECTIONS] = broker.connections_of_virtual_host.most
    line = f"rabbitmqctl set_vhost_limits -p {quote(broker.virtual_host)} {quote(json.dumps(more))}"
    yield _too_few(name, limit, enough - there, line)


def _too_few(name: str, limit: Limit, needed: int, line: str) -> Check:
    used = "" if limit.now is None else f" and {limit.now} are there"
    detail = f"{limit.most} are allowed{used}; {needed} more are needed"
    return problem(Topic.QUEUE_LIMIT, name, detail, _RAISE, line)


def _is_reached(limit: Limit) -> bool:
    return limit.now is None or limit.now >= limit.most


def _enough(limit: Limit) -> int:
    return max(limit.most, limit.now or 0) + 1


def _queue_limit(broker: Broker) -> dict[str, int]:
    """Return the limit of queues, which the line that sets another limit would take away."""
    restrictions = broker.restrictions
    if isinstance(restrictions, AttuneError) or restrictions.max_queues is None:
        return {}
    return {_QUEUES: restrictions.max_queues}


def _line_for_user(broker: Broker, user: str, kind: str, number: int) -> str:
    limits = {_CONNECTIONS: broker.connections_of_user, _CHANNELS: broker.channels_of_user}
    kept = {name: limit.most for name, limit in limits.items() if isinstance(limit, Limit)}
    return f"rabbitmqctl set_user_limits {quote(user)} {quote(json.dumps(kept | {kind: number}))}"
