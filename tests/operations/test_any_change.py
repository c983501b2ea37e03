"""Any change of a topology, on a real broker: it loses what was named, nothing else, and leaves nothing to do."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from secrets import token_hex

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.operations.setup import apply_plan, count_contents, setup
from attune_infra.topology.diff import Delete
from attune_infra.topology.model import (
    Argument,
    Binding,
    Exchange,
    Policy,
    Queue,
    Topology,
    TopologyObject,
)
from attune_infra.topology.planning.consent import TO_ALL
from attune_infra.topology.planning.plan import Plan
from attune_infra.topology.planning.report import Status
from support.eventually import eventually
from support.virtual_host import VirtualHost, create_virtual_host

EXCHANGES = ("old.a", "old.b", "c", "d")
QUEUES = ("old.q", "r", "s")
ARGUMENTS: tuple[Mapping[str, Argument], ...] = ({}, {"x-max-length": 5}, {"x-message-ttl": 60_000}, {"x-own": 1})

exchanges = st.builds(
    Exchange,
    name=st.sampled_from(EXCHANGES),
    type=st.sampled_from(("fanout", "topic")),
    auto_delete=st.booleans(),
    internal=st.booleans(),
    arguments=st.sampled_from(({}, {"alternate-exchange": "d"})),
)
queues = st.builds(
    Queue,
    name=st.sampled_from(QUEUES),
    type=st.sampled_from(("classic", "classic", "classic", "quorum")),
    arguments=st.sampled_from(ARGUMENTS),
)
policies = st.builds(
    Policy,
    name=st.sampled_from(("old.p", "p")),
    pattern=st.sampled_from(("^old", "^[a-z]$", "q|s", "")),
    definition=st.sampled_from(
        (
            {"max-length": 5},
            {"message-ttl": 60_000},
            {"max-length": 5, "delivery-limit": 3},
            {"alternate-exchange": "c"},
        )
    ),
    apply_to=st.sampled_from(("all", "queues", "exchanges")),
    priority=st.integers(0, 1),
)


@st.composite
def topologies(draw: st.DrawFn) -> Topology:
    """Return a strategy for small topologies that have many names in common."""
    objects: list[TopologyObject] = [
        *draw(st.lists(exchanges, unique_by=lambda item: item.name)),
        *draw(st.lists(queues, unique_by=lambda item: item.name, max_size=2)),
    ]
    rules = draw(st.lists(policies, unique_by=lambda item: item.name, max_size=2))
    sources = [item.name for item in objects if isinstance(item, Exchange)]
    ends = [("exchange" if isinstance(item, Exchange) else "queue", item.name) for item in objects]  # type: ignore[union-attr] # only bindings have no name
    for _ in range(draw(st.integers(0, 6)) if sources else 0):
        kind, name = draw(st.sampled_from(ends))
        key = draw(st.sampled_from(("", "k")))
        source = draw(st.sampled_from(sources))
        objects.append(Binding(source=source, destination_type=kind, destination=name, routing_key=key))
    return Topology.of([*objects, *rules], manages=("old.*",))


@pytest.mark.lengthy
def test_any_change(vhost: VirtualHost, pytestconfig: pytest.Config) -> None:
    @seed(pytestconfig.getoption("--seed"))
    @settings(
        max_examples=pytestconfig.getoption("--changes"),
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(have=topologies(), want=topologies(), messages=st.integers(0, 2))
    def check(have: Topology, want: Topology, messages: int) -> None:
        with (
            create_virtual_host(vhost, f"any {token_hex(4)}") as own,
            RabbitMQ(own.settings()) as broker,
        ):
            setup(broker, have)
            publish(broker, have, messages)
            check_change(broker, want, messages)

    check()


def publish(broker: RabbitMQ, have: Topology, messages: int) -> None:
    """Publish messages to the queues that are not to be pruned, which a message would keep."""
    for queue in have.queues:
        for number in range(messages if not queue.startswith("old.") else 0):
            assert broker.publish("", queue, "{}", message_id=str(number))
        if messages and not queue.startswith("old."):  # RabbitMQ counts the messages of quorum queues late
            eventually(partial(broker.contents, queue), lambda found: found[0] == messages)


def check_change(broker: RabbitMQ, want: Topology, messages: int) -> None:
    before = broker.read()
    plan = count_contents(Plan.between(before, want, prune=True), broker)
    losses = {
        change.want.name: plan.loss_by(change).messages
        for change in plan.recreations
        if isinstance(change.want, Queue)
    }
    assert losses == {name: 0 if name.startswith("old.") else messages for name in losses}

    report = apply_plan(plan, broker, want, consent=TO_ALL)

    after = broker.read()
    kept = {identity(each.object) for each in report.outcomes if each.status is Status.KEPT}
    assert kept == {identity(change.have) for change in plan.kept}
    named = {identity(item) for change in plan.recreations for item in change.lost}
    named |= {identity(item) for change in plan.deletions for item in change.lost}
    named |= {identity(change.have) for change in plan.deletions}
    gone = set(map(identity, before.objects())) - set(map(identity, after.objects()))
    assert named - kept == gone, report
    left = Plan.between(after, want, prune=True).changes
    assert {identity(change.have if isinstance(change, Delete) else change.want) for change in left} <= kept


def identity(item: TopologyObject) -> object:
    return item if isinstance(item, Binding) else (type(item).__name__, item.name)
