"""The size of a queue, and the room that its broker has, from the statistics."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from attune_infra.broker import answers
from attune_infra.broker.http.management import Management
from attune_infra.errors import BrokerError, StrangeAnswer
from attune_infra.topology.planning.obstacles import Contents

_NODES: Final = "name,running,disk_free,disk_free_limit,disk_free_alarm,mem_alarm"


def weigh(http: Management, vhost: str, queue: str, counted: tuple[int | None, int | None]) -> Contents:
    """Return the contents of a queue, and the room of the broker; what this user may not know is None."""
    size, nodes = None, list[Any]()
    with _what_is_allowed():
        listed = http.get("queues", vhost, queue, shape=answers.SIZE_OF_A_QUEUE, columns="message_bytes")
        size = dict(listed).get("message_bytes")  # an empty list stands for no statistics yet
    with _what_is_allowed():  # only users with the monitoring tag may ask
        nodes = http.get("nodes", shape=answers.NODES, columns=_NODES)
    running = [node for node in nodes if node.get("running")]
    messages, consumers = counted
    return Contents(
        messages=messages,
        consumers=consumers,
        bytes=size,
        disk_left=min((room for node in running if (room := _room(node)) is not None), default=None),
        alarm=_alarm(running),
    )


@contextmanager
def _what_is_allowed() -> Iterator[None]:
    """Do without an answer that this user may not have; raise `StrangeAnswer` for one that is not RabbitMQ's."""
    try:
        yield
    except StrangeAnswer:
        raise
    except BrokerError:
        pass


def _room(node: Any) -> int | None:
    """Return the free bytes above the limit; None from a node that has just started."""
    free, limit = node.get("disk_free"), node.get("disk_free_limit")
    return free - limit if isinstance(free, int) and isinstance(limit, int) else None


def _alarm(nodes: Iterable[Any]) -> str | None:
    for node in nodes:
        for key, words in (("disk_free_alarm", "low on disk"), ("mem_alarm", "low on memory")):
            if node.get(key):
                return f"node {node['name']} is {words}"
    return None
