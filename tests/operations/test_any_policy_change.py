"""Any change of policies, on a real broker: it loses no more than counted, and nothing without consent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

import amqp
import pytest
from hypothesis import HealthCheck, Phase, given, note, seed, settings
from hypothesis import strategies as st

from attune_infra.broker.management import Management
from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.operations.setup import apply_plan, make_plan, setup
from attune_infra.topology.model import Argument, Binding, Exchange, Policy, Queue, Topology
from attune_infra.topology.planning.plan import Plan
from attune_infra.topology.policy import effective_arguments
from support.eventually import eventually
from support.policy_cases import put_policy
from support.virtual_host import VirtualHost, create_virtual_host

LOOSE: Mapping[str, tuple[Argument, ...]] = {
    "message-ttl": (60_000, 90_000),
    "expires": (600_000, 900_000),
    "max-length": (5, 9),
    "max-length-bytes": (10_000, 20_000),
    "overflow": ("drop-head", "reject-publish", "reject-publish-dlx"),
    "delivery-limit": (9, 50),
    "dead-letter-exchange": ("dlx", "unbound", "missing"),
    "dead-letter-routing-key": ("k", "l"),
    "dead-letter-strategy": ("at-most-once", "at-least-once"),
}
"""Settings under which the few messages of this test stay."""

TIGHT: Mapping[str, tuple[Argument, ...]] = {
    "message-ttl": (0, 100),
    "expires": (300,),
    "max-length": (0, 1, 3),
    "max-length-bytes": (0, 25),
    "delivery-limit": (0, 1),
}
BY_OPERATORS = ("message-ttl", "expires", "max-length", "max-length-bytes")
BODY = "x" * 10
EXPIRY_OF_THE_LAST = 700
"""Milliseconds after which everything that shall expire in this test has done so."""

ENDS = (
    Exchange(name="dlx", type="fanout"),
    Exchange(name="unbound", type="topic"),
    Queue(name="dead", type="classic"),
    Binding(source="dlx", destination="dead"),
)


@dataclass(frozen=True)
class Filled:
    """A queue with some messages, of which a consumer may hold all."""

    queue: Queue
    messages: int
    consumed: bool


def definitions(*tables: Mapping[str, tuple[Argument, ...]]) -> st.SearchStrategy[dict[str, Argument]]:
    pairs = [(key, value) for table in tables for key, values in table.items() for value in values]
    return st.lists(st.sampled_from(pairs), min_size=1, max_size=3).map(dict)


def policies(
    *tables: Mapping[str, tuple[Argument, ...]], at_least: int = 0, at_most: int
) -> st.SearchStrategy[list[Policy]]:
    found = st.builds(
        Policy,
        name=st.sampled_from(("p1", "p2", "p3", "p4")),
        pattern=st.sampled_from(("^q", "^q", "q|r", "^q[0-4]$", "[135]$")),
        definition=definitions(*tables),
        apply_to=st.sampled_from(("all", "queues")),
        priority=st.integers(0, 3),
    )
    return st.lists(found, unique_by=lambda item: item.name, min_size=at_least, max_size=at_most)


@st.composite
def fillings(draw: st.DrawFn) -> list[Filled]:
    found = []
    for number in range(12):
        queue = Queue(
            name=f"{draw(st.sampled_from('qqr'))}{number}",
            type=draw(st.sampled_from(("classic", "quorum"))),
            arguments=draw(st.sampled_from(({}, {}, {"x-max-length": 5}, {"x-overflow": "reject-publish"}))),
        )
        found.append(
            Filled(queue, draw(st.sampled_from((0, 2, 4, 4))), draw(st.sampled_from((False, False, True))))
        )
    return found


@pytest.mark.lengthy
def test_any_policy_change(vhost: VirtualHost, pytestconfig: pytest.Config) -> None:
    @seed(pytestconfig.getoption("--stakes-seed"))
    @settings(
        max_examples=pytestconfig.getoption("--stakes"),
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(
        filled=fillings(),
        have=policies(LOOSE, at_most=3),
        by_operators=policies({key: LOOSE[key] for key in BY_OPERATORS}, at_most=2),
        want=policies(LOOSE, TIGHT, TIGHT, at_least=1, at_most=4),
        consent=st.booleans(),
    )
    def check(
        filled: list[Filled],
        have: list[Policy],
        by_operators: list[Policy],
        want: list[Policy],
        consent: bool,  # hypothesis passes it by name
    ) -> None:
        with (
            create_virtual_host(vhost, f"stakes {token_hex(4)}") as own,
            RabbitMQ(own.settings()) as broker,
        ):
            queues = [each.queue for each in filled]
            setup(broker, Topology.of([*ENDS, *queues, *have]))
            set_operator_policies(own, by_operators)
            check_change(
                own, broker, filled, Topology.of([*ENDS, *queues, *want], manages=("p.",)), consent=consent
            )

    check()


def set_operator_policies(vhost: VirtualHost, by_operators: list[Policy]) -> None:
    management = Management(vhost.settings())
    for each in by_operators:
        definition, more = each.definition, {"pattern": each.pattern, "priority": each.priority}
        assert put_policy(management, vhost.name, "operator-policies", each.name, definition, **more)  # type: ignore[arg-type]
    management.close()


def check_change(
    vhost: VirtualHost, broker: RabbitMQ, filled: list[Filled], want: Topology, *, consent: bool
) -> None:
    connection = vhost.client()
    client = Client(connection)
    consuming = client.fill(filled)
    before = broker.read()
    saved = [each.queue.name for each in filled if saves_dead_letters(before, each.queue)]
    plan = make_plan(broker, before, want, prune=True)
    note(f"{plan.changes}\n{plan.stakes}")

    apply_plan(plan, broker, want, destroy=consent)

    consuming.close()
    client.take_its_course([each.queue.name for each in filled], broker)
    for name in saved:
        client.drain(name, requeue=False)
    counted = counted_by(plan) if consent else {}
    found: Counter[str] = Counter()

    def excess() -> dict[str, int]:
        found.update(client.origins([*(each.queue.name for each in filled), "dead"]))
        lost = {each.queue.name: each.messages - found[each.queue.name] for each in filled}
        return {name: count for name, count in lost.items() if count > counted.get(name, 0)}

    eventually(excess, lambda found: not found, within=3)
    gone = {each.queue.name for each in filled} - broker.read().queues.keys()
    assert gone <= {stake.queue for of in plan.stakes.values() for stake in of if stake.expires and consent}
    connection.close()


def counted_by(plan: Plan) -> Mapping[str, float]:
    """Return the messages at stake in each queue by the plan; infinitely many stand for an unknown number."""
    found: dict[str, float] = {}
    for stake in (each for of in plan.stakes.values() for each in of):
        most = float("inf") if stake.messages is None else stake.messages
        found[stake.queue] = max(most, found.get(stake.queue, 0))
    return found


def saves_dead_letters(topology: Topology, queue: Queue) -> bool:
    return effective_arguments(queue, topology).get("x-dead-letter-exchange") == "dlx"


class Client:
    """A plain AMQP client."""

    def __init__(self, connection: amqp.Connection) -> None:
        self.connection = connection

    def fill(self, filled: list[Filled]) -> amqp.Channel:
        """Publish the messages, and consume some queues without an acknowledgement; return that channel."""
        channel, consuming = self.connection.channel(), self.connection.channel()
        channel.confirm_select()
        for each in filled:
            for _ in range(each.messages):
                message = amqp.Message(BODY, message_id=each.queue.name, delivery_mode=2)
                channel.basic_publish_confirm(message, routing_key=each.queue.name)
        arrived: list[object] = []
        for each in filled:
            if each.consumed:
                consuming.basic_consume(each.queue.name, callback=arrived.append)
        while len(arrived) < sum(each.messages for each in filled if each.consumed):
            self.connection.drain_events(timeout=10)
        channel.close()
        return consuming

    def take_its_course(self, queues: list[str], broker: RabbitMQ) -> None:
        """Let deliveries fail twice, then wait until a queue has expired that was made last."""
        for _ in range(2):
            for name in queues:
                self.drain(name, requeue=True)
        channel = self.connection.channel()
        channel.queue_declare("last", durable=True, auto_delete=False, arguments={"x-expires": EXPIRY_OF_THE_LAST})
        channel.close()
        eventually(broker.read, lambda found: "last" not in found.queues)

    def drain(self, queue: str, *, requeue: bool) -> None:
        """Take all messages of a queue, and reject them."""
        channel = self.connection.channel()
        with suppress(amqp.NotFound):
            taken = [*self._messages(channel, queue)]
            for message in taken:
                channel.basic_reject(message.delivery_tag, requeue=requeue)
            channel.close()

    def origins(self, queues: list[str]) -> Iterator[str]:
        """Take all messages out of queues, and yield the queue to which each of them was published."""
        for queue in queues:
            channel = self.connection.channel()
            with suppress(amqp.NotFound):
                for message in self._messages(channel, queue, no_ack=True):
                    yield message.properties["message_id"]
                channel.close()

    @staticmethod
    def _messages(channel: amqp.Channel, queue: str, *, no_ack: bool = False) -> Iterator[Any]:
        while (message := channel.basic_get(queue, no_ack=no_ack)) is not None:
            yield message
