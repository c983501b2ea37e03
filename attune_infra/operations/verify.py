"""Look at a broker once, and check it against a topology."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from attune_infra.background import run_in_background
from attune_infra.errors import AttuneError, BrokerError, NoMajority
from attune_infra.operations.secrets import with_secrets
from attune_infra.operations.wait import wait_until
from attune_infra.topology.policy import tells_consumers
from attune_infra.topology.verify import Demands, Seen, Verification, Wanted
from attune_infra.topology.verify import verify as verify_seen

if TYPE_CHECKING:
    from attune_infra.interfaces import CountingBroker, VerifiedBroker
    from attune_infra.topology.model import Topology

MAX_QUEUES_COUNTED = 100
"""Queues whose consumers are counted exactly, one by one. For more queues the statistics are used."""

STATISTICS_LAG = 8.0
"""Seconds after which the management statistics list a consumer; 6 were measured."""


def verify(broker: VerifiedBroker, want: Topology, demands: Demands) -> Verification:
    """Return the results of all checks. An unreachable broker is a result, not an exception.

    Raise `WrongTarget` if AMQP and the management API lead to two brokers, and `InvalidInput` if a secret of the
    document cannot be read.

    While the broker makes its lists, the remaining work is done.
    """
    want = with_secrets(want)
    http = _answer(broker.check_http)
    listed = (
        run_in_background(partial(broker.read, controls=want.control_kinds)) if isinstance(http, str) else None
    )
    seen = Seen(http=http, amqp=_answer(broker.check_amqp))
    if isinstance(seen.http, str) and isinstance(seen.amqp, str):
        try:
            broker.check_same_cluster()
        except NoMajority as error:  # lists are answered all the same
            seen = replace(seen, amqp=error)
    wanted = Wanted.of(want, demands)
    if isinstance(seen.amqp, str) and not isinstance(seen.http, str):
        return _verify_over_amqp(broker, seen, wanted)
    return verify_seen(_look(broker, seen, listed, wanted) if listed else seen, wanted)


def _verify_over_amqp(broker: VerifiedBroker, seen: Seen, wanted: Wanted) -> Verification:
    """Return the checks that need no management API, and say which ones were not possible."""
    from attune_infra.operations.verify_over_amqp import checks_over_amqp

    found = verify_seen(seen, wanted)
    try:
        return found.plus(checks_over_amqp(broker, wanted))
    except BrokerError as error:
        return verify_seen(replace(seen, amqp=error), wanted)


def _look(broker: CountingBroker, seen: Seen, listed: Callable[[], Topology], wanted: Wanted) -> Seen:
    """Add the objects, and the consumers of the demanded workers."""
    answers, demanded = isinstance(seen.amqp, str), wanted.demands.require_consumers
    try:
        topology = listed()
        present = [queue for queue in wanted.queues_of_workers if queue in topology.queues]
        countable = present if answers and len(present) <= MAX_QUEUES_COUNTED else ()
        lasting = [queue for queue in countable if tells_consumers(topology.queues[queue], topology)]
        counts = broker.consumer_counts(lasting) if lasting else {}
        consumed = [queue for queue in present if counts.get(queue, demanded and answers)]
        tags = _tags(broker, present, consumed) if present else {}
    except BrokerError as error:
        return replace(seen, http=error)
    if wanted.topology.virtual_host is not None and topology.virtual_host is None:
        seen = replace(seen, amqp=None)  # AMQP needs the virtual host that is missing, which is a check of its own
    return replace(seen, topology=topology, consumer_tags=tags, consumer_counts=counts)


def _tags(broker: CountingBroker, queues: Sequence[str], consumed: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
    """Return consumer tags; wait for statistics that lack the tags of the `consumed` queues."""
    return wait_until(
        lambda: broker.consumer_tags(queues),
        lambda tags: all(tags[queue] for queue in consumed),
        seconds=STATISTICS_LAG,
    )


def _answer(question: Callable[[], str]) -> str | AttuneError:
    try:
        return question()
    except BrokerError as error:
        return error
