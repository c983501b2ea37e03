from dataclasses import replace

import pytest

from attune_infra.errors import InvalidInput
from attune_infra.topology.builtin import attune
from attune_infra.topology.model import Binding, Exchange, Queue, Topology
from attune_infra.topology.planning.prune import prunable
from attune_infra.topology.worker import (
    consumer_tag_of,
    named_dead_letter_exchange,
    owner_of,
    topology_of_workers,
    with_queue_ttl,
    worker_family,
)


def test_a_worker_owns_one_transient_queue_bound_with_its_key() -> None:
    assert topology_of_workers(attune(), [7]).objects() == (
        Exchange(name="attune.executions", type="direct"),
        Queue(name="worker.7.executions", durable=False, auto_delete=True),
        Binding(source="attune.executions", destination="worker.7.executions", routing_key="worker.7"),
    )
    assert consumer_tag_of(worker_family(attune()), 7) == "worker-7"


@pytest.mark.parametrize(
    ("queue", "worker_id"),
    [
        ("worker.1.executions", 1),
        ("worker.9223372036854775807.executions", 2**63 - 1),
        ("worker.9223372036854775808.executions", None),
        ("worker.0.executions", None),
        ("worker.01.executions", None),
        ("worker.x.executions", None),
        ("worker.1.executions.old", None),
        ("workerX1Xexecutions", None),
    ],
)
def test_a_queue_is_told_by_its_name(queue: str, worker_id: int | None) -> None:
    assert owner_of(worker_family(attune()), queue) == worker_id


def test_worker_queues_expire_when_told_by_policy_alone() -> None:
    shorter = with_queue_ttl(attune(), 1_800_000)

    assert shorter.policies["attune-worker-expiry"].definition == {"expires": 1_800_000}
    assert (shorter.queues, shorter.bindings, shorter.workers) == (
        attune().queues,
        attune().bindings,
        attune().workers,
    )


def test_worker_queues_that_do_not_expire_leave_the_policy_to_be_pruned() -> None:
    never = with_queue_ttl(attune(), 0)

    assert never.policies == {}
    assert [change.have.name for change in prunable(attune(), never)] == ["attune-worker-expiry"]  # type: ignore[union-attr]


def test_where_no_policy_makes_queues_expire_there_is_nothing_to_change() -> None:
    with pytest.raises(InvalidInput, match="no policy of topology 'attune' makes the queues of its workers"):
        with_queue_ttl(replace(attune(), policies={}), 1)


def test_a_topology_without_workers_says_so() -> None:
    with pytest.raises(InvalidInput, match="topology 'shop' has no workers section"):
        worker_family(Topology(name="shop"))


def test_rejected_messages_go_where_those_of_the_other_queues_go() -> None:
    assert named_dead_letter_exchange(attune()) == "attune.dlx"


def test_several_or_none_are_no_answer() -> None:
    other = Queue(name="q", arguments={"x-dead-letter-exchange": "other"})

    with pytest.raises(InvalidInput, match=r"the queues of topology 'attune' name attune\.dlx, other"):
        named_dead_letter_exchange(replace(attune(), queues={**attune().queues, "q": other}))
    with pytest.raises(InvalidInput, match="the queues of topology 'attune' name none"):
        named_dead_letter_exchange(replace(attune(), queues={}))
