"""Any change of policies, on a real broker: it loses no more than counted, and nothing without consent."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

import amqp
import pytest

from attune_infra.broker.http.management import Management
from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.operations.setup import apply_plan, make_plan, setup
from attune_infra.topology.model import Argument, Binding, Exchange, Policy, Queue, Topology
from attune_infra.topology.planning.consent import Consent
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
GROUPS = ("q", "r", "s")
NAMES = ("p1", "p2", "p3", "p4", "p5", "p6")
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


@dataclass(frozen=True)
class Case:
    """Policies before and after a change, and the queues that they apply to."""

    filled: list[Filled]
    have: list[Policy]
    by_operators: list[Policy]
    want: list[Policy]
    consent: frozenset[str]
    """The names of policies that may lose something."""


def random_case(chance: random.Random) -> Case:
    filled = [
        Filled(
            Queue(
                name=f"{group}{number}",
                type=chance.choice(("classic", "quorum")),
                arguments=chance.choice(({}, {}, {"x-max-length": 5}, {"x-overflow": "reject-publish"})),
            ),
            messages=chance.choice((0, 2, 4, 4)),
            consumed=chance.random() < 0.3,
        )
        for group in GROUPS
        for number in range(4)
    ]
    loose_or_tight = [LOOSE, TIGHT, TIGHT]
    return Case(
        filled,
        random_policies(chance, [LOOSE], chance.randint(0, 4)),
        random_policies(chance, [{key: LOOSE[key] for key in BY_OPERATORS}], chance.randint(0, 2)),
        random_policies(chance, loose_or_tight, chance.randint(1, 5)),
        consent=frozenset(chance.choice(((), NAMES, chance.sample(NAMES, 3)))),
    )


def random_policies(
    chance: random.Random, tables: Sequence[Mapping[str, tuple[Argument, ...]]], count: int
) -> list[Policy]:
    found = []
    for name in chance.sample(NAMES, count):
        definition: dict[str, Argument] = {}
        for _ in range(chance.choice((1, 1, 2, 3))):
            table = chance.choice(tables)
            key = chance.choice([*table])
            definition[key] = chance.choice(table[key])
        found.append(
            Policy(
                name=name,
                pattern=chance.choice((*(f"^{group}" for group in GROUPS), "^[qr]", "^[rs]", "^s[12]$", "[13]$")),
                definition=definition,
                apply_to=chance.choice(("all", "queues")),
                priority=chance.randint(0, 2),
            )
        )
    return found


@pytest.mark.lengthy
def test_any_policy_change(vhost: VirtualHost, pytestconfig: pytest.Config) -> None:
    """Not by hypothesis: it draws too few changes that harm, and shrinking takes a second for each step."""
    seed = pytestconfig.getoption("--seed")
    for number in range(pytestconfig.getoption("--stakes")):
        case = random_case(random.Random(f"{seed} {number}"))  # noqa: S311 # no secrets here
        with (
            create_virtual_host(vhost, f"stakes {token_hex(4)}") as own,
            RabbitMQ(own.settings()) as broker,
        ):
            setup(broker, Topology.of([*ENDS, *(each.queue for each in case.filled), *case.have]))
            set_operator_policies(own, case.by_operators)
            check_case(own, broker, case)


def set_operator_policies(vhost: VirtualHost, by_operators: list[Policy]) -> None:
    management = Management(vhost.settings())
    for each in by_operators:
        definition, more = each.definition, {"pattern": each.pattern, "priority": each.priority}
        assert put_policy(management, vhost.name, "operator-policies", each.name, definition, **more)  # type: ignore[arg-type]
    management.close()


def check_case(vhost: VirtualHost, broker: RabbitMQ, case: Case) -> None:
    queues = [each.queue.name for each in case.filled]
    want = Topology.of([*ENDS, *(each.queue for each in case.filled), *case.want], manages=("p.",))
    connection = vhost.client()
    client = Client(connection)
    consuming = client.fill(case.filled)
    before = broker.read()
    saved = [each.queue.name for each in case.filled if saves_dead_letters(before, each.queue)]
    plan = make_plan(broker, before, want, prune=True)

    apply_plan(plan, broker, want, consent=Consent(tuple(f"policy:{name}" for name in case.consent)))

    consuming.close()
    client.take_its_course(queues, broker)
    for name in saved:
        client.drain(name, requeue=False)
    counted = counted_by(plan, case.consent)
    found: Counter[str] = Counter()

    def excess() -> dict[str, int]:
        found.update(client.origins([*queues, "dead"]))
        lost = {each.queue.name: each.messages - found[each.queue.name] for each in case.filled}
        return {name: count for name, count in lost.items() if count > counted.get(name, 0)}

    try:
        eventually(excess, lambda found: not found, within=3)
        gone = set(queues) - broker.read().queues.keys()
        assert gone <= {
            stake.queue for name in case.consent for stake in plan.stakes.get(name, ()) if stake.expires
        }
    except AssertionError as error:
        error.add_note(f"{case}\n{plan.changes}\n{plan.stakes}")
        raise
    connection.close()


def counted_by(plan: Plan, consent: Collection[str]) -> Mapping[str, float]:
    """Return the messages at stake in each queue by these policies; an unknown number is infinite."""
    found: dict[str, float] = {}
    for stake in (each for name in consent for each in plan.stakes.get(name, ())):
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
