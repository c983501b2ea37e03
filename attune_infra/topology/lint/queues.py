"""Rules about queues: they may get no messages, keep too many, or live too long."""

from __future__ import annotations

from collections.abc import Iterator

from attune_infra.topology.facts.unavailable import unlisted
from attune_infra.topology.lint.finding import Flaw
from attune_infra.topology.lint.subject import Subject

_TTL, _OVERFLOW = "x-message-ttl", "x-overflow"


def unbound(subject: Subject) -> Iterator[Flaw]:
    """A queue has no bindings.

    It gets messages only through the default exchange, from publishers that know its name. That may be intended.
    """
    targets = _targets_of_dead_letters(subject).union(unlisted(subject.topology))
    for queue in subject.queues:
        if ("queue", queue.name) not in subject.into and queue.name not in targets:
            what = "it has no bindings: only the default exchange leads to it, by its name"
            yield Flaw(queue, what, "bind it to an exchange, unless this is intended")


def never_expires(subject: Subject) -> Iterator[Flaw]:
    """An auto-delete queue has no expiry.

    RabbitMQ deletes an auto-delete queue when its last consumer goes. A queue that never had a consumer stays for
    ever and fills up: its consumer may have died after it declared the queue and before it consumed.
    """
    for queue in subject.queues:
        if queue.auto_delete and not queue.exclusive and subject.setting(queue, "x-expires") is None:
            what = "if it never has a consumer, it is never deleted: auto-delete waits for the last consumer to go"
            remedy = (
                "let it expire: by a policy with `expires`, which does not recreate the queue, or by x-expires"
            )
            yield Flaw(queue, what, remedy, "auto_delete")


def time_to_live_is_zero(subject: Subject) -> Iterator[Flaw]:
    """Messages have a time to live of zero.

    A message expires at once unless a consumer is ready for it at that moment. Perhaps no TTL was intended.
    """
    for queue in subject.queues:
        if subject.setting(queue, _TTL) == 0:
            what = "a message expires at once unless a consumer is waiting for it: its TTL is 0"
            yield Flaw(queue, what, "remove the TTL, or set milliseconds", subject.part(queue, _TTL))


def unbounded(subject: Subject) -> Iterator[Flaw]:
    """A durable queue may grow without bound.

    Neither a length, nor a TTL, nor an expiry is set, by argument or policy. When its consumers stop, the queue
    grows until the memory or disk alarm of the broker blocks every publisher. On a broker, lint does not report
    queues with a consumer.
    """
    reported = _sources_of_everything(subject)
    for queue in subject.unbounded:
        if not subject.consumers.get(queue.name) and queue.name not in reported:
            what = "it grows without bound if it has no consumer: no length, TTL or expiry is set"
            yield Flaw(queue, what, "set max-length or message-ttl by a policy, which does not recreate the queue")


def gets_everything_without_bound(subject: Subject) -> Iterator[Flaw]:
    """A queue without bound gets a copy of every message.

    It is bound with `#` to a topic exchange that sends other queues only some of its messages. Such a queue is
    often left over from a test or from debugging. Without a consumer it keeps every message for ever.
    """
    sources = _sources_of_everything(subject)
    for queue in subject.unbounded:
        source = sources.get(queue.name)
        if source is not None and not subject.consumers.get(queue.name):
            what = f"it gets every message from '{source}', other queues only some, and nothing limits it"
            remedy = "limit it by a policy with max-length or message-ttl, or remove it if it has no consumer"
            yield Flaw(queue, what, remedy)


def unbounded_without_consumer(subject: Subject) -> Iterator[Flaw]:
    """A queue without bound has no consumer.

    lint finds this only on a broker: the queue has no consumer now, and no length, TTL or expiry is set.
    """
    for queue in subject.unbounded:
        if subject.consumers.get(queue.name) == 0:
            what = "it has no consumer, and nothing limits it"
            yield Flaw(queue, what, "start its consumers, limit it by a policy, or remove it")


def overflow_without_effect(subject: Subject) -> Iterator[Flaw]:
    """A quorum queue has the overflow reject-publish-dlx.

    This works only on classic queues. A quorum queue accepts it and acts as with drop-head: it does not tell
    publishers, and dead-letters or drops the oldest messages.
    """
    for queue in subject.queues:
        if (
            subject.topology.type_of(queue) == "quorum"
            and subject.setting(queue, _OVERFLOW) == "reject-publish-dlx"
        ):
            what = "a quorum queue treats reject-publish-dlx as drop-head: the oldest messages go unnoticed"
            yield Flaw(
                queue, what, "set reject-publish, or drop-head if that is intended", subject.part(queue, _OVERFLOW)
            )


def _sources_of_everything(subject: Subject) -> dict[str, str]:
    """Return the queues that get all messages of an exchange while others get some, each with the exchange."""
    found = {}
    for source, bindings in subject.out_of.items():
        exchange = subject.routing.exchange(source)
        if exchange is not None and exchange.routing_type == "topic":
            everything = [binding.destination for binding in bindings if binding.routing_key == "#"]
            if any(binding.routing_key != "#" for binding in bindings):
                found.update(dict.fromkeys(everything, source))
    return found


def _targets_of_dead_letters(subject: Subject) -> set[str]:
    """Return the queues that get dead letters through the default exchange."""
    keys = (
        subject.text(queue, "x-dead-letter-routing-key") for queue in subject.dead_letter_exchanges.get("", ())
    )
    return {key for key in keys if key is not None}
