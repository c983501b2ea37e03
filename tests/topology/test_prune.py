import pytest

from attune_infra.topology.builtin import attune
from attune_infra.topology.diff import Delete
from attune_infra.topology.model import Binding, Exchange, Policy, Queue, Topology, TopologyObject
from attune_infra.topology.plan import Plan
from attune_infra.topology.prune import prunable

MINE = Topology(manages=(r"mine\..*",))


def test_unbinding_comes_first_and_exchanges_last() -> None:
    have = Topology.of(
        [
            Exchange(name="mine.e"),
            Queue(name="mine.q"),
            Policy(name="mine.p", pattern=""),
            Binding(source="foreign", destination="mine.q"),
        ]
    )

    kinds = [type(change.have) for change in prunable(have, MINE)]

    assert kinds == [Binding, Policy, Queue, Exchange]


@pytest.mark.parametrize(
    "item",
    [
        Queue(name="other"),
        Queue(name="not mine.q"),
        Queue(name="mine"),
        Exchange(name="amq.mine"),
        Binding(source="mine.e", destination="other"),
        Queue(name="worker.7.executions"),
        Binding(source="mine.e", destination="worker.7.executions"),
    ],
)
def test_what_is_not_claimed_stays(item: TopologyObject) -> None:
    want = Topology(manages=(r"mine\..*", r"worker\..*", r"amq\..*"), workers=attune().workers)

    assert prunable(Topology.of([item]), want) == ()


def test_nothing_is_claimed_by_default() -> None:
    have = Topology.of([*attune().objects(), Queue(name="x"), Exchange(name="y")])

    assert Plan.between(have, attune(), prune=True).deletions == ()


def test_what_is_declared_is_never_pruned() -> None:
    want = Topology.of([Queue(name="mine.q")], manages=(".*",))

    assert prunable(Topology.of([Queue(name="mine.q"), Queue(name="mine.r")]), want) == (
        Delete(Queue(name="mine.r")),
    )
