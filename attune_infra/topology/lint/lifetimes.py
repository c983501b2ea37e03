"""Rules about objects that RabbitMQ deletes by itself, and others that need them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from attune_infra.topology.facts.releases import (
    FIRST_DELETING_AUTO_DELETE_IN_A_RESTART,
    FIRST_KEEPING_TRANSIENT_EXCHANGES,
)
from attune_infra.topology.lint.finding import Flaw
from attune_infra.topology.lint.subject import Subject
from attune_infra.topology.model import Binding, Exchange, Queue, kind_of
from attune_infra.topology.worker import PLACEHOLDER

_DLX, _ALTERNATE = "x-dead-letter-exchange", "alternate-exchange"


def exchange_goes_with_its_queues(subject: Subject) -> Iterator[Flaw]:
    """An auto-delete exchange vanishes with its queues.

    RabbitMQ deletes an auto-delete exchange with its last binding. Each of its bindings is to a queue that
    RabbitMQ deletes when it is not used, or to an exchange that vanishes in the same way. Then publishers are
    refused until the exchange is declared again. RabbitMQ 4.3 also deletes the exchange in a restart that deletes
    its last transient queue.
    """
    for exchange in subject.exchanges:
        if _vanishes(exchange, subject, set()):
            what = "it is deleted with the last of its queues, and nothing makes it again"
            yield Flaw(exchange, what, "set auto_delete: false", "auto_delete")


def _vanishes(exchange: Exchange, subject: Subject, asked: set[str]) -> bool:
    """Return whether each binding of an exchange goes by itself; exchanges in `asked` are not asked again."""
    bindings = subject.out_of.get(exchange.name, ())
    if not exchange.auto_delete or not bindings or exchange.name in asked:
        return False
    asked.add(exchange.name)
    return all(_goes(binding, subject, asked) for binding in bindings)


def _goes(binding: Binding, subject: Subject, asked: set[str]) -> bool:
    if binding.destination_type == "exchange":
        inner = subject.topology.exchanges.get(binding.destination)
        return inner is not None and _vanishes(inner, subject, asked)
    queue = subject.topology.queues.get(binding.destination)
    if queue is None:
        return False
    if not queue.durable and subject.version >= FIRST_DELETING_AUTO_DELETE_IN_A_RESTART:
        return True
    return queue.auto_delete or queue.exclusive or subject.setting(queue, "x-expires") is not None


def queue_goes_with_its_consumers(subject: Subject) -> Iterator[Flaw]:
    """An auto-delete queue vanishes with its last consumer.

    RabbitMQ deletes it with its messages and bindings, even if the consumer only restarts. Messages that are
    published in between are dropped, and a consumer that does not declare the queue itself finds none. The queues
    of workers are not reported: workers and `worker provision` declare them.
    """
    for queue in subject.queues:
        if queue.auto_delete and not queue.exclusive and PLACEHOLDER not in queue.name:
            what = "it is deleted with its messages and bindings when its last consumer goes, even for a moment"
            remedy = "set auto_delete: false, or let each consumer declare and bind it"
            yield Flaw(queue, what, remedy, "auto_delete")


def depends_on_transient_exchange(subject: Subject) -> Iterator[Flaw]:
    """A durable object depends on a transient exchange.

    A restart of the broker deletes a transient exchange with its bindings, but keeps durable queues and exchanges.
    These get no more messages through it, and lose those that it should take as a dead letter exchange or as an
    alternate exchange. RabbitMQ 4.3 keeps transient exchanges.
    """
    if subject.version >= FIRST_KEEPING_TRANSIENT_EXCHANGES:
        return
    for exchange in subject.exchanges:
        if not exchange.durable:
            yield from _depending_on(exchange.name, subject)


def _depending_on(name: str, subject: Subject) -> Iterator[Flaw]:
    remedy = f"make exchange '{name}' durable"
    for binding, kept in _bindings_to_durable(name, subject):
        what = f"a restart deletes it with '{name}', which is transient, but keeps {kind_of(kept)} '{kept.name}'"
        yield Flaw(binding, what, remedy)
    for queue in subject.dead_letter_exchanges.get(name, ()):
        if queue.durable:
            what = f"a restart deletes its dead letter exchange '{name}', which is transient"
            yield Flaw(queue, what, remedy, subject.part(queue, _DLX))
    for exchange in subject.alternates.get(name, ()):
        if exchange.durable:
            what = f"a restart deletes its alternate exchange '{name}', which is transient"
            yield Flaw(exchange, what, remedy, subject.part(exchange, _ALTERNATE))


def _bindings_to_durable(exchange: str, subject: Subject) -> Iterator[tuple[Binding, Exchange | Queue]]:
    """Yield the bindings of an exchange whose other end is durable, each with that end."""
    for binding in subject.out_of.get(exchange, ()):
        ends = subject.topology.queues if binding.destination_type == "queue" else subject.topology.exchanges
        end = ends.get(binding.destination)
        if end is not None and end.durable:
            yield binding, end
    for binding in subject.into.get(("exchange", exchange), ()):
        source = subject.topology.exchanges.get(binding.source)
        if source is not None and source.durable:
            yield binding, source


def policy_deletes_durable_queues(subject: Subject) -> Iterator[Flaw]:
    """A policy deletes durable queues that have no consumer.

    A durable queue survives a restart, but with `expires` RabbitMQ deletes it once it had no consumer for that
    time. Its messages are lost, and publishing to it does not count as use. A queue with an x-expires of its own,
    or an auto-delete queue, is meant to go. On a broker, lint does not count queues with a consumer.
    """
    found: dict[str, list[str]] = defaultdict(list)
    for queue in subject.queues:
        policies = subject.contests.get(("queue", queue.name), ())
        if policies and "expires" in policies[0].definition and _is_meant_to_stay(queue, subject):
            found[policies[0].name].append(queue.name)
    for policy in subject.policies:
        if names := found.get(policy.name):
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            what = f"it deletes durable queue '{names[0]}'{more} with all messages if no consumer comes in time"
            remedy = "take `expires` out of it, or set x-expires on the queues that may go"
            yield Flaw(policy, what, remedy, "expires")


def _is_meant_to_stay(queue: Queue, subject: Subject) -> bool:
    is_lasting = queue.durable and not queue.auto_delete and not queue.exclusive
    return is_lasting and "x-expires" not in queue.arguments and not subject.consumers.get(queue.name)
