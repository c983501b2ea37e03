"""The consumers that RabbitMQ's statistics tell, of other users too."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final

from attune_infra.background import run_in_shares
from attune_infra.broker import answers
from attune_infra.errors import VirtualHostMissing
from attune_infra.topology.facts.permissions import TAGS_THAT_DO, Tag

if TYPE_CHECKING:
    from attune_infra.broker.http.management import Management

_PARALLEL_REQUESTS: Final = 4

Tags = Mapping[str, tuple[str, ...]]


def consumer_tags(http: Management, vhost: str, queues: Collection[str], *, sees_all: Callable[[], bool]) -> Tags:
    """Return the consumer tags of queues; raise `BrokerError` if they are unknown.

    RabbitMQ leaves the consumers of other users out of its list, unless the user may see all. It tells them to
    everyone who asks for a single queue (seen on 3.10, 4.0 and 4.3).
    """
    tags: dict[str, list[str]] = {queue: [] for queue in queues}
    columns = "queue.name,consumer_tag"
    listing = http.get("consumers", vhost, shape=answers.CONSUMERS, columns=columns)  # refused without statistics
    for item in listing:
        if item["queue"]["name"] in tags:
            tags[item["queue"]["name"]].append(item["consumer_tag"])
    if not sees_all():
        for found in run_in_shares(partial(_one_by_one, http, vhost), list(tags), _PARALLEL_REQUESTS):
            tags.update(found)
    return {queue: tuple(sorted(found)) for queue, found in tags.items()}


def sees_all_consumers(http: Management) -> bool:
    """Return whether the user of the management API sees the consumers, connections and channels of others."""
    return bool(own_tags(http) & TAGS_THAT_DO[Tag.MONITORING])


def own_tags(http: Management) -> frozenset[str]:
    return read_tags(http.get("whoami", shape=answers.WHO_AM_I)["tags"])


def read_tags(found: Sequence[str] | str) -> frozenset[str]:
    """Read a user's tags; older releases list them as one text."""
    return frozenset(found.split(",") if isinstance(found, str) else found) - {""}


def _one_by_one(http: Management, vhost: str, queues: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for queue in queues:
        with suppress(VirtualHostMissing):  # a 404: the queue was deleted meanwhile
            columns, shape = "consumer_details.consumer_tag", answers.CONSUMERS_OF_A_QUEUE
            answer = dict(http.get("queues", vhost, queue, shape=shape, columns=columns))
            # without the key, its node is down, and the whole list has none of its consumers either
            found[queue] = [consumer["consumer_tag"] for consumer in answer.get("consumer_details", ())]
    return found
