"""Rules about what becomes of messages that are rejected, expire or are pushed out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from attune_infra.topology.facts.releases import FIRST_WITH_DEFAULT_DELIVERY_LIMIT
from attune_infra.topology.lint.finding import Flaw
from attune_infra.topology.lint.subject import Subject
from attune_infra.topology.model import Queue
from attune_infra.topology.routing.topic_keys import Words, example_key, format_key, is_literal

_DLX, _KEY = "x-dead-letter-exchange", "x-dead-letter-routing-key"
_FEW = 4


def exchange_is_missing(subject: Subject) -> Iterator[Flaw]:
    """A dead letter exchange does not exist.

    RabbitMQ declares a queue with any dead letter exchange, whether it is there or not. While it is not, messages
    that are rejected, expire or are pushed out of the queue vanish without a trace.
    """
    for target, queues in subject.dead_letter_exchanges.items():
        if not subject.is_there(target):
            for queue in queues:
                what = f"its dead letter exchange '{target}' does not exist: dead letters vanish"
                remedy = f"declare exchange '{target}' with a queue behind it, or name one that is there"
                yield Flaw(queue, what, remedy, subject.part(queue, _DLX))


def no_queue_is_reached(subject: Subject) -> Iterator[Flaw]:
    """Dead letters reach no queue.

    The dead letter exchange exists, but has no binding for the routing keys of dead letters: they vanish without
    a trace. A dead letter keeps the routing key with which it was published, unless x-dead-letter-routing-key
    says otherwise; those keys are known from the queue's bindings. Typical is a `#` on a direct exchange, which
    takes it literally.
    """
    for target, queues in subject.dead_letter_exchanges.items():
        if subject.routing.exchange(target) is not None:
            for queue in queues:
                keys = subject.reach.keys_of_dead_letters[queue.name]
                lost = [key for key in keys if not subject.reach.can_reach(target, key)]
                if lost:
                    yield Flaw(
                        queue,
                        f"its dead letters vanish: {_leads_nowhere(target, lost[0], subject)}",
                        _way_out(target, lost[0], subject),
                        subject.part(queue, _DLX),
                    )


def cycle_without_a_way_out(subject: Subject) -> Iterator[Flaw]:
    """Messages expire from queue to queue in a cycle that nothing leaves.

    Each queue of the cycle has a TTL, and its dead letters go on to the next, until they come to a queue where
    they have been. RabbitMQ drops a message there if it was never rejected on its way: what no consumer takes in
    one round is lost, and no queue keeps it.
    """
    for members, leaves in subject.reach.dead_letter_cycles:
        if not leaves and all(subject.setting(queue, "x-message-ttl") is not None for queue in members):
            what = f"messages expire in a cycle ({_path(members)}) and are dropped after one round"
            remedy = "let the last queue dead-letter to where somebody looks, or leave its TTL out"
            yield Flaw(members[0], what, remedy, subject.part(members[0], _DLX))


def cycle_that_only_consumers_leave(subject: Subject) -> Iterator[Flaw]:
    """Dead letters go in a cycle that a message leaves only if a consumer takes it.

    This is how retries are made: a message that was rejected waits in a queue with a TTL and comes back. But one
    that is rejected every time goes round for ever, unless the consumer counts (the header x-death tells) and
    puts it aside. RabbitMQ 4 begins that count anew when a client publishes the message again.
    """
    for members, leaves in subject.reach.dead_letter_cycles:
        if leaves or any(subject.setting(queue, "x-message-ttl") is None for queue in members):
            what = f"dead letters come back in a cycle ({_path(members)}): a message may go round for ever"
            remedy = "have the consumer look at x-death and put a message aside after some rounds"
            yield Flaw(members[0], what, remedy, subject.part(members[0], _DLX))


def at_least_once_without_reject_publish(subject: Subject) -> Iterator[Flaw]:
    """Dead letters are to be confirmed, but the queue pushes out what is old.

    x-dead-letter-strategy: at-least-once works only with x-overflow: reject-publish and a dead letter exchange.
    Without, RabbitMQ falls back to at-most-once in silence, and a dead letter may be lost on its way.
    """
    strategy = "x-dead-letter-strategy"
    for queue in subject.queues:
        if subject.setting(queue, strategy) == "at-least-once":
            overflow = subject.setting(queue, "x-overflow") or "drop-head"
            if overflow != "reject-publish":
                what = f"at-least-once falls back to at-most-once in silence: its overflow is {overflow}"
                yield Flaw(queue, what, "set x-overflow: reject-publish", subject.part(queue, strategy))
            elif subject.text(queue, _DLX) is None:
                what = "at-least-once has no effect: there is no dead letter exchange"
                yield Flaw(queue, what, "name one in x-dead-letter-exchange", subject.part(queue, strategy))


def delivery_limit_without_exchange(subject: Subject) -> Iterator[Flaw]:
    """A delivery limit has no dead letter exchange behind it.

    A quorum queue drops a message that failed more often than x-delivery-limit allows. Without a dead letter
    exchange it is gone, and nobody ever learns what was wrong with it.
    """
    for queue in _quorum_queues_without_exchange(subject):
        limit = subject.setting(queue, "x-delivery-limit")
        if isinstance(limit, int) and limit >= 0:
            what = f"a message is dropped after {limit} failed deliveries: there is no dead letter exchange"
            remedy = "name one in x-dead-letter-exchange, or by a policy"
            yield Flaw(queue, what, remedy, subject.part(queue, "x-delivery-limit"))


def default_delivery_limit_without_exchange(subject: Subject) -> Iterator[Flaw]:
    """A quorum queue drops messages at the default delivery limit.

    Since RabbitMQ 4.0 a quorum queue without x-delivery-limit has one of 20. A message that failed more often is
    dead-lettered; without a dead letter exchange it is gone.
    """
    if subject.version < FIRST_WITH_DEFAULT_DELIVERY_LIMIT:
        return
    for queue in _quorum_queues_without_exchange(subject):
        if subject.setting(queue, "x-delivery-limit") is None:
            what = (
                "after 20 failed deliveries (the default) a message is dropped: there is no dead letter exchange"
            )
            yield Flaw(queue, what, "name a dead letter exchange, or set x-delivery-limit: -1 for no limit")


def _quorum_queues_without_exchange(subject: Subject) -> Iterator[Queue]:
    for queue in subject.queues:
        if subject.topology.type_of(queue) == "quorum" and subject.text(queue, _DLX) is None:
            yield queue


def _leads_nowhere(target: str, key: Words | None, subject: Subject) -> str:
    if not target:
        return f"they go to queue '{example_key(key or ())}', which does not exist"
    if not subject.reach.can_reach(target, None):
        return f"exchange '{target}' leads to no queue"
    key_or_keys = "the routing key" if key is not None and is_literal(key) else "routing keys like"
    return f"exchange '{target}' leads to no queue for {key_or_keys} '{format_key(key or ())}', which they keep"


def _way_out(target: str, key: Words | None, subject: Subject) -> str:
    if not target:
        return f"declare queue '{example_key(key or ())}', or name an exchange"
    exchange = subject.routing.exchange(target)
    if exchange is not None and exchange.type == "direct" and subject.out_of.get(target):
        return (
            f"make '{target}' a fanout exchange, or give x-dead-letter-routing-key with the key it is bound with"
        )
    return f"bind a queue to '{target}' for it"


def _path(members: Sequence[Queue]) -> str:
    names = [queue.name for queue in members[:_FEW]]
    more = [f"{len(members) - _FEW} more"] if len(members) > _FEW else []
    return " -> ".join([*names, *more, members[0].name])
