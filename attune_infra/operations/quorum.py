"""Check that a majority of the members of each replicated queue is online."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from attune_infra.errors import BrokerError
from attune_infra.topology.model import label
from attune_infra.topology.verify import Check, Code, Named, Verdict

if TYPE_CHECKING:
    from attune_infra.interfaces import ReplicatedBroker
    from attune_infra.topology.facts.quorum import Members
    from attune_infra.topology.model import Queue, Topology

_REPLICATED = frozenset({"quorum", "stream"})


def check_quorum(broker: ReplicatedBroker, want: Topology) -> Iterator[Check]:
    """Yield a check for each quorum queue and stream of a topology that exists, or one that could not be made."""
    try:
        members = broker.members()
    except BrokerError as error:
        about, name = Named("broker", "members"), "members of quorum queues and streams"
        yield Check(Code.QUORUM_ONLINE, about, name, Verdict.UNKNOWN, error.sentence, error.hint)
        return
    for queue in sorted(want.queues.values(), key=lambda queue: queue.name):
        if want.type_of(queue) in _REPLICATED and queue.name in members:
            yield _check(queue, members[queue.name])


def _check(queue: Queue, members: Members | None) -> Check:
    passed = Check(Code.QUORUM_ONLINE, queue, f"members of {label(queue)}", Verdict.PASSED, str(members or ""))
    if members is None:
        unknown = "RabbitMQ does not tell the members of a stream before 3.13"
        return passed._replace(verdict=Verdict.UNKNOWN, detail=unknown)
    if not members.has_majority:
        hint = "start the nodes that are not online; until then the queue takes no message"
        return passed._replace(verdict=Verdict.FAILED, hint=hint)
    if not members.survives_a_loss:
        hint = "`rabbitmq-queues grow NODE all` adds members on another node, so that one may be lost"
        return passed._replace(verdict=Verdict.WARNING, hint=hint)
    return passed
