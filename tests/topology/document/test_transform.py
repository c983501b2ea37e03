"""Changes to a topology on its way into a text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from attune_infra.errors import WrongUsage
from attune_infra.topology.document.judge import judge
from attune_infra.topology.document.parse import parse
from attune_infra.topology.document.text import LeftOut
from attune_infra.topology.document.transform import Transformation
from attune_infra.topology.model import Topology
from support.strategies import topologies

SHOP = parse(
    """\
topology: old
exchanges: {shop: {type: topic}, audit: {type: fanout}}
queues:
  orders:
    arguments: {x-max-priority: 5, x-message-ttl: 1000, x-overflow: reject-publish-dlx, x-max-length: 7}
    bindings: [{exchange: shop, routing_key: '#'}, {exchange: audit}]
  events: {type: stream}
  reply: {durable: false}
policies: {p: {pattern: ^o, definition: {expires: 1000}}}
operator_policies: {o: {pattern: ^o, definition: {expires: 1000}}}
limits: {max-queues: 9}
""",
    source="shop",
)


def names(topology: Topology) -> set[str]:
    return {getattr(item, "name", "binding") for item in topology.objects()}


def test_nothing_asked_changes_nothing() -> None:
    assert Transformation().apply(SHOP) == (SHOP, ())


@pytest.mark.parametrize(
    ("only", "exclude", "kept"),
    [
        (("orders", "shop"), (), {"orders", "shop", "binding"}),
        (("queue:*",), (), {"orders", "events", "reply"}),
        ((), ("queue:r*", "limit:*", "*policy:*"), {"orders", "events", "shop", "audit", "binding", "p", "o"}),
        ((), ("exchange:*",), {"orders", "events", "reply", "p", "o", "max-queues"}),
        (("*",), ("*",), set()),
    ],
)
def test_only_the_chosen_objects_stay_and_bindings_go_with_their_ends(
    only: tuple[str, ...], exclude: tuple[str, ...], kept: set[str]
) -> None:
    found, left_out = Transformation(only=only, exclude=exclude).apply(SHOP)

    assert names(found) == kept
    assert found.name == "old"
    told = sum(len(each.names) for each in left_out)
    assert told == len(SHOP.objects()) - len(found.objects())


def test_durable_classic_queues_become_quorum_queues_and_what_they_lose_is_named() -> None:
    found, left_out = Transformation(to_quorum=True).apply(SHOP)

    assert {name: queue.type for name, queue in found.queues.items()} == {
        "orders": "quorum",
        "events": "stream",
        "reply": None,
    }
    assert found.queues["orders"].arguments == {
        "x-message-ttl": 1000,
        "x-max-length": 7,
        "x-overflow": "reject-publish",
    }
    assert left_out == (
        LeftOut("arguments", ("x-max-priority of queue orders",), "a quorum queue cannot have them"),
        LeftOut(
            "overflow reject-publish-dlx",
            ("of queue orders",),
            "a quorum queue would act on it as on drop-head, so it gets reject-publish, without dead letters",
        ),
        LeftOut("changes to quorum", ("of queue reply",), "only a durable queue without auto-delete can be one"),
    )


def test_policies_are_stripped_and_the_virtual_host_is_renamed() -> None:
    found, left_out = Transformation(strip_policies=True, rename_vhost="new").apply(SHOP)

    assert (found.name, found.policies, found.operator_policies) == ("new", {}, {})
    assert [each.kind for each in left_out] == ["policies", "operator policies"]


@pytest.mark.parametrize("selector", ["", " ", "queue:"])
def test_a_selector_that_is_none_is_refused(selector: str) -> None:
    for option in ({"only": (selector,)}, {"exclude": (selector,)}):
        with pytest.raises(WrongUsage):
            Transformation(**option)  # type: ignore[arg-type]


@given(topologies())
@settings(deadline=None)
def test_every_queue_that_became_a_quorum_queue_is_a_good_one(topology: Topology) -> None:
    found, _ = Transformation(to_quorum=True).apply(topology)

    changed = [queue for name, queue in found.queues.items() if queue != topology.queues[name]]
    assert all(queue.type == "quorum" and not any(judge(queue)) for queue in changed)
    assert Transformation(to_quorum=True).apply(found)[0] == found
