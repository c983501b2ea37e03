"""Each way in which registry and broker can disagree, as values."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from attune_infra.fleet.health import examine
from attune_infra.fleet.leftovers import leftovers_of_gone_workers, queues_of_workers
from attune_infra.fleet.model import Depth, Finding, Fleet, Limits, Member, Sighting
from attune_infra.topology.builtin import attune
from attune_infra.topology.model import Binding, Queue, Topology
from attune_infra.topology.verify import Verdict
from attune_infra.topology.worker import bindings_of, queues_of, topology_of_workers, with_workers, worker_family

WORKERS = worker_family(attune())
[QUEUE] = queues_of(WORKERS, 1)
[BINDING] = bindings_of(WORKERS, 1)
WELL = Member(id=1, name="a", status="active", heartbeat_age=5.0)


def seen(
    *objects: Any,
    member: Member | None = WELL,
    depth: Depth | None = Depth(),  # noqa: B008 # it is frozen
    tags: tuple[str, ...] = ("worker-1",),
) -> Fleet:
    """Return the fleet of one worker, by default a healthy one."""
    have = Topology.of([*attune().objects(), *(objects or (QUEUE, BINDING))])
    sighting = Sighting(
        topology=have,
        depths={} if depth is None else {QUEUE.name: depth},
        consumer_tags={QUEUE.name: tags},
        members={1: member} if member else {},
    )
    return examine(sighting, attune(), Limits(), [1])


def findings(found: Fleet) -> tuple[Finding, ...]:
    [worker] = found.workers
    return worker.findings


def test_a_worker_that_is_well_has_no_finding() -> None:
    [worker] = seen(depth=Depth(ready=3, unacknowledged=2)).workers

    assert worker.findings == ()
    assert worker.verdict is Verdict.PASSED
    assert worker.provisioned
    [check] = seen().verification().checks
    assert (check.name, check.verdict, check.worker_id) == ("worker 1 (a)", Verdict.PASSED, 1)


NOTHING = attune().exchanges["attune.events"]
"""Something that is there anyway."""


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        (seen(NOTHING), {Finding.QUEUE_MISSING}),
        (seen(QUEUE), {Finding.BINDING_MISSING}),
        (seen(QUEUE, BINDING, replace(BINDING, routing_key="worker.2")), {Finding.BINDING_EXTRA}),
        (seen(QUEUE, replace(BINDING, routing_key="x")), {Finding.BINDING_MISSING, Finding.BINDING_EXTRA}),
        (seen(replace(QUEUE, durable=True), BINDING), {Finding.QUEUE_DIFFERS}),
        (seen(replace(QUEUE, state="down"), BINDING), {Finding.QUEUE_DOWN}),
        (seen(tags=()), {Finding.CONSUMER_MISSING}),
        (seen(tags=(), depth=Depth(ready=1)), {Finding.CONSUMER_MISSING, Finding.BACKLOG}),
        (seen(tags=("worker-2",)), {Finding.CONSUMER_FOREIGN}),
        (seen(tags=("worker-1", "worker-1")), {Finding.CONSUMERS_MANY}),
        (seen(tags=("x", "worker-1")), {Finding.CONSUMER_FOREIGN, Finding.CONSUMERS_MANY}),
        (seen(depth=Depth(ready=1001)), {Finding.TOO_DEEP}),
        (seen(member=replace(WELL, heartbeat_age=91.0)), {Finding.HEARTBEAT_STALE}),
        (seen(member=replace(WELL, heartbeat_age=None)), {Finding.HEARTBEAT_STALE}),
        (seen(member=replace(WELL, heartbeat_age=-10.0)), set()),
        (seen(member=replace(WELL, heartbeat_age=-11.0)), {Finding.HEARTBEAT_AHEAD}),
        (seen(member=replace(WELL, cordoned=True), depth=Depth(ready=1)), {Finding.CORDONED_WITH_WORK}),
        (seen(member=replace(WELL, cordoned=True)), set()),
        (seen(member=replace(WELL, status="busy")), set()),
        (seen(member=replace(WELL, status="error"), tags=()), {Finding.IN_ERROR}),
        (seen(NOTHING, member=replace(WELL, status="error")), {Finding.IN_ERROR}),
        (seen(member=replace(WELL, status="inactive")), {Finding.ORPHAN}),
        (seen(NOTHING, member=replace(WELL, status="inactive")), set()),
        (seen(member=None), {Finding.ORPHAN}),
        (seen(NOTHING, member=None), {Finding.UNREGISTERED}),
    ],
)
def test_what_is_wrong_is_found_and_nothing_else(found: Fleet, wanted: set[Finding]) -> None:
    assert set(findings(found)) == wanted


def test_what_a_cordoned_worker_still_holds_is_only_a_warning() -> None:
    [worker] = seen(member=replace(WELL, cordoned=True), depth=Depth(unacknowledged=2)).workers

    assert worker.verdict is Verdict.WARNING


def test_only_what_concerns_consumers_may_be_the_statistics_lag() -> None:
    assert seen(tags=()).unsettled
    assert seen(tags=("x",)).unsettled
    assert not seen(NOTHING).unsettled
    assert not seen(member=None).unsettled


def test_an_inequivalent_queue_is_told_attribute_by_attribute() -> None:
    [check] = seen(replace(QUEUE, arguments={"x-expires": 5}), BINDING).verification().checks

    assert [difference.attribute for difference in check.differences] == ["x-expires"]
    assert "406" in check.detail


def test_an_orphan_is_told_with_all_it_holds() -> None:
    [check] = seen(member=None, depth=Depth(ready=2, unacknowledged=1)).verification().checks

    assert check.detail == (
        "is not in the registry, but worker.1.executions exists: 2 messages ready, 1 unacknowledged,"
        " consumed by worker-1"
    )


def test_workers_are_those_of_either_side_in_the_order_of_their_ids() -> None:
    have = with_workers(attune(), [2, 10])
    members = {each: replace(WELL, id=each) for each in (1, 2)}
    sighting = Sighting(topology=have, depths={}, consumer_tags={}, members=members)

    found = examine(sighting, attune(), Limits())

    assert [worker.id for worker in found.workers] == [1, 2, 10]
    assert [worker.id for worker in found.only([2, 3]).workers] == [2]


def test_bindings_of_a_queue_on_a_node_that_is_down_are_not_missing() -> None:
    assert findings(seen(replace(QUEUE, state="down"))) == (Finding.QUEUE_DOWN,)


def test_a_worker_may_own_several_queues() -> None:
    want = replace(
        attune(),
        workers=replace(
            WORKERS,
            queues=(Queue(name="worker.{worker_id}.a"), Queue(name="worker.{worker_id}.b")),
            bindings=(),
        ),
    )
    own = topology_of_workers(want, [1])
    sighting = Sighting(
        topology=replace(own, queues={"worker.1.a": own.queues["worker.1.a"]}),
        depths={"worker.1.a": Depth(1, 1)},
        consumer_tags={"worker.1.a": ("worker-1",)},
        members={1: WELL},
    )

    [worker] = examine(sighting, want, Limits()).workers

    assert (len(worker.queues), worker.wanted_queues, worker.provisioned) == (1, 2, False)
    assert worker.findings == (Finding.QUEUE_MISSING,)


def test_what_the_gone_left_goes_and_what_is_not_a_workers_own() -> None:
    extra = replace(BINDING, routing_key="x")

    [item] = leftovers_of_gone_workers(seen(QUEUE, BINDING, extra), attune()).items
    assert item.object == extra
    [item] = leftovers_of_gone_workers(seen(QUEUE, BINDING, extra, member=None, depth=Depth(2, 1)), attune()).items
    assert (item.object, item.loss.messages, item.loss.consumers, item.loss.bindings) == (QUEUE, 3, 1, 2)
    assert leftovers_of_gone_workers(seen(), attune()).items == ()
    assert leftovers_of_gone_workers(seen(member=replace(WELL, status="error")), attune()).items == ()


def test_messages_that_cannot_be_counted_are_no_reason_to_call_a_queue_unused() -> None:
    [item] = queues_of_workers(seen(depth=None, tags=())).items

    assert (item.loss.messages, item.loss.consumers, item.used) == (None, 0, True)


def test_all_of_a_given_workers_queues_go() -> None:
    [item] = queues_of_workers(seen()).items

    assert item.object == QUEUE
    assert item.used


def test_bindings_of_exchanges_are_nobodys() -> None:
    foreign = Binding(source="attune.events", destination=QUEUE.name, destination_type="exchange")

    assert findings(seen(QUEUE, BINDING, foreign)) == ()


def test_a_finding_has_the_code_of_its_check() -> None:
    assert Finding.IN_ERROR.check_code == "worker-in-error"


def test_a_worker_in_error_says_so() -> None:
    [worker] = seen(member=replace(WELL, status="error"), tags=()).workers

    assert (worker.verdict, [reason.detail for reason in worker.reasons]) == (
        Verdict.WARNING,
        ["its status is error"],
    )
