"""Rules about messages that are rejected, expire or are pushed out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from attune_infra.topology.facts.releases import FIRST_WITH_DEFAULT_DELIVERY_LIMIT
from attune_infra.topology.lint.finding import Flaw
from attune_infra.topology.lint.subject import Subject
from attune_infra.topology.model import Queue
from attune_infra.topology.routing.topic_keys import Words, example_key, format_key, is_literal, parse_topic_key

_DLX, _KEY = "x-dead-letter-exchange", "x-dead-letter-routing-key"
_MAX_QUEUES_LISTED = 4


def exchange_is_missing(subject: Subject) -> Iterator[Flaw]:
    """A dead letter exchange does not exist.

    RabbitMQ declares a queue with any dead letter exchange, even a missing one. While it is missing, RabbitMQ
    drops all messages that are rejected, expire or are pushed out of the queue.
    """
    for target, queues in subject.dead_letter_exchanges.items():
        if not subject.is_there(target):
            for queue in _losing_dead_letters(queues, subject):
                what = f"its dead letter exchange '{target}' does not exist: dead letters are lost"
                remedy = f"declare exchange '{target}' and bind a queue to it, or name an existing exchange"
                yield Flaw(queue, what, remedy, subject.part(queue, _DLX))


def no_queue_is_reached(subject: Subject) -> Iterator[Flaw]:
    """Dead letters reach no queue.

    The dead letter exchange exists, but has no binding for the routing keys of the dead letters: RabbitMQ drops
    them. A dead letter keeps the routing key with which it was published, unless x-dead-letter-routing-key sets
    another one. The bindings of the queue tell which keys these are. A typical mistake is a `#` on a direct
    exchange, which takes it literally.
    """
    for target, queues in subject.dead_letter_exchanges.items():
        if subject.routing.exchange(target) is not None:
            for queue in _losing_dead_letters(queues, subject):
                if lost := _keys_without_queue(queue, target, subject):
                    yield Flaw(
                        queue,
                        f"its dead letters are lost: {_leads_nowhere(queue, target, lost[0], subject)}",
                        _remedy(queue, target, lost[0], subject),
                        subject.part(queue, _DLX),
                    )


def dead_letters_are_stuck(subject: Subject) -> Iterator[Flaw]:
    """Dead letters stay in their queue.

    A quorum queue with the dead letter strategy at-least-once and the overflow reject-publish keeps each dead
    letter until another queue has it. If the dead letter exchange is missing, or has no binding for the routing
    key, that never happens. No consumer gets such messages, but they count for x-max-length and use the disk: in
    the end the queue rejects new messages, or the disk alarm blocks all publishers.
    """
    for target, queues in subject.dead_letter_exchanges.items():
        for queue in filter(subject.keeps_dead_letters, queues):
            if not subject.is_there(target):
                why = f"its dead letter exchange '{target}' does not exist"
                remedy = f"declare exchange '{target}' and bind a queue to it, or name an existing exchange"
            elif lost := _keys_without_queue(queue, target, subject):
                why = _leads_nowhere(queue, target, lost[0], subject)
                remedy = _remedy(queue, target, lost[0], subject)
            else:
                continue
            what = f"its dead letters stay in it until they fill it: {why}"
            yield Flaw(queue, what, remedy, subject.part(queue, _DLX))


def _losing_dead_letters(queues: Sequence[Queue], subject: Subject) -> Iterator[Queue]:
    return (queue for queue in queues if not subject.keeps_dead_letters(queue))


def _keys_without_queue(queue: Queue, target: str, subject: Subject) -> list[Words | None]:
    """Return the routing keys of dead letters with which they reach no queue."""
    if subject.routing.exchange(target) is None:
        return []  # one of RabbitMQ's own, with a type that nobody knows
    keys = subject.reach.keys_of_dead_letters[queue.name]
    return [key for key in keys if not subject.reach.can_reach(target, key)]


def cycle_without_a_way_out(subject: Subject) -> Iterator[Flaw]:
    """Messages expire from queue to queue in a cycle that nothing leaves.

    Each queue of the cycle has a TTL and sends its dead letters to the next one, until a message comes back to a
    queue. RabbitMQ then drops the message, if it was never rejected on its way. A message that no consumer takes
    within one round is lost.
    """
    for members, leaves in subject.reach.dead_letter_cycles:
        if not leaves and all(subject.setting(queue, "x-message-ttl") is not None for queue in members):
            what = f"messages expire in a cycle ({_path(members)}) and are dropped after one round"
            remedy = "send the dead letters of the last queue to one with a consumer, or remove its TTL"
            yield Flaw(members[0], what, remedy, subject.part(members[0], _DLX))


def cycle_that_only_consumers_leave(subject: Subject) -> Iterator[Flaw]:
    """Dead letters go round in a cycle until a consumer takes them.

    Retries work in this way: a rejected message waits in a queue with a TTL and comes back. But a message that is
    rejected every time goes round for ever, unless the consumer counts the rounds in the header x-death and puts
    the message aside. RabbitMQ 4 restarts that count when a client publishes the message again.
    """
    for members, leaves in subject.reach.dead_letter_cycles:
        if leaves or any(subject.setting(queue, "x-message-ttl") is None for queue in members):
            what = f"dead letters come back in a cycle ({_path(members)}): a message may go round for ever"
            remedy = "let the consumer read x-death and put a message aside after some rounds"
            yield Flaw(members[0], what, remedy, subject.part(members[0], _DLX))


def at_least_once_without_reject_publish(subject: Subject) -> Iterator[Flaw]:
    """The dead letter strategy at-least-once has no effect.

    It works only with x-overflow: reject-publish and a dead letter exchange. Otherwise RabbitMQ silently falls
    back to at-most-once, and may lose a dead letter on its way.
    """
    strategy = "x-dead-letter-strategy"
    for queue in subject.queues:
        if subject.setting(queue, strategy) == "at-least-once":
            overflow = subject.setting(queue, "x-overflow") or "drop-head"
            if overflow != "reject-publish":
                what = f"at-least-once silently falls back to at-most-once: its overflow is {overflow}"
                yield Flaw(queue, what, "set x-overflow: reject-publish", subject.part(queue, strategy))
            elif subject.text(queue, _DLX) is None:
                what = "at-least-once has no effect: there is no dead letter exchange"
                yield Flaw(queue, what, "name one in x-dead-letter-exchange", subject.part(queue, strategy))


def delivery_limit_without_exchange(subject: Subject) -> Iterator[Flaw]:
    """A queue with a delivery limit has no dead letter exchange.

    A quorum queue gives up a message that failed more often than x-delivery-limit allows. Without a dead letter
    exchange the message is lost, and nobody can find out what was wrong with it.
    """
    for queue in _quorum_queues_without_exchange(subject):
        limit = subject.setting(queue, "x-delivery-limit")
        if isinstance(limit, int) and limit >= 0:
            what = f"a message is dropped after {limit} failed deliveries: there is no dead letter exchange"
            remedy = "name one in x-dead-letter-exchange, or by a policy"
            yield Flaw(queue, what, remedy, subject.part(queue, "x-delivery-limit"))


def default_delivery_limit_without_exchange(subject: Subject) -> Iterator[Flaw]:
    """A quorum queue drops messages at the default delivery limit.

    Since RabbitMQ 4.0 a quorum queue without x-delivery-limit has a limit of 20. It dead-letters a message that
    failed more often; without a dead letter exchange the message is lost.
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


def _leads_nowhere(queue: Queue, target: str, key: Words | None, subject: Subject) -> str:
    if not target:
        return f"they go to queue '{example_key(key or ())}', which does not exist"
    if not subject.reach.can_reach(target, None):
        return f"exchange '{target}' leads to no queue"
    key_or_keys = "the routing key" if key is not None and is_literal(key) else "routing keys like"
    whose = f"which {source} gives them" if (source := _source_of_key(queue, subject)) else "which they keep"
    return f"exchange '{target}' leads to no queue for {key_or_keys} '{format_key(key or ())}', {whose}"


def _source_of_key(queue: Queue, subject: Subject) -> str | None:
    """Return the setting that gives dead letters their routing key; None if they keep their own."""
    if subject.text(queue, _KEY) is None:
        return None
    return _KEY if _KEY in queue.arguments else f"{_KEY.removeprefix('x-')} of a policy"


def _remedy(queue: Queue, target: str, key: Words | None, subject: Subject) -> str:
    if not target:
        return f"declare queue '{example_key(key or ())}', or name an exchange"
    exchange = subject.routing.exchange(target)
    bind = f"bind a queue to '{target}' with this routing key"
    if exchange is None or exchange.routing_type != "direct" or target not in subject.out_of:
        return bind
    source, bound = _source_of_key(queue, subject), _key_with_queue(target, subject)
    first = bind if source else f"make '{target}' a fanout exchange"
    return first if bound is None else f"{first}, or set {source or _KEY} to '{bound}', which has a queue"


def _key_with_queue(target: str, subject: Subject) -> str | None:
    """Return a routing key that brings messages to a queue; None if no binding has a literal one."""
    for binding in subject.out_of[target]:
        words = parse_topic_key(binding.routing_key)
        if is_literal(words) and subject.reach.queues(target, words):
            return binding.routing_key
    return None


def _path(members: Sequence[Queue]) -> str:
    """Return the queues of a cycle, in words: the first few, the number of others, and the first one again."""
    names = [queue.name for queue in members[:_MAX_QUEUES_LISTED]]
    if len(members) > _MAX_QUEUES_LISTED:
        names.append(f"{len(members) - _MAX_QUEUES_LISTED} more")
    return " -> ".join([*names, members[0].name])
