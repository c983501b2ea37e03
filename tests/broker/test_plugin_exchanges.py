"""Exchange types of the plugins that come with RabbitMQ, on a real broker that has them.

The plugin for x-delayed-message does not come with RabbitMQ, so nothing here asks a broker about that type.
"""

from __future__ import annotations

from collections import Counter

import amqp
import pytest

from attune_infra.broker.http.management import Management
from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.broker.wire import body_of
from attune_infra.operations.setup import setup
from attune_infra.sandbox import BoundSandbox
from attune_infra.topology.facts.arguments import QUEUE_TYPES
from attune_infra.topology.facts.plugin_exchanges import binding_problem, exchange_problems
from attune_infra.topology.lint.linter import lint
from attune_infra.topology.model import Arguments, Binding, Exchange, Message, Queue, Topology
from attune_infra.topology.routing.route import Routing
from support.argument_cases import is_accepted
from support.routed import PLUGIN_TYPES
from support.virtual_host import VirtualHost

SENT = 200
KEYS = ("1", "7", "+1", "007", "two", "", "0", "-1", "1.5", " 1", "1 ")
ARGUMENTS: tuple[tuple[str, Arguments], ...] = (
    ("x-consistent-hash", {"hash-header": "a"}),
    ("x-consistent-hash", {"hash-header": 5}),
    ("x-consistent-hash", {"hash-property": "message_id"}),
    ("x-consistent-hash", {"hash-property": "correlation_id"}),
    ("x-consistent-hash", {"hash-property": "timestamp"}),
    ("x-consistent-hash", {"hash-property": "priority"}),
    ("x-consistent-hash", {"hash-header": "a", "hash-property": "message_id"}),
    ("x-recent-history", {"x-recent-history-length": 5}),
    ("x-recent-history", {"x-recent-history-length": 0}),
    ("x-recent-history", {"x-recent-history-length": "5"}),
    ("x-random", {"hash-header": 5}),
)


@pytest.fixture(scope="module")
def sandbox(sandbox_with_plugins: BoundSandbox) -> BoundSandbox:
    return sandbox_with_plugins


@pytest.mark.parametrize(("kind", "arguments"), ARGUMENTS)
def test_the_plugin_takes_the_same_exchanges(
    kind: str, arguments: Arguments, vhost: VirtualHost, management: Management
) -> None:
    exchange = Exchange(name="e", type=kind, arguments=arguments)

    taken = is_accepted(lambda: management.put("exchanges", vhost.name, "e", body=body_of(exchange)))

    assert taken == (not list(exchange_problems(exchange)))


@pytest.mark.parametrize("kind", ["x-consistent-hash", "x-local-random", "x-random", "x-modulus-hash"])
def test_the_plugin_takes_the_same_keys(
    kind: str, vhost: VirtualHost, management: Management, broker: RabbitMQ
) -> None:
    exchange, queue = Exchange(name="e", type=kind), Queue(name="q")
    if kind not in (broker.read().exchange_types or ()):
        pytest.skip(f"this release has no {kind}")
    assert setup(broker, Topology.of([exchange, queue])).exit_code == 0

    def is_taken(key: str) -> bool:
        return is_accepted(
            lambda: management.post("bindings", vhost.name, "e", "e", "q", "q", body={"routing_key": key})
        )

    for key in KEYS:
        binding = Binding(source="e", destination="q", routing_key=key)
        assert is_taken(key) == (binding_problem(binding, exchange, Topology.of([queue])) is None), key


@pytest.mark.parametrize("queue_type", QUEUE_TYPES)
@pytest.mark.parametrize("kind", PLUGIN_TYPES)
def test_the_plugin_takes_queues_of_the_same_types(
    kind: str, queue_type: str, vhost: VirtualHost, management: Management, broker: RabbitMQ
) -> None:
    exchange, queue = Exchange(name="e", type=kind), Queue(name="q", type=queue_type)
    if kind not in (broker.read().exchange_types or ()):
        pytest.skip(f"this release has no {kind}")
    topology = Topology.of([exchange, queue])
    assert setup(broker, topology).exit_code == 0
    binding = Binding(source="e", destination="q", routing_key="1" if kind == "x-consistent-hash" else "")

    taken = is_accepted(
        lambda: management.post(
            "bindings", vhost.name, "e", "e", "q", "q", body={"routing_key": binding.routing_key}
        )
    )

    assert taken == (binding_problem(binding, exchange, topology) is None)


@pytest.mark.parametrize("kind", PLUGIN_TYPES)
@pytest.mark.parametrize("count", [0, 1, 3])
def test_messages_go_where_they_were_said_to_go(
    kind: str, count: int, vhost: VirtualHost, broker: RabbitMQ
) -> None:
    """Each message reaches all certain queues, and exactly one of the possible ones or the alternate exchange."""
    key = "1" if kind == "x-consistent-hash" else ""
    topology = Topology.of(
        [
            Exchange(name="e", type=kind, arguments={"alternate-exchange": "lost"}),
            Exchange(name="lost", type="fanout"),
            Queue(name="unrouted"),
            Binding(source="lost", destination="unrouted"),
            *(Queue(name=f"q{number}") for number in range(count)),
            *(Binding(source="e", destination=f"q{number}", routing_key=key) for number in range(count)),
        ]
    )
    if kind not in (broker.read().exchange_types or ()):
        pytest.skip(f"this release has no {kind}")
    assert setup(broker, topology).exit_code == 0
    routed = Routing(topology).publish(Message(exchange="e", routing_key="k"))

    arrived = publish(vhost, [f"q{number}" for number in range(count)] + ["unrouted"])

    assert {queue for queue in arrived if arrived[queue] == SENT} >= set(routed.queues)
    chosen = sum(arrived[queue] for queue in routed.possible)
    assert chosen == (SENT if routed.possible else 0)
    assert set(arrived) <= {*routed.queues, *routed.possible}


def publish(vhost: VirtualHost, queues: list[str]) -> Counter[str]:
    """Publish messages with different routing keys, and return how many of them each queue got."""
    with vhost.client() as connection:
        channel = connection.channel()
        channel.confirm_select()
        for number in range(SENT):
            channel.basic_publish_confirm(amqp.Message("a"), "e", f"k{number}")
        found: Counter[str] = Counter()
        for queue in queues:
            while channel.basic_get(queue, no_ack=True) is not None:
                found[queue] += 1
    return found


def test_a_queue_that_is_bound_twice_to_a_consistent_hash_exchange_is_lost_with_one_binding(
    vhost: VirtualHost, broker: RabbitMQ
) -> None:
    bindings = [Binding(source="e", destination="a", routing_key=weight) for weight in ("1", "10")]
    topology = Topology.of(
        [
            Exchange(name="e", type="x-consistent-hash"),
            Queue(name="a"),
            Queue(name="b"),
            *bindings,
            Binding(source="e", destination="b", routing_key="1"),
        ]
    )
    assert [finding.object for finding in lint(topology).findings if finding.rule == "AI024"] != []
    assert setup(broker, topology).exit_code == 0
    assert publish(vhost, ["a", "b"])["a"] > 0

    assert list(broker.delete([bindings[1]], even_if_used=True)) != []

    assert bindings[0] in broker.read().bindings
    assert publish(vhost, ["a", "b"]) == {"b": SENT}
