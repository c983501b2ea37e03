"""The document that makes deleted objects again."""

from __future__ import annotations

from attune_infra.topology.document.parse import parse
from attune_infra.topology.model import Binding, Exchange, Queue, Topology
from attune_infra.topology.planning.undo import undo_document

HAVE = Topology.of(
    [
        Exchange(name="shop", type="topic"),
        Exchange(name="archive", type="fanout"),
        Queue(name="orders", type="quorum", arguments={"x-max-length": 5}),
        Binding(source="shop", destination="orders", routing_key="order.#"),
        Binding(source="shop", destination="archive", destination_type="exchange", routing_key="#"),
    ]
)


def undone(*items: Exchange | Queue | Binding) -> Topology:
    return parse(undo_document(items, HAVE).text, source="undo.yaml")


def test_the_ends_that_stay_are_external() -> None:
    [binding] = (each for each in HAVE.bindings if each.destination_type == "queue")

    found = undone(binding)

    assert found.bindings == {binding}
    assert found.exchanges == {"shop": Exchange(name="shop", type="topic", external=True)}
    assert found.queues["orders"].external
    assert found.queues["orders"].type == "quorum"
    assert found.queues["orders"].arguments == {}


def test_what_was_deleted_itself_is_made_again_as_it_was() -> None:
    bindings = sorted(HAVE.bindings, key=lambda each: each.destination_type)

    found = undone(HAVE.queues["orders"], HAVE.exchanges["archive"], *bindings)

    assert found.queues == HAVE.queues
    assert found.queues["orders"].arguments == {"x-max-length": 5}
    assert found.exchanges["archive"] == HAVE.exchanges["archive"]
    assert found.exchanges["shop"].external
    assert found.bindings == HAVE.bindings


def test_rabbitmqs_own_exchanges_are_there_anyway() -> None:
    binding = Binding(source="amq.topic", destination="orders", routing_key="k")

    assert undone(HAVE.queues["orders"], binding).exchanges == {}
