"""A virtual host that is measured against a document, as values."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from attune_infra.fleet.inspection import SeenBroker, inspect
from attune_infra.fleet.metrics import Drift, LastVerify, Measurement, Owner, QueueCounts, QueueStatistics
from attune_infra.fleet.model import Depth, Sighting
from attune_infra.topology.builtin import attune
from attune_infra.topology.model import Binding, Exchange, Queue, Topology
from attune_infra.topology.verify import Verdict
from attune_infra.topology.worker import queues_of, worker_family

WANT = Topology.of(
    [
        Exchange(name="here", type="fanout"),
        Exchange(name="missing"),
        Exchange(name="theirs", external=True),
        Queue(name="jobs", arguments={"x-max-length": 1}),
        Queue(name="dying", arguments={"x-dead-letter-exchange": "here"}),
        Queue(name="dead"),
        Binding(source="here", destination="dead"),
    ]
)
HAVE = Topology.of(
    [
        Exchange(name="here", type="fanout"),
        Queue(name="jobs", arguments={"x-max-length": 2}),
        Queue(name="dying", arguments={"x-dead-letter-exchange": "here"}, state="down"),
        Queue(name="dead"),
        Queue(name="other"),
        Binding(source="here", destination="dead"),
    ]
)
SEEN = SeenBroker(
    version="4.0.5",
    sighting=Sighting(
        topology=HAVE,
        depths={"jobs": Depth(ready=3, unacknowledged=2), "dead": Depth()},
        consumer_tags={"jobs": ("a", "b")},
        members={},
    ),
    statistics={"jobs": QueueStatistics(oldest=90.0, redelivered=4), "dead": QueueStatistics(oldest=1.0)},
    now=100.0,
)


def test_drift_is_counted_by_kind_and_change() -> None:
    assert inspect(SEEN, WANT).drift == {
        ("exchange", Drift.MISSING): 2,
        ("queue", Drift.DIFFERS): 1,
        ("queue", Drift.UNDECLARED): 1,
    }


def test_queues_are_counted_by_owner() -> None:
    [of_worker] = queues_of(worker_family(attune()), 7)
    have = replace(HAVE, queues={**HAVE.queues, of_worker.name: of_worker})
    seen = replace(SEEN, sighting=replace(SEEN.sighting, topology=have))

    assert inspect(seen, WANT).counts[Owner.UNDECLARED] == QueueCounts(total=2, unconsumed=2)
    assert inspect(seen, replace(WANT, workers=attune().workers)).counts == {
        Owner.DOCUMENT: QueueCounts(total=3, down=1, unconsumed=2),
        Owner.WORKER: QueueCounts(total=1, unconsumed=1),
        Owner.UNDECLARED: QueueCounts(total=1, unconsumed=1),
    }


def test_queues_of_the_document_are_measured() -> None:
    dead, dying, jobs = inspect(SEEN, WANT).queues

    assert [each.name for each in (dead, dying, jobs)] == ["dead", "dying", "jobs"]
    assert [each.takes_dead_letters for each in (dead, dying, jobs)] == [True, False, False]
    assert (jobs.consumers, jobs.oldest_age, jobs.redelivered) == (2, 10.0, 4)
    assert (jobs.ready, jobs.unacknowledged, jobs.messages) == (3, 2, 5)
    assert (dead.oldest_age, dead.messages) == (None, 0), "an empty queue has no first message"
    assert (dying.depth, dying.ready, dying.messages, dying.oldest_age) == (None, None, None, None)


@pytest.mark.parametrize(("now", "age"), [(90.5, 0.5), (10.0, 0.0)])
def test_a_message_of_the_future_has_no_negative_age(now: float, age: float) -> None:
    [*_, jobs] = inspect(replace(SEEN, now=now), WANT).queues

    assert jobs.oldest_age == age


def test_its_checks_are_counted_without_the_one_of_the_connection() -> None:
    whole = replace(SEEN, sighting=replace(SEEN.sighting, topology=WANT))

    checks = inspect(whole, WANT).checks

    assert checks[Verdict.FAILED] == 0
    assert checks[Verdict.PASSED] == len(WANT.objects()) + len(["dead letters of queue dying"])


@pytest.mark.parametrize(
    ("is_inspected", "has_registry", "answers", "up"),
    [
        (True, True, True, True),
        (True, False, False, True),
        (True, True, False, False),
        (False, True, True, False),
        (False, False, False, False),
    ],
)
def test_it_is_up_if_all_that_there_is_answers(
    is_inspected: bool, has_registry: bool, answers: bool, up: bool
) -> None:
    inspection = inspect(SEEN, WANT) if is_inspected else None
    found = Measurement(None, 1.0, inspection=inspection, has_registry=has_registry, registry_answers=answers)

    assert found.up is up


@pytest.mark.parametrize(
    ("verdict", "success"),
    [(Verdict.PASSED, True), (Verdict.WARNING, True), (Verdict.FAILED, False), (Verdict.UNKNOWN, False)],
)
def test_a_verify_succeeds_only_if_every_check_could_be_made(verdict: Verdict, *, success: bool) -> None:
    assert LastVerify(0.0, Counter({Verdict.PASSED: 1, verdict: 1})).success is success
