"""Proof that AMQP and the management API lead to one broker.

Clusters of one name may be two, for many brokers keep the name that their image gave them. Nodes that tell two
names may be one cluster: each makes a name from its own until `rabbitmqctl set_cluster_name` gives one. So a
private queue is declared over AMQP, and looked for over HTTP.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Literal

from attune_infra.broker import answers
from attune_infra.broker.connections import TWO_URLS, Connections, is_one_name
from attune_infra.broker.failures.faults import from_amqp_connect, unanswered
from attune_infra.broker.hosts import current
from attune_infra.errors import VirtualHostMissing, WrongTarget

if TYPE_CHECKING:
    import amqp

    from attune_infra.settings import Settings

_LAG: Final = 3.0
"""Seconds for all nodes of a cluster to list a new queue; at most 0.012 were seen, in clusters of 3.10 and 4.3."""
_PAUSE: Final = 0.05


def check_same_broker(connections: Connections) -> None:
    """Raise `WrongTarget` if AMQP and the management API are two brokers; `BrokerError` if AMQP does not answer.

    A user who may not declare private queues is believed after the names of the clusters were compared.
    """
    connections.overview()
    over_amqp = connections.amqp.target()
    if not connections.settings.management_is_named and _is_one_host(connections.settings):
        return
    if _is_seen_over_http(connections) is False:
        raise _one_name_twice(over_amqp.cluster or "", connections.settings)


def insist_on_one_broker(connections: Connections, over_amqp: str | None, over_http: str | None) -> None:
    """Raise `WrongTarget` if AMQP and HTTP are two brokers, which tell these names of their clusters.

    A user who may not declare private queues is believed if it is one name.
    """
    is_seen = _is_seen_over_http(connections)
    if not is_seen and not is_one_name(over_amqp, over_http):
        raise _two_clusters(over_amqp, over_http, connections.settings)
    if is_seen is False:
        raise _one_name_twice(over_amqp or "", connections.settings)


def _is_seen_over_http(connections: Connections) -> bool | None:
    """Return whether a private queue that is declared over AMQP is listed over HTTP.

    Return None if it is refused; raise `BrokerError` if the connection is lost, and the queue with it.
    """
    import amqp

    channel = connections.amqp.open_channel(waits=False)
    try:
        name = channel.queue_declare("", exclusive=True, auto_delete=True).queue
    except (amqp.AMQPError, OSError) as error:
        if isinstance(error, TimeoutError):  # to close it would take as long again
            connections.amqp.forget()
        if found := unanswered(error, connections.settings):
            raise found from error
        if not isinstance(error, amqp.ChannelError):
            raise from_amqp_connect(error, connections.settings) from error
        return None
    try:
        return _is_listed(name, connections) or _is_kept(channel, name, connections)
    finally:
        with suppress(amqp.AMQPError, OSError):  # then it goes with the connection
            channel.queue_delete(name)  # waits: no list that follows may have it


def _is_kept(channel: amqp.Channel, name: str, connections: Connections) -> Literal[False]:
    """Return False for a private queue that is there but not listed; raise `BrokerError` if it may be gone."""
    import amqp

    try:
        channel.queue_declare(name, passive=True)
    except (amqp.AMQPError, OSError) as error:
        raise from_amqp_connect(error, connections.settings) from error
    return False


def _is_one_host(settings: Settings) -> bool:
    """Return True if both protocols were found at one host; of several hosts, each may have another one."""
    return current(settings.amqp).host == current(settings.management).host


def _two_clusters(over_amqp: str | None, over_http: str | None, settings: Settings) -> WrongTarget:
    """Return the error for AMQP and HTTP that lead to clusters of these names."""
    return WrongTarget(
        f"AMQP and the management API are two clusters: {current(settings.amqp).base_url} is '{over_amqp}', and "
        f"{current(settings.management).base_url} is '{over_http}'; nothing was changed",
        hint=TWO_URLS,
    )


def _one_name_twice(cluster: str, settings: Settings) -> WrongTarget:
    return WrongTarget(
        f"AMQP and the management API are two brokers, both with the name '{cluster}': a queue that was declared "
        f"at {current(settings.amqp).base_url} is not listed at {current(settings.management).base_url}; "
        "nothing was changed",
        hint=TWO_URLS,
    )


def _is_listed(queue: str, connections: Connections) -> bool:
    vhost, end = connections.settings.virtual_host, time.monotonic() + _LAG
    while True:
        try:
            connections.http.get("queues", vhost, queue, shape=answers.NAMED, columns="name", disable_stats="true")
        except VirtualHostMissing:  # a 404
            if time.monotonic() > end:
                return False
            time.sleep(_PAUSE)
        else:
            return True
