"""The permissions that the steps of a migration need, and the protocol of each."""

from __future__ import annotations

from attune_infra.topology.facts.permissions import Access, Right
from attune_infra.topology.model import Binding, Exchange, Queue, Topology
from attune_infra.topology.permissions.needs import Need, Over
from attune_infra.topology.planning.migration import Migration, Stage, Step
from attune_infra.topology.planning.migration_needs import needs_of_steps

SHOP, ORDERS = Exchange(name="shop", type="topic"), Queue(name="orders", type="classic")
BINDING = Binding(source="shop", destination="orders", routing_key="order.#")
WRITE, READ = Right(Access.WRITE, "queue", "orders"), Right(Access.READ, "exchange", "shop")
READ_KEY = Right(Access.READ, "exchange", "shop", "order.#")


def needs(*steps: Step) -> list[Need]:
    return list(needs_of_steps(steps, {"shop": SHOP}))


def test_bindings_go_over_amqp_where_publishers_are_switched_and_else_over_http() -> None:
    for stage, over in ((Stage.SWITCH, Over.AMQP), (Stage.LEAD, Over.HTTP), (Stage.CLEAN, Over.HTTP)):
        assert needs(Step(stage=stage, sentence="", unbind=(BINDING,))) == [
            Need(over, WRITE),
            Need(over, READ),
            Need(over, READ_KEY),
        ]


def test_a_move_needs_its_ledger_and_the_way_to_the_target() -> None:
    found = needs(Step(stage=Stage.MOVE, sentence="", move="orders", via="aside"))

    assert Need(Over.AMQP, Right(Access.READ, "queue", "orders")) in found
    assert Need(Over.AMQP, Right(Access.WRITE, "exchange", "aside")) in found
    ledger = "attune-infra.ledger.orders"
    assert Need(Over.AMQP, Right(Access.CONFIGURE, "queue", ledger)) in found
    assert found[-1] == Need(Over.HTTP, Right(Access.CONFIGURE, "queue", ledger))


def test_an_exchange_that_a_step_makes_is_of_the_type_it_makes() -> None:
    """So no topic permission is asked for, as for an exchange of an unknown type."""
    aside = Exchange(name="aside", type="fanout")
    step = Step(stage=Stage.PREPARE, sentence="", make=(aside, Binding(source="aside", destination="orders")))

    assert needs(step) == [
        Need(Over.AMQP, Right(Access.CONFIGURE, "exchange", "aside")),
        Need(Over.AMQP, WRITE),
        Need(Over.AMQP, Right(Access.READ, "exchange", "aside")),
    ]


def test_a_whole_migration_deletes_over_http() -> None:
    have = Topology.of([SHOP, ORDERS, BINDING])
    steps = Migration("orders", Queue(name="orders", type="quorum"), have).steps()

    over_http = {str(need.what) for need in needs(*steps) if need.over is Over.HTTP}

    assert "configure permission on queue orders" in over_http
    assert "configure permission on exchange attune-infra.switch.orders" in over_http
