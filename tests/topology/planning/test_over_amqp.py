"""The outcomes of a setup over AMQP alone, by the answers to its questions."""

from __future__ import annotations

import pytest

from attune_infra.errors import ExitCode, RequestRefused
from attune_infra.topology.facts.trials import Answer, Trial
from attune_infra.topology.model import Binding, Exchange, Policy, Queue, Topology
from attune_infra.topology.planning.over_amqp import (
    NOT_TOLD,
    asked,
    bound,
    certain,
    check_possible,
    foreseen,
    found,
    is_declared,
    unasked,
)
from attune_infra.topology.planning.report import Outcome, Report, Status

V = (4, 3)
Q = Queue(name="q")
THEIRS = Queue(name="q", external=True)
GROUP = Queue(name="q", type="quorum", arguments={"x-quorum-target-group-size": 3})
MADE = Outcome(Q, Status.CREATED)
FAILED = Outcome(Q, Status.FAILED, "refused")
DIFFERENT = Outcome(Q, Status.FAILED, "inequivalent", inequivalent=True)


@pytest.mark.parametrize(
    ("queue", "definition", "is_asked"),
    [
        (Q, {}, True),
        (Q, {"expires": 5}, False),
        (Queue(name="q", arguments={"x-expires": 5}), {}, False),
        (Queue(name="q", type="quorum", arguments={"x-expires": 5}), {}, True),
    ],
)
def test_a_queue_that_a_question_would_keep_alive_is_not_asked_for(
    queue: Queue, definition: dict[str, int], *, is_asked: bool
) -> None:
    policy = Policy(name="p", pattern="^q$", definition=definition or {"max-length": 1})
    want = Topology.of([queue, policy, Exchange(name="e")])

    known = unasked(want, want)

    assert (queue in asked(want, known)) is is_asked
    assert Exchange(name="e") in asked(want, known)
    assert {trial.answer for trial in known.values()} == (set() if is_asked else {Answer.UNKNOWN})


@pytest.mark.parametrize(
    ("answer", "made", "status"),
    [
        (Answer.MISSING, MADE, Status.CREATED),
        (Answer.MISSING, FAILED, Status.FAILED),
        (Answer.MISSING, DIFFERENT, Status.FAILED),
        (Answer.EXISTS, MADE, Status.UNCHANGED),
        (Answer.EXISTS, DIFFERENT, Status.DIFFERS),
        (Answer.EXISTS, FAILED, Status.UNCHECKED),
        (Answer.UNKNOWN, MADE, Status.ACCEPTED),
        (Answer.UNKNOWN, DIFFERENT, Status.DIFFERS),
        (Answer.UNKNOWN, FAILED, Status.FAILED),
        (Answer.UNAVAILABLE, None, Status.DOWN),
    ],
)
def test_the_outcome_follows_from_both_answers(answer: Answer, made: Outcome | None, status: Status) -> None:
    assert found(Q, Trial(answer, "why"), made, V).status is status
    assert is_declared(Q, Trial(answer)) is (made is not None)


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (Answer.MISSING, Status.AWAITED),
        (Answer.EXISTS, Status.UNCHANGED),
        (Answer.UNKNOWN, Status.UNCHECKED),
        (Answer.UNAVAILABLE, Status.DOWN),
    ],
)
def test_an_external_object_is_only_asked_for(answer: Answer, status: Status) -> None:
    assert not is_declared(THEIRS, Trial(answer))
    assert found(THEIRS, Trial(answer), None, V).status is status
    assert foreseen(THEIRS, Trial(answer), V).status is status


@pytest.mark.parametrize(
    ("answer", "item", "status"),
    [
        (Answer.MISSING, Q, Status.CREATED),
        (Answer.MATCHES, Q, Status.UNCHANGED),
        (Answer.MATCHES, GROUP, Status.UNCHECKED),
        (Answer.DIFFERS, Q, Status.DIFFERS),
        (Answer.EXISTS, Q, Status.UNCHECKED),
        (Answer.EXISTS, Queue(name="q", auto_delete=True), Status.UNCHANGED),
        (Answer.UNKNOWN, Q, Status.ACCEPTED),
    ],
)
def test_a_dry_run_foresees_the_outcome(answer: Answer, item: Queue, status: Status) -> None:
    assert foreseen(item, Trial(answer, "why"), V).status is status


def test_what_rabbitmq_does_not_compare_is_not_called_equal() -> None:
    outcome = found(GROUP, Trial(Answer.EXISTS), Outcome(GROUP, Status.CREATED), V)

    assert outcome.status is Status.UNCHECKED
    assert outcome.reason == "it exists, and RabbitMQ does not compare x-quorum-target-group-size"


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (Outcome(THEIRS, Status.AWAITED), "it waits for queue q, which is missing"),
        (FAILED, "queue q could not be created"),
    ],
)
def test_a_binding_is_not_tried_without_its_ends(end: Outcome, reason: str) -> None:
    binding = Binding(source="e", destination="q")

    assert certain(binding, {("queue", "q"): end}) == Outcome(binding, Status.SKIPPED, reason)
    assert certain(binding, {("queue", "q"): MADE}) is None
    assert bound(Outcome(binding, Status.CREATED)) == Outcome(binding, Status.ACCEPTED, NOT_TOLD)


def test_only_a_new_object_of_a_known_type_is_judged_before() -> None:
    wrong = {"x-max-priority": 5}
    stream, untyped = (
        Queue(name="s", type="stream", arguments=wrong),
        Queue(name="u", arguments={"x-max-age": "1D"}),
    )
    want = Topology.of([stream, untyped])

    check_possible({stream: Trial(Answer.EXISTS), untyped: Trial(Answer.MISSING)}, want, V)
    with pytest.raises(RequestRefused):
        check_possible({stream: Trial(Answer.MISSING)}, want, V)


@pytest.mark.parametrize(
    ("statuses", "code"),
    [
        ([Status.UNCHANGED, Status.ACCEPTED], ExitCode.DONE),
        ([Status.CREATED, Status.ACCEPTED], ExitCode.DONE),
        ([Status.UNCHANGED, Status.UNCHECKED], ExitCode.FAILED),
        ([Status.CREATED, Status.UNCHECKED], ExitCode.PARTLY_DONE),
        ([Status.DIFFERS, Status.ACCEPTED], ExitCode.REFUSED),
        ([Status.DIFFERS, Status.UNCHECKED], ExitCode.REFUSED),
        ([Status.DIFFERS, Status.UNCHECKED, Status.FAILED], ExitCode.FAILED),
    ],
)
def test_nothing_unchecked_is_done(statuses: list[Status], code: ExitCode) -> None:
    assert Report(tuple(Outcome(Q, status) for status in statuses)).exit_code is code
