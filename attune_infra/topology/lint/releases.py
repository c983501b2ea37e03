"""Rules about what a release of RabbitMQ does with an object that another release takes as it stands."""

from __future__ import annotations

from collections.abc import Iterator

from attune_infra.topology.facts.compatibility import Effect
from attune_infra.topology.lint.finding import Flaw
from attune_infra.topology.lint.subject import Subject


def refused(subject: Subject) -> Iterator[Flaw]:
    """This release of RabbitMQ refuses something.

    Declaring it fails, though another release takes it. --broker-version says which release is meant; a broker
    that is linted knows its own.
    """
    yield from _flaws(subject, Effect.REFUSED)


def ignored(subject: Subject) -> Iterator[Flaw]:
    """This release of RabbitMQ ignores something.

    It is taken and stored, and has no effect: because the release does not know it yet, or does not need it any
    more.
    """
    yield from _flaws(subject, Effect.IGNORED)


def deprecated(subject: Subject) -> Iterator[Flaw]:
    """This release of RabbitMQ deprecates something.

    It works, but the configuration of a broker may deny it, and a later release will, or refuse it.
    """
    yield from _flaws(subject, Effect.DEPRECATED)


def _flaws(subject: Subject, effect: Effect) -> Iterator[Flaw]:
    for item, found in subject.judgements:
        if found.effect is effect:
            yield Flaw(item, found.what, found.remedy, found.about)
