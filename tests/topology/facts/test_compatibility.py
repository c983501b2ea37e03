"""Objects that a release accepts: the table, compared with the broker under test."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import cast

import amqp
import pytest
import yaml

from attune_infra.broker.http.management import Management
from attune_infra.broker.wire import body_of
from attune_infra.topology.document.parse import parse
from attune_infra.topology.document.problems import InvalidDocument
from attune_infra.topology.document.write import write
from attune_infra.topology.facts.arguments import POLICY_RULES
from attune_infra.topology.facts.compatibility import RELEASES, judgements, nearest_release
from attune_infra.topology.facts.fact import Effect
from attune_infra.topology.facts.releases import Version
from attune_infra.topology.model import Argument, Binding, Exchange, Policy, Queue, Topology, TopologyObject
from support.argument_cases import good, is_accepted, queue_cases
from support.eventually import eventually
from support.under_test import BrokerUnderTest
from support.virtual_host import VirtualHost

TOPIC, QUEUE = Exchange(name="t", type="topic"), Queue(name="q", type="classic")
TRANSIENT = Queue(name="transient", durable=False)


def policies() -> Iterator[Policy]:
    for key, rule in POLICY_RULES.items():
        for value in good(rule):
            needed = {"delayed-retry-min": 5} if (key, value) != ("delayed-retry-type", "disabled") else {}
            definition: dict[str, Argument] = {
                **(needed if key == "delayed-retry-type" else {}),
                key: cast("Argument", value),
            }
            yield Policy(name=f"{key} {value}", pattern="^never$", definition=definition)
    yield Policy(name="unlimited", pattern="^never$", definition={"delivery-limit": -1})
    yield Policy(name="no delay", pattern="^never$", definition={"delayed-retry-type": "all"})
    for key, value in {"ha-mode": "all", "ha-sync-mode": "automatic", "ha-promote-on-shutdown": "always"}.items():
        yield Policy(name=key, pattern="^never$", definition={"ha-mode": "all", key: value})
    for apply_to in ("queues", "all", "classic_queues", "quorum_queues", "streams"):
        yield Policy(name=apply_to, pattern="^never$", apply_to=apply_to, definition={"max-length-bytes": 5})


def bindings() -> Iterator[Binding]:
    for key in ("#", "#.#", "a.#.b.#.c", "#.#.#", "a.#.b.#.c.#", "a#.b#.c#", "#.#.#.#"):
        yield Binding(source="t", destination="q", routing_key=key)
        yield Binding(source="amq.topic", destination="q", routing_key=key)
        yield Binding(source="amq.direct", destination="q", routing_key=key)


def everything() -> Iterator[TopologyObject]:
    for number, (name, arguments) in enumerate(queue_cases(good)):
        kind = arguments.get("x-queue-type")
        if name != "x-queue-type" and kind is not None:
            rest = {key: cast("Argument", value) for key, value in arguments.items() if key != "x-queue-type"}
            yield Queue(name=f"q{number}", type=str(kind), arguments=rest)
    yield from policies()
    yield from bindings()
    for kind in ("direct", "topic", "fanout", "headers", "x-local-random"):
        yield Exchange(name=f"e {kind}", type=kind, durable=False)


def is_refused(item: TopologyObject, version: Version) -> bool:
    """Return whether a document with it is refused, by each release or by this one."""
    ends: list[TopologyObject] = [TOPIC, QUEUE] if isinstance(item, Binding) else []
    topology = Topology.of([*ends, item])
    try:
        parse(write(topology), source="x.yaml")
    except InvalidDocument:
        return True
    return any(found.effect is Effect.REFUSED for found in judgements(item, topology, version))


def effects(item: TopologyObject, version: Version, topology: Topology | None = None) -> list[tuple[str, Effect]]:
    return [(found.about, found.effect) for found in judgements(item, topology or Topology(), version)]


class Taker:
    """The broker under test, asked one thing after the other."""

    def __init__(self, management: Management, vhost: VirtualHost) -> None:
        self.management, self.vhost = management, vhost
        for item in (TOPIC, QUEUE):
            assert self.takes(item)

    def takes(self, item: TopologyObject) -> bool:
        return is_accepted(lambda: self.declare(item))

    def declare(self, item: TopologyObject) -> None:
        body, vhost = body_of(item), self.vhost.name
        match item:
            case Exchange():
                self.management.put("exchanges", vhost, item.name, body=body)
            case Queue():
                self.management.put("queues", vhost, item.name, body=body)
            case Policy():
                self.management.put("policies", vhost, item.name, body=body)
            case Binding():
                self.management.post("bindings", vhost, "e", item.source, "q", item.destination, body=body)


def test_the_broker_under_test_agrees(
    management: Management, vhost: VirtualHost, under_test: BrokerUnderTest
) -> None:
    taker, version = Taker(management, vhost), under_test.release
    cases = list(everything())

    disagreed = [item for item in cases if taker.takes(item) == is_refused(item, version)]

    assert len(cases) > 200
    assert disagreed == []


def test_unlimited_deliveries_are_misread_before_4_0(channel: amqp.Channel, under_test: BrokerUnderTest) -> None:
    queue = Queue(name="unlimited", type="quorum", arguments={"x-delivery-limit": -1})
    channel.queue_declare(
        queue.name, durable=True, auto_delete=False, arguments={"x-queue-type": "quorum", **queue.arguments}
    )
    channel.basic_publish(amqp.Message("a"), "", queue.name)
    first = eventually(lambda: channel.basic_get(queue.name), lambda found: found is not None)
    assert first is not None

    channel.basic_reject(first.delivery_tag, requeue=True)

    if ("x-delivery-limit", Effect.MISREAD) in effects(queue, under_test.release):
        with pytest.raises(AssertionError):
            eventually(lambda: channel.basic_get(queue.name), lambda found: found is not None, within=2)
    else:
        eventually(lambda: channel.basic_get(queue.name), lambda found: found is not None)


def test_a_transient_queue_is_deprecated_where_it_can_be_denied() -> None:
    assert effects(TRANSIENT, (3, 10)) == []
    assert effects(TRANSIENT, (3, 13)) == [("durable", Effect.DEPRECATED)]
    assert effects(TRANSIENT, (4, 3)) == [("durable", Effect.DEPRECATED)]
    assert effects(Queue(name="q", durable=False, exclusive=True), (4, 3)) == []


@pytest.mark.parametrize(
    ("argument", "value", "told"),
    [
        ("x-queue-mode", "lazy", ["", "ignored", "ignored", "ignored", "ignored", "ignored"]),
        ("x-queue-version", 1, ["", "", "", "", "", "refused"]),
        ("x-queue-version", 2, ["", "", "", "", "", ""]),
        ("x-queue-master-locator", "random", ["", "", "deprecated", "deprecated", "deprecated", "refused"]),
        ("x-queue-leader-locator", "balanced", ["refused", "refused", "", "", "", ""]),
        ("x-consumer-timeout", 5, ["ignored", "", "", "", "", "refused"]),
    ],
)
def test_releases_differ(argument: str, value: Argument, told: list[str]) -> None:
    queue = Queue(name="q", arguments={argument: value})

    assert [words(judgements(queue, Topology(), release)) for release in RELEASES] == told


@pytest.mark.parametrize(("limit", "told"), [(-1, Effect.MISREAD), (-5, Effect.MISREAD), (0, None), (3, None)])
def test_a_negative_delivery_limit_is_none_only_since_4_0(limit: int, told: Effect | None) -> None:
    queue = Queue(name="q", type="quorum", arguments={"x-delivery-limit": limit})

    assert [effect for _, effect in effects(queue, (3, 13))] == ([] if told is None else [told])
    assert effects(queue, (4, 0)) == []


def words(found: Iterable[object]) -> str:
    return ", ".join(str(getattr(each, "effect", "")) for each in found)


def test_mirroring_is_over_since_4_0() -> None:
    policy = Policy(name="ha", pattern="", definition={"ha-mode": "all"})

    assert effects(policy, (3, 13)) == [("ha-mode", Effect.DEPRECATED)]
    [found] = judgements(policy, Topology(), (4, 1))
    assert found.effect is Effect.REFUSED
    assert found.what == "RabbitMQ 4.1 refuses ha-mode: mirrored classic queues were removed in 4.0"


def test_the_type_of_a_queue_that_names_none_is_that_of_its_virtual_host() -> None:
    queue = Queue(name="q", arguments={"x-consumer-timeout": 5})

    assert effects(queue, (4, 3)) == [("x-consumer-timeout", Effect.REFUSED)]
    assert effects(queue, (4, 3), Topology(default_queue_type="quorum")) == []


@pytest.mark.parametrize(
    ("version", "stands_for"),
    [((3, 8), (3, 10)), ((3, 12), (3, 10)), ((4, 2), (4, 2)), ((4, 9), (4, 3)), ((5, 0), (4, 3))],
)
def test_any_version_has_an_answer(version: Version, stands_for: Version) -> None:
    assert nearest_release(version) == stands_for


def test_a_document_can_be_written_for_each_case() -> None:
    """The broker is asked for exactly the objects of the document."""
    assert yaml.safe_load(write(Topology.of([TRANSIENT]))) == {"queues": {"transient": {"durable": False}}}


@pytest.mark.parametrize("kind", ["classic_queues", "quorum_queues", "streams"])
def test_policies_for_queues_of_one_type_are_refused_before_3_12(kind: str) -> None:
    item = Policy(name="p", pattern="^p", definition={"max-length": 5}, apply_to=kind)

    def refused(version: Version) -> list[str]:
        return [each.about for each in judgements(item, Topology.of([item]), version)]

    assert refused((3, 11)) == ["apply_to"]
    assert refused((3, 12)) == []


def test_a_binding_without_a_selector_is_refused_for_its_arguments() -> None:
    binding = Binding(source="e", destination="q")
    topology = Topology.of([Exchange(name="e", type="x-jms-topic"), QUEUE, binding])

    assert [each.about for each in judgements(binding, topology, (4, 0))] == ["arguments"]
    assert [each.about for each in judgements(binding, topology, (3, 10))] == []
