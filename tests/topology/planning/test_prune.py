from dataclasses import replace

import pytest

from attune_infra.topology.builtin import attune
from attune_infra.topology.diff import Delete
from attune_infra.topology.facts.patterns import claims
from attune_infra.topology.model import Binding, Exchange, Policy, Queue, Topology, TopologyObject
from attune_infra.topology.planning.plan import Plan
from attune_infra.topology.planning.prune import prunable

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


@pytest.mark.parametrize(
    ("pattern", "claimed", "not_claimed"),
    [
        ("^alert", ("alert", "alerter_service"), ("red alert",)),
        ("^alert$", ("alert",), ("alerter_service",)),
        (r"^events(\.|$)", ("events", "events.log"), ("events2", "my.events")),
        ("alert", ("alert",), ("alerter_service", "red alert")),
        (r"mine\..*", ("mine.q",), ("mine", "not mine.q")),
        ("", (), ("alert",)),
        ("^", ("alert",), ()),
    ],
)
def test_a_pattern_claims_the_whole_name_or_its_beginning(
    pattern: str, claimed: tuple[str, ...], not_claimed: tuple[str, ...]
) -> None:
    assert [name for name in (*claimed, *not_claimed) if claims(pattern, name)] == list(claimed)


def test_the_stale_binding_of_a_queue_under_a_claimed_prefix_is_pruned() -> None:
    exchange, queue = Exchange(name="log_messages", type="headers"), Queue(name="alerter_service")
    stale = Binding(source="log_messages", destination="alerter_service", arguments={"loglevel": "warn"})
    wanted = Binding(source="log_messages", destination="alerter_service", arguments={"log_level": "error"})
    want = Topology.of([exchange, queue, wanted], manages=("^alert", "^log_"))

    assert prunable(Topology.of([exchange, queue, stale]), want) == (Delete(stale),)


def test_nothing_is_claimed_by_default() -> None:
    have = Topology.of([*attune().objects(), Queue(name="x"), Exchange(name="y")])

    assert Plan.between(have, attune(), prune=True).deletions == ()


def test_what_is_declared_is_never_pruned() -> None:
    want = Topology.of([Queue(name="mine.q")], manages=(".*",))

    assert prunable(Topology.of([Queue(name="mine.q"), Queue(name="mine.r")]), want) == (
        Delete(Queue(name="mine.r")),
    )


@pytest.mark.parametrize(
    ("destination", "kind"), [(Queue(name="mine.q"), "queue"), (Exchange(name="mine.q"), "exchange")]
)
@pytest.mark.parametrize("external", [True, False])
def test_bindings_to_what_others_declare_are_theirs(
    destination: Queue | Exchange, kind: str, *, external: bool
) -> None:
    binding = Binding(source="e", destination="mine.q", destination_type=kind)
    have = Topology.of([Exchange(name="e"), destination, binding])
    want = Topology.of([Exchange(name="e"), replace(destination, external=external)], manages=(r"mine\..*",))

    assert [change.have for change in prunable(have, want)] == ([] if external else [binding])
