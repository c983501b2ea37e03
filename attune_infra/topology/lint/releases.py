"""Rules about objects that one release of RabbitMQ takes differently from another."""

from __future__ import annotations

from collections.abc import Iterator

from attune_infra.topology.facts.fact import Effect
from attune_infra.topology.lint.finding import Flaw
from attune_infra.topology.lint.subject import Subject


def refused(subject: Subject) -> Iterator[Flaw]:
    """This release of RabbitMQ refuses the declaration.

    Another release accepts it. --broker-version names the release; for a broker, lint takes the broker's own.
    """
    yield from _flaws(subject, Effect.REFUSED)


def ignored(subject: Subject) -> Iterator[Flaw]:
    """This release of RabbitMQ ignores a setting.

    RabbitMQ accepts and stores it, but it has no effect: the release does not know it yet, or no longer needs it.
    """
    yield from _flaws(subject, Effect.IGNORED)


def misread(subject: Subject) -> Iterator[Flaw]:
    """This release of RabbitMQ takes a value for something else.

    RabbitMQ accepts the value, but it does the opposite of what it does on other releases. Before RabbitMQ 4.0, a
    quorum queue with x-delivery-limit: -1 has no unlimited deliveries: it drops or dead-letters each message after
    its first failed delivery.
    """
    yield from _flaws(subject, Effect.MISREAD)


def deprecated(subject: Subject) -> Iterator[Flaw]:
    """This release of RabbitMQ deprecates a feature.

    It works, but the configuration of a broker may deny it, and a later release will deny or refuse it.
    """
    yield from _flaws(subject, Effect.DEPRECATED)


def _flaws(subject: Subject, effect: Effect) -> Iterator[Flaw]:
    for item, found in subject.judgements:
        if found.effect is effect:
            yield Flaw(item, found.what, found.remedy, found.about)
