"""Tell a quorum queue that is empty from one without a leader.

RabbitMQ answers a passive declaration of either with no message and no consumer, and deletes either at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attune_infra.broker import answers
from attune_infra.errors import BrokerError, StrangeAnswer
from attune_infra.topology.facts.releases import FIRST_TELLING_LEADERS, Version

if TYPE_CHECKING:
    from attune_infra.broker.http.management import Management
    from attune_infra.topology.model import Queue


def has_leader(http: Management, vhost: str, queue: Queue, version: Version) -> bool:
    """Return whether a quorum queue certainly has a leader; `queue` is as the broker has just listed it."""
    if not queue.works:
        return False
    if version < FIRST_TELLING_LEADERS:
        return True
    try:  # 4.0 lists a queue as running although its process is gone
        members = http.get("queues", "quorum", vhost, queue.name, "status", shape=answers.MEMBERS)
    except StrangeAnswer:
        raise
    except BrokerError:
        return False
    return any(member.get("Raft State") == "leader" for member in members)
