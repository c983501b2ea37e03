"""Refusals that are certain before the first change: foreseen, and then asked of the broker under test."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.errors import ExitCode, FeatureDenied, RequestRefused
from attune_infra.topology.diff import Create
from attune_infra.topology.document.parse import parse
from attune_infra.topology.facts.refusals import RefusalCode, Restrictions, foresee_refusals
from attune_infra.topology.facts.releases import Version
from attune_infra.topology.model import Argument, Binding, Exchange, Policy, Queue, Topology, TopologyObject
from attune_infra.topology.planning.plan import Plan
from attune_infra.topology.planning.report import Outcome, Status

WANT = parse(
    """
exchanges: {shard: {type: x-consistent-hash}, plain: {}}
queues:
  a: {bindings: [{exchange: shard, routing_key: two}, {exchange: plain, routing_key: two}]}
""",
    source="x.yaml",
)
NO_RESTRICTIONS = Restrictions()


def have(*types: str) -> Topology:
    return Topology(exchange_types=frozenset(types))


def plan_of(broker: Topology, want: Topology, restrictions: Restrictions = NO_RESTRICTIONS) -> Plan:
    return Plan.between(broker, want).foreseeing(broker, want, restrictions)


def codes(
    item: TopologyObject, broker: Topology, restrictions: Restrictions = NO_RESTRICTIONS
) -> list[RefusalCode]:
    return [found.code for found in foresee_refusals([item], broker, Topology.of([item]), restrictions)]


def test_a_type_and_a_binding_are_named_together() -> None:
    plan = plan_of(have("direct"), WANT)

    with pytest.raises(RequestRefused) as caught:
        plan.check_possible()

    assert caught.value.sentence.splitlines() == [
        "RabbitMQ would refuse 2 objects, so nothing is changed:",
        "exchange shard: the broker has no exchange type x-consistent-hash",
        (
            "binding shard -> a with routing key two: the routing key of a binding from an"
            " x-consistent-hash exchange is a weight, not 'two'"
        ),
    ]
    assert (plan.exit_code, plan.dry_run().exit_code) == (ExitCode.FAILED, ExitCode.FAILED)


def test_nothing_is_refused_where_the_types_are_unknown_and_nothing_is_to_be_made() -> None:
    plan_of(Topology(), Topology.of(WANT.exchanges.values())).check_possible()
    plan_of(replace(WANT, exchange_types=frozenset({"direct"})), WANT).check_possible()


def test_of_many_refusals_the_first_are_named() -> None:
    plan = plan_of(have("direct"), Topology.of(Exchange(name=f"e{number:02}", type="x") for number in range(30)))

    with pytest.raises(RequestRefused) as caught:
        plan.check_possible()

    assert caught.value.sentence.splitlines()[-1] == "and 10 more; `attune-infra diff` names them all"
    assert caught.value.hint == "enable its plugin, or use another type"
    assert len(plan.refusals) == 30


def test_a_queue_without_a_type_is_judged_as_the_virtual_host_makes_it() -> None:
    queue = Queue(name="q", arguments={"x-max-priority": 5})

    assert codes(queue, Topology()) == []
    assert codes(queue, Topology(default_queue_type="quorum")) == [RefusalCode.INVALID]
    assert codes(replace(queue, durable=False), Topology(default_queue_type="quorum")) == []


@pytest.mark.parametrize("version", [None, (3, 9), (9, 9)])
def test_an_unknown_release_is_not_judged(version: Version | None) -> None:
    policy = Policy(name="p", pattern="", definition={"consumer-timeout": 1, "ha-mode": "all"})

    assert codes(policy, Topology(version=version)) == []
    assert codes(policy, Topology(version=(3, 10))) == codes(policy, Topology(version=(4, 3)))
    assert codes(policy, Topology(version=(4, 3))) == [RefusalCode.RELEASE]


def test_a_deprecated_feature_is_refused_only_where_it_is_denied() -> None:
    transient = Queue(name="q", durable=False)
    locator = Queue(name="q", arguments={"x-queue-master-locator": "random"})
    broker = Topology(version=(4, 3))

    assert codes(transient, broker) == codes(locator, broker) == []
    denying = Restrictions(frozenset({"transient_nonexcl_queues", "queue_master_locator"}))
    assert codes(transient, broker, denying) == codes(locator, broker, denying) == [RefusalCode.FEATURE_DENIED]
    with pytest.raises(FeatureDenied, match="neither durable nor exclusive"):
        plan_of(broker, Topology.of([transient]), denying).check_possible()


@pytest.mark.parametrize(
    ("limit", "existing", "wanted", "refused"),
    [
        (3, "ab", "abc", ""),
        (2, "ab", "abc", "c"),
        (3, "a", "bcde", "de"),
        (0, "", "a", "a"),
        (2, "aB", "b", ""),
        (1, "aB", "b", "b"),
        (0, "AB", "ab", "ab"),
        (1, "ABc", "ab", "ab"),
    ],
)
def test_queues_beyond_a_limit_are_refused(limit: int, existing: str, wanted: str, refused: str) -> None:
    """A capital letter is a queue that has to be recreated."""
    broker = Topology.of(Queue(name=name.lower(), durable=name.islower()) for name in existing)
    want = Topology.of(Queue(name=name) for name in wanted)

    found = plan_of(broker, want, Restrictions(max_queues=limit)).refusals

    assert {refusal.code for refusal in found} <= {RefusalCode.QUEUE_LIMIT}
    assert (
        "".join(sorted(refusal.object.name for refusal in found if isinstance(refusal.object, Queue))) == refused
    )


def cases() -> Iterable[tuple[TopologyObject, ...]]:
    arguments: dict[str, tuple[dict[str, Argument], ...]] = {
        "classic": (
            {"x-consumer-timeout": 1000},
            {"x-delayed-retry-min": 1},
            {"x-queue-leader-locator": "balanced"},
            {"x-queue-master-locator": "random"},
            {"x-queue-version": 1},
            {"x-stream-filter-size-bytes": 20},
            {"x-max-priority": 5},
        ),
        "quorum": ({"x-stream-filter-size-bytes": 20}, {"x-delivery-limit": -1}),
        "stream": ({"x-consumer-timeout": 1000}, {"x-stream-filter-size-bytes": 20}),
    }
    for kind, variants in arguments.items():
        for number, variant in enumerate(variants):
            yield (Queue(name=f"{kind} {number}", type=kind, arguments=variant),)
    for value in ({"consumer-timeout": 1}, {"delivery-limit": -1}, {"ha-mode": "all"}, {"delayed-retry-min": 1}):
        yield (Policy(name=str(value), pattern="^never$", definition=value),)
    yield (Policy(name="locator", pattern="^never$", definition={"queue-master-locator": "random"}),)
    yield (Policy(name="by type", pattern="^never$", apply_to="streams", definition={"max-length-bytes": 1}),)
    for key in ("#.#", "#.a.#.b.#"):
        yield Queue(name=key), Binding(source="amq.topic", destination=key, routing_key=key)
    yield (Queue(name="transient", durable=False),)
    for kind in ("x-local-random", "x-random", "topic"):
        yield (Exchange(name=kind, type=kind),)


@pytest.mark.parametrize("items", list(cases()), ids=lambda items: " ".join(str(items[-1]).split()))
def test_the_broker_under_test_refuses_exactly_these(broker: RabbitMQ, items: tuple[TopologyObject, ...]) -> None:
    want = Topology.of(items)
    foreseen = plan_of(broker.read(), want, broker.restrictions()).refusals

    try:
        outcomes = list(broker.apply(map(Create, items)))
    except FeatureDenied as error:
        outcomes = [Outcome(items[-1], Status.FAILED, error.sentence)]

    refused = {outcome.object: outcome.reason for outcome in outcomes if outcome.status is not Status.CREATED}
    assert {refusal.object for refusal in foreseen} == refused.keys(), refused


def test_the_limit_of_the_broker_under_test_is_known(broker: RabbitMQ) -> None:
    """The queues are declared one after the other: side by side, RabbitMQ lets several pass."""
    management, vhost = broker._connections.http, broker.settings.virtual_host
    queues = [Queue(name=name) for name in "ab"]

    for limit in (1, -1):
        management.put("vhost-limits", vhost, "max-queues", body={"value": limit})
        foreseen = plan_of(broker.read(), Topology.of(queues), broker.restrictions()).refusals
        outcomes = [outcome for queue in queues for outcome in broker.apply([Create(queue)])]
        assert len(foreseen) == [outcome.status for outcome in outcomes].count(Status.FAILED)
        assert (len(foreseen) == 1) is (limit == 1)
