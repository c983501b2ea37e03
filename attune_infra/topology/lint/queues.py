"""Rules about queues: whether they get anything, keep too much of it, or live too long."""

from __future__ import annotations

from collections.abc import Iterator

from attune_infra.topology.lint.finding import Flaw
from attune_infra.topology.lint.subject import Subject

_TTL, _OVERFLOW = "x-message-ttl", "x-overflow"


def unbound(subject: Subject) -> Iterator[Flaw]:
    """A queue has no bindings.

    It gets messages only through the default exchange, from publishers that know its name. That may be meant.
    """
    named = _named_by_dead_letters(subject)
    for queue in subject.queues:
        if ("queue", queue.name) not in subject.into and queue.name not in named:
            what = "it has no bindings: only the default exchange leads to it, by its name"
            yield Flaw(queue, what, "bind it to an exchange, if that is not meant")


def never_expires(subject: Subject) -> Iterator[Flaw]:
    """An auto-delete queue has no expiry.

    RabbitMQ deletes an auto-delete queue when its last consumer goes. One that never had a consumer stays for
    ever, and fills up: its consumer may have died between declaring and consuming.
    """
    for queue in subject.queues:
        if queue.auto_delete and not queue.exclusive and subject.setting(queue, "x-expires") is None:
            what = "if nobody ever consumes from it, it is never deleted: auto-delete waits for a last consumer"
            remedy = "let it expire: by a policy with `expires`, which needs no new queue, or by x-expires"
            yield Flaw(queue, what, remedy, "auto_delete")


def time_to_live_is_zero(subject: Subject) -> Iterator[Flaw]:
    """Messages have a time to live of zero.

    A message expires at once unless a consumer is ready for it that very moment. What was meant may be no TTL.
    """
    for queue in subject.queues:
        if subject.setting(queue, _TTL) == 0:
            what = "a message expires at once unless a consumer is waiting for it: its TTL is 0"
            yield Flaw(queue, what, "leave the TTL out for none, or give milliseconds", subject.part(queue, _TTL))


def unbounded(subject: Subject) -> Iterator[Flaw]:
    """A durable queue may grow without bound.

    Neither a length, nor a TTL, nor an expiry is set, by argument or policy. When its consumers stop, it grows
    until the broker's memory or disk alarm stops every publisher. Of a broker this is not said of queues that are
    consumed from.
    """
    said_already = _sources_of_everything(subject)
    for queue in subject.unbounded:
        if not subject.consumers.get(queue.name) and queue.name not in said_already:
            what = "it grows without bound when nobody consumes: no length, TTL or expiry is set"
            yield Flaw(queue, what, "set max-length or message-ttl by a policy, which needs no new queue")


def gets_everything_without_bound(subject: Subject) -> Iterator[Flaw]:
    """A queue keeps a copy of everything, without bound.

    It is bound with `#` to a topic exchange from which other queues get what they care about. Such a queue is
    often left over from a trial, or was meant for looking; if nobody consumes from it, it holds every message that
    there ever was.
    """
    sources = _sources_of_everything(subject)
    for queue in subject.unbounded:
        source = sources.get(queue.name)
        if source is not None and not subject.consumers.get(queue.name):
            what = f"it gets everything from '{source}', beside others, and nothing bounds it"
            remedy = "bound it by a policy with max-length or message-ttl, or remove it if nobody consumes"
            yield Flaw(queue, what, remedy)


def nobody_consumes(subject: Subject) -> Iterator[Flaw]:
    """Nobody consumes from a queue that nothing bounds.

    Only a broker tells: there is no consumer now, and neither a length, nor a TTL, nor an expiry is set.
    """
    for queue in subject.unbounded:
        if subject.consumers.get(queue.name) == 0:
            what = "nobody consumes from it, and nothing bounds it"
            yield Flaw(queue, what, "start its consumers, bound it by a policy, or remove it")


def overflow_without_effect(subject: Subject) -> Iterator[Flaw]:
    """A quorum queue is to dead-letter what it rejects.

    x-overflow: reject-publish-dlx works on classic queues. A quorum queue takes it and behaves as with drop-head:
    publishers are told nothing, and the oldest messages are dead-lettered or dropped.
    """
    for queue in subject.queues:
        if (
            subject.topology.type_of(queue) == "quorum"
            and subject.setting(queue, _OVERFLOW) == "reject-publish-dlx"
        ):
            what = "a quorum queue takes reject-publish-dlx for drop-head: the oldest messages go, unnoticed"
            yield Flaw(
                queue, what, "set reject-publish, or drop-head if that is meant", subject.part(queue, _OVERFLOW)
            )


def _sources_of_everything(subject: Subject) -> dict[str, str]:
    """Return the queues that get all that others get in part, each with the exchange."""
    found = {}
    for source, bindings in subject.out_of.items():
        exchange = subject.routing.exchange(source)
        if exchange is not None and exchange.type == "topic":
            everything = [binding.destination for binding in bindings if binding.routing_key == "#"]
            if any(binding.routing_key != "#" for binding in bindings):
                found.update(dict.fromkeys(everything, source))
    return found


def _named_by_dead_letters(subject: Subject) -> set[str]:
    """Return the queues to which dead letters go through the default exchange."""
    keys = (
        subject.text(queue, "x-dead-letter-routing-key") for queue in subject.dead_letter_exchanges.get("", ())
    )
    return {key for key in keys if key is not None}
