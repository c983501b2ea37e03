"""Proof that AMQP and the management API lead to one broker.

Clusters of different names are different. Clusters of one name may still be two, for many brokers keep the name
that their image gave them. So a private queue is declared over AMQP, and looked for over HTTP.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from attune_infra.broker import answers
from attune_infra.broker.connections import TWO_URLS, Connections
from attune_infra.errors import VirtualHostMissing, WrongTarget

if TYPE_CHECKING:
    from attune_infra.settings import Settings

_LAG: Final = 3.0
"""Seconds for all nodes of a cluster to list a new queue; at most 0.012 were seen, in clusters of 3.10 and 4.3."""
_PAUSE: Final = 0.05


def check_same_broker(connections: Connections) -> None:
    """Raise `WrongTarget` if AMQP and the management API are two brokers; `BrokerError` if AMQP does not answer.

    A user who may not declare private queues is believed after the names of the clusters were compared.
    """
    import amqp

    connections.overview()
    over_amqp = connections.amqp.target()
    if not connections.settings.management_is_named:
        return  # both were found at one host
    channel = connections.amqp.open_channel()
    try:
        name = channel.queue_declare("", exclusive=True, auto_delete=True).queue
    except (amqp.AMQPError, OSError):
        return
    try:
        if not _is_listed(name, connections):
            raise _one_name_twice(over_amqp.cluster or "", connections.settings)
    finally:
        with suppress(amqp.AMQPError, OSError):  # the broker deletes it with the connection
            channel.queue_delete(name)
            channel.close()


def _one_name_twice(cluster: str, settings: Settings) -> WrongTarget:
    return WrongTarget(
        f"AMQP and the management API are two brokers, both with the name '{cluster}': a queue that was declared "
        f"at {settings.amqp.base_url} is not listed at {settings.management.base_url}; nothing was changed",
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
