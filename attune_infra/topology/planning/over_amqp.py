"""The outcome of each wanted object when a broker is asked and set up over AMQP alone, which can list nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Final

from attune_infra.dataclass import dataclass
from attune_infra.errors import ExitCode
from attune_infra.topology.diff import Await
from attune_infra.topology.facts.protocols import needs_http
from attune_infra.topology.facts.refusals import Restrictions, foresee_refusals
from attune_infra.topology.facts.releases import Version
from attune_infra.topology.facts.trials import Answer, Trial, unread_arguments, why_not_compared
from attune_infra.topology.model import Binding, End, Exchange, Queue, Topology, TopologyObject
from attune_infra.topology.planning.plan import Plan
from attune_infra.topology.planning.report import Outcome, Report, Status
from attune_infra.topology.policy import counting_restarts_expiry

NOT_TOLD: Final = "over AMQP, RabbitMQ does not tell if it existed before"
_EXPIRES: Final = "over AMQP, a question restarts its expiry"
_OVER_HTTP: Final = "it is read and set over the management API only"
_INTEGERS: Final = "the integers in its arguments are declared over the management API only"
_COMPARED_LATER: Final = "it exists, and is compared by a declaration when it is set up"
_EXTERNAL: Final = "it exists; it is external, and over AMQP it cannot be compared"


@dataclass(frozen=True, slots=True)
class Forecast:
    """The outcomes of a setup over AMQP alone, if RabbitMQ accepts all that is declared."""

    report: Report

    @property
    def exit_code(self) -> ExitCode:
        return self.report.exit_code


def unasked(want: Topology, policies: Topology) -> dict[Exchange | Queue, Trial]:
    """Return the objects of `want` for which even a passive declaration is not harmless, by these policies."""
    expiring = [queue for queue in want.queues.values() if counting_restarts_expiry(queue, policies)]
    return {queue: Trial(Answer.UNKNOWN, _EXPIRES) for queue in expiring}


def asked(want: Topology, unasked: Collection[Exchange | Queue]) -> list[Exchange | Queue]:
    """Return the objects to ask for."""
    return [item for item in want.objects() if isinstance(item, Exchange | Queue) and item not in unasked]


def is_declared(item: Exchange | Queue, trial: Trial) -> bool:
    """Return True if a setup declares an object, which makes it, compares it, or tells that it may not."""
    settled = {Answer.MATCHES, Answer.DIFFERS, Answer.UNAVAILABLE}
    return not item.external and trial.answer not in settled


def check_possible(trials: Mapping[Exchange | Queue, Trial], want: Topology, version: Version) -> None:
    """Raise `RequestRefused` as `Plan.check_possible` does, if the broker is certain to refuse a new object.

    A queue without a type is not judged: over AMQP, nothing tells which type the virtual host gives it.
    """
    new = [item for item, trial in trials.items() if trial.answer is Answer.MISSING and not item.external]
    judged = [item for item in new if not isinstance(item, Queue) or item.type or not item.durable]
    refusals = foresee_refusals(judged, replace(Topology(), version=version), want, Restrictions())
    Plan((), (), refusals=refusals).check_possible()


def found(item: Exchange | Queue, trial: Trial, made: Outcome | None, version: Version) -> Outcome:
    """Return the outcome of an object by the answer to the question, and to its declaration, if there was one."""
    if made is None:
        return _settled(item, trial, version)
    existed = trial.answer is Answer.EXISTS
    if made.status is Status.CREATED:
        if existed:
            return _compared(item, version)
        return made if trial.answer is Answer.MISSING else Outcome(item, Status.ACCEPTED, trial.reason)
    if made.inequivalent and trial.answer is not Answer.MISSING:
        return replace(made, status=Status.DIFFERS)
    if existed:
        return replace(made, status=Status.UNCHECKED, reason=f"it exists, and was not compared: {made.reason}")
    return made


def foreseen(item: Exchange | Queue, trial: Trial, version: Version) -> Outcome:
    """Return the outcome that a setup would have, by answers to questions that change nothing."""
    if not is_declared(item, trial):
        return _settled(item, trial, version)
    match trial.answer:
        case Answer.MISSING:
            return Outcome(item, Status.CREATED)
        case Answer.EXISTS if why_not_compared(item):
            expected = _compared(item, version)
            return expected if expected.reason else replace(expected, reason=_COMPARED_LATER)
        case Answer.EXISTS:
            return Outcome(item, Status.UNCHECKED, f"it exists, and was not compared: {trial.reason}")
        case _:
            return Outcome(item, Status.ACCEPTED, trial.reason)


def certain(item: TopologyObject, ends: Mapping[End, Outcome]) -> Outcome | None:
    """Return the outcome of an object that is not tried, None for a binding that is to be declared.

    AMQP alone can neither read nor set policies, limits and permissions. A binding waits for both its `ends`.
    """
    if not isinstance(item, Binding):
        return Outcome(item, Status.UNCHECKED, _OVER_HTTP)
    if needs_http(item):
        return Outcome(item, Status.UNCHECKED, _INTEGERS)
    for kind, name in (("exchange", item.source), (item.destination_type, item.destination)):
        end = ends.get((kind, name))
        if end is not None and end.status is Status.AWAITED:
            return Outcome(item, Status.SKIPPED, f"it waits for {kind} {name}, which is missing")
        if end is not None and end.status is Status.FAILED:
            return Outcome(item, Status.SKIPPED, f"{kind} {name} could not be created")
    return None


def bound(outcome: Outcome) -> Outcome:
    """Return the outcome of a binding that RabbitMQ has made, or had before."""
    if outcome.status is not Status.CREATED:
        return outcome
    return Outcome(outcome.object, Status.ACCEPTED, NOT_TOLD)


def _settled(item: Exchange | Queue, trial: Trial, version: Version) -> Outcome:
    match trial.answer:
        case Answer.MATCHES:
            return _compared(item, version)
        case Answer.DIFFERS:
            return Outcome(item, Status.DIFFERS, trial.reason)
        case Answer.MISSING:  # an external object
            return Outcome(item, Status.AWAITED, Await(item).reason)
        case Answer.UNAVAILABLE:
            return Outcome(item, Status.DOWN, f"unavailable: {trial.reason}")
        case Answer.EXISTS if not item.type:
            return Outcome(item, Status.UNCHANGED)
        case Answer.EXISTS:
            return Outcome(item, Status.UNCHECKED, _EXTERNAL)
        case _:
            return Outcome(item, Status.UNCHECKED, f"it was not looked at: {trial.reason}")


def _compared(item: Exchange | Queue, version: Version) -> Outcome:
    """Return the outcome of an existing object whose declaration RabbitMQ accepts."""
    if unread := unread_arguments(item, version):
        names = " and ".join(unread)
        return Outcome(item, Status.UNCHECKED, f"it exists, and RabbitMQ does not compare {names}")
    return Outcome(item, Status.UNCHANGED)
