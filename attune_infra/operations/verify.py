"""Look at a broker, once, and hold what was seen against what is wanted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from attune_infra.background import run_in_background
from attune_infra.errors import AttuneError, BrokerError
from attune_infra.operations.wait import wait_for
from attune_infra.topology.policy import expires
from attune_infra.topology.verify import Demands, Seen, Verification, Wanted
from attune_infra.topology.verify import verify as verify_seen

if TYPE_CHECKING:
    from attune_infra.interfaces import CountingBroker
    from attune_infra.topology.model import Topology

COUNTED = 100
"""Queues whose consumers are counted exactly, one by one; of more at once, the statistics have to do."""

STATISTICS_LAG = 8.0
"""Seconds after which the management statistics know a consumer; 6 were measured."""


def verify(broker: CountingBroker, want: Topology, demands: Demands) -> Verification:
    """Return what all checks found. A broker that cannot be reached is a finding, not an exception.

    While the broker lists what it holds, the rest is asked and made ready.
    """
    http = _answer(broker.check_http)
    listed = run_in_background(broker.read) if isinstance(http, str) else None
    seen = Seen(http=http, amqp=_answer(broker.check_amqp))
    wanted = Wanted.of(want, demands)
    return verify_seen(_look(broker, seen, listed, wanted) if listed else seen, wanted)


def _look(broker: CountingBroker, seen: Seen, listed: Callable[[], Topology], wanted: Wanted) -> Seen:
    """Add to what was seen the objects and, of the demanded workers, the consumers."""
    answers, demanded = isinstance(seen.amqp, str), wanted.demands.require_consumers
    try:
        topology = listed()
        present = [queue for queue in wanted.queues_of_workers if queue in topology.queues]
        countable = present if answers and len(present) <= COUNTED else ()
        lasting = [queue for queue in countable if not expires(topology.queues[queue], topology)]
        counts = broker.consumer_counts(lasting) if lasting else {}
        consumed = [queue for queue in present if counts.get(queue, demanded and answers)]
        tags = _tags(broker, present, consumed) if present else {}
    except BrokerError as error:
        return replace(seen, http=error)
    return replace(seen, topology=topology, consumer_tags=tags, consumer_counts=counts)


def _tags(broker: CountingBroker, queues: Sequence[str], consumed: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
    """Return consumer tags, waiting for the statistics where a consumer is known, or has, to be there."""
    tags: Mapping[str, tuple[str, ...]] = {}

    def attempt() -> Mapping[str, tuple[str, ...]]:
        nonlocal tags
        tags = broker.consumer_tags(queues)
        if not all(tags[queue] for queue in consumed):
            raise _StatisticsLag("the statistics do not know all consumers yet")
        return tags

    try:
        return wait_for(attempt, seconds=STATISTICS_LAG)
    except _StatisticsLag:
        return tags


def _answer(question: Callable[[], str]) -> str | AttuneError:
    try:
        return question()
    except BrokerError as error:
        return error


class _StatisticsLag(AttuneError):
    may_pass = True
