"""The policies in effect, compared with those that a real broker says are."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import permutations, product
from typing import Any, Final

import amqp
import pytest
from amqp.exceptions import MessageNacked

from attune_infra.broker.http.management import Management
from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.broker.shapes import ANYTHING
from attune_infra.broker.wire import body_of
from attune_infra.topology.facts import policies as facts
from attune_infra.topology.facts.arguments import QUEUE_TYPES
from attune_infra.topology.model import Argument, Exchange, Message, Policy, Queue, Topology
from attune_infra.topology.policy import effective_arguments, effective_definition, policy_of, tied_policies
from attune_infra.topology.routing.route import Routing
from support.eventually import eventually
from support.policy_cases import definition_of, put_policy, queues_with_policies
from support.under_test import BrokerUnderTest
from support.virtual_host import VirtualHost

VALUES: Final[Mapping[str, Sequence[Argument]]] = {
    "consumer-disconnected-timeout": (5, 9),
    "consumer-timeout": (5, 9),
    "dead-letter-exchange": ("a", "b"),
    "delayed-retry-max": (10, 90),
    "delayed-retry-min": (1, 9),
    "delayed-retry-type": ("disabled", "all", "failed"),
    "delivery-limit": (-2, -1, 0, 3, 9),
    "expires": (1_000_000, 2_000_000),
    "max-in-memory-bytes": (0, 3, 9),
    "max-in-memory-length": (0, 3, 9),
    "max-length": (0, 3, 9),
    "max-length-bytes": (0, 3, 9),
    "message-ttl": (0, 5, 60_000),
    "overflow": ("drop-head", "reject-publish", "reject-publish-dlx"),
    "queue-version": (1, 2),
    "target-group-size": (1, 3, 5),
}
"""Keys that an operator policy can have on some release, and some that it never can, with values to combine."""

_QUORUM_KEYS: Final = {"delivery-limit", "max-in-memory-bytes", "max-in-memory-length", "target-group-size"}
_FALLBACK: Final = "fallback"


def merged_by_broker(management: Management, vhost: str) -> list[tuple[str, Argument, Argument, Argument]]:
    """Return each key with its value by a policy, by an operator policy, and in effect."""
    asked = []
    pairs = ((key, *pair) for key, values in VALUES.items() for pair in product(values, values))
    for number, (key, value, by_operator) in enumerate(pairs):
        name = f"m{number} {key}"
        sides = {"policies": value, "operator-policies": by_operator}
        if all(
            put_policy(management, vhost, kind, name, definition_of(key, side), pattern=f"^{name}$")
            for kind, side in sides.items()
        ):
            queue_type = "quorum" if key in _QUORUM_KEYS else "classic"
            management.put("queues", vhost, name, body=body_of(Queue(name=name, type=queue_type)))
            asked.append((name, (key, value, by_operator)))
    found = queues_with_policies(management, vhost, attribute="effective_policy_definition")
    return [(*case, found[name]["effective_policy_definition"][case[0]]) for name, case in asked]


@pytest.mark.lengthy
def test_the_broker_merges_an_operator_policy_key_by_key(
    management: Management, vhost: VirtualHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = merged_by_broker(management, vhost.name)

    def disagreements() -> set[str]:
        return {
            key
            for key, value, by_operator, in_effect in cases
            if facts.merge_with_operator(key, value, by_operator) != in_effect
        }

    keys = {key for key, *_ in cases}
    assert len(cases) > 50
    assert disagreements() == set()
    for key in keys:
        with monkeypatch.context() as patch:
            choices = facts._OPERATOR_CHOICES
            patch.setattr(facts, "_OPERATOR_CHOICES", {**choices, key: _not(choices.get(key))})
            assert disagreements() == {key}


def _not(choice: facts._Choice | None) -> facts._Choice:
    return facts._take_second if choice else facts._take_first


def stacks(chance: random.Random, version: tuple[int, int]) -> Iterator[tuple[str, Policy]]:
    """Yield random policies and operator policies, each with its kind."""
    keys = [*VALUES, "queue-leader-locator", "max-age", "dead-letter-strategy", "queue-mode", "alternate-exchange"]
    more: Mapping[str, Sequence[Argument]] = {
        "queue-leader-locator": ("balanced",),
        "max-age": ("7D",),
        "dead-letter-strategy": ("at-most-once",),
        "queue-mode": ("lazy",),
        "alternate-exchange": ("ae",),
    }
    types = ("classic_queues", "quorum_queues", "streams") if version >= (3, 12) else ()
    for number in range(60):
        definition: dict[str, Argument] = {}
        for key in chance.sample(keys, chance.randint(1, 3)):
            definition |= definition_of(key, chance.choice({**VALUES, **more}[key]))
        yield (
            chance.choice(("policies", "policies", "operator-policies")),
            Policy(
                name=f"p{number}",
                pattern=chance.choice(("^q", "1", "2$", "c", "^r.*[13]", "[^5]$")),
                definition=definition,
                priority=number,
                apply_to=chance.choice(("all", "queues", "exchanges", *types)),
            ),
        )


@pytest.mark.lengthy
def test_random_stacks_of_policies_have_the_effect_that_the_broker_says(
    management: Management,
    broker: RabbitMQ,
    vhost: VirtualHost,
    under_test: BrokerUnderTest,
    pytestconfig: pytest.Config,
) -> None:
    seed = pytestconfig.getoption("--seed")
    chance = random.Random(seed)  # noqa: S311 # no secrets here
    for number in range(pytestconfig.getoption("--policies")):
        queue = Queue(name=f"{chance.choice('qr')}{number}", type=chance.choice(QUEUE_TYPES))
        management.put("queues", vhost.name, queue.name, body=body_of(queue))
    for kind in ("policies", "operator-policies"):  # every queue has one of each, and so it is seen to have them
        put_policy(management, vhost.name, kind, _FALLBACK, {"max-length-bytes": 2**40}, pattern="", priority=-1)
    for kind, policy in stacks(chance, under_test.release):
        body = body_of(policy)
        if (
            put_policy(
                management,
                vhost.name,
                kind,
                policy.name,
                policy.definition,
                pattern=policy.pattern,
                priority=policy.priority,
                apply_to=str(body["apply-to"]),
            )
            and chance.random() < 0.5
        ):
            management.delete(kind, vhost.name, policy.name)

    have = broker.read()
    simulated = in_effect_on_queues(replace(have, in_effect={}))
    assert have.version == under_test.release
    assert len(have.policies) > 5
    # A busy broker lets its queues wait for a policy.
    eventually(lambda: effective_definitions(management, vhost), simulated.__eq__)
    assert in_effect_on_queues(broker.read()) == simulated, seed


def effective_definitions(management: Management, vhost: VirtualHost) -> Mapping[str, Mapping[str, Argument]]:
    found = queues_with_policies(management, vhost.name, attribute="effective_policy_definition")
    return {name: queue["effective_policy_definition"] for name, queue in found.items()}


def in_effect_on_queues(topology: Topology) -> Mapping[str, Mapping[str, Argument]]:
    return {name: effective_definition(queue, topology) for name, queue in topology.queues.items()}


def test_of_policies_with_one_priority_the_broker_says_which_is_in_effect(
    management: Management, broker: RabbitMQ, vhost: VirtualHost
) -> None:
    """It is the first or the last by name or age, depending on the release: each kind is among these."""
    management.put("queues", vhost.name, "q", body={"durable": True})
    management.put("exchanges", vhost.name, "e", body={"type": "fanout", "durable": True})
    ages = {"m": 2, "z": 1, "a": 3}
    in_effect = set()
    for gone in (None, *ages):
        for name, number in ages.items():
            put_policy(management, vhost.name, "policies", name, {"max-length": number}, pattern="^[qe]$")
        if gone is not None:
            management.delete("policies", vhost.name, gone)

        have = broker.read()

        [name] = [
            queue["policy"]
            for queue in management.get("queues", vhost.name, disable_stats="true", columns="policy")
        ]
        items: tuple[Exchange | Queue, ...] = (have.queues["q"], have.exchanges["e"])
        assert [policy_of(item, have) for item in items] == [have.policies[name]] * 2
        assert effective_definition(have.queues["q"], have) == {"max-length": ages[name]}
        assert tied_policies(have.queues["q"], have) == ()
        unsaid = replace(have, in_effect={})
        assert [policy.name for policy in tied_policies(have.queues["q"], unsaid)] == sorted(have.policies)
        in_effect.add(name)
    assert len(in_effect) > 1


@dataclass(frozen=True)
class Contest:
    """A queue with an argument, under a policy with another value of it."""

    queue: Queue
    name: str
    key: str
    by_policy: Argument

    @property
    def topology(self) -> Topology:
        definition = {self.key: self.by_policy}
        policy = Policy(name=self.queue.name, pattern=f"^{self.queue.name}$", definition=definition)
        return Topology.of([self.queue, policy])

    def winner(self, version: tuple[int, int]) -> Argument:
        """Return the value that counts by the table."""
        return effective_arguments(self.queue, replace(self.topology, version=version))[self.name]


_CONTESTED: Final[Mapping[str, Sequence[Argument]]] = {
    "max-length": (1, 3),
    "max-length-bytes": (20_000, 40_000),
    "message-ttl": (100, 600_000),
    "expires": (1000, 600_000),
    "dead-letter-exchange": ("amq.fanout", "amq.topic"),
    "dead-letter-routing-key": ("k1", "k2"),
    "dead-letter-strategy": ("at-most-once", "at-least-once"),
    "overflow": ("drop-head", "reject-publish"),
    "delivery-limit": (1, 3),
}
_BESIDE: Final[Mapping[str, Mapping[str, Argument]]] = {
    "dead-letter-exchange": {"x-message-ttl": 50},
    "dead-letter-routing-key": {"x-message-ttl": 50, "x-dead-letter-exchange": "amq.direct"},
    "dead-letter-strategy": {
        "x-message-ttl": 50,
        "x-dead-letter-exchange": "amq.headers",
        "x-overflow": "reject-publish",
    },
    "overflow": {"x-max-length": 1},
}
_BODY: Final = "x" * 9_900


def contests(version: tuple[int, int]) -> Iterator[Contest]:
    """Yield each setting with either value as argument and the other one by policy."""
    for queue_type, (key, values) in product(("classic", "quorum"), _CONTESTED.items()):
        if key in facts.unsupported_keys(queue_type, version):
            continue
        pairs = list(permutations(values, 2))
        if key == "delivery-limit":
            pairs += [(-1, 2), (2, -1)] if version >= (4, 0) else [(-1, 2)]
        for number, (argument, by_policy) in enumerate(pairs):
            arguments = {f"x-{key}": argument, **_BESIDE.get(key, {})}
            queue = Queue(name=f"{queue_type} {key} {number}", type=queue_type, arguments=arguments)
            yield Contest(queue, f"x-{key}", key, by_policy)


class Arena:
    """A broker with the queues of contests, some messages in each, and the dead letters of all."""

    def __init__(
        self, management: Management, vhost: str, channel: amqp.Channel, asked: Sequence[Contest]
    ) -> None:
        self.management, self.vhost, self.channel = management, vhost, channel
        self._bind("amq.fanout", "", "amq.fanout")
        self._bind("amq.topic", "#", "amq.topic")
        for key in ("k1", "k2"):
            self._bind("amq.direct", key, key)
        for contest in asked:
            assert put_policy(
                management,
                vhost,
                "policies",
                contest.queue.name,
                {contest.key: contest.by_policy},
                pattern=f"^{contest.queue.name}$",
            )
            management.put("queues", vhost, contest.queue.name, body=body_of(contest.queue))
        for contest in asked:
            for number in range(5):
                message = amqp.Message(f"{number}{_BODY}", message_id=contest.queue.name, delivery_mode=2)
                with suppress(MessageNacked):
                    channel.basic_publish_confirm(message, routing_key=contest.queue.name)

    def _bind(self, exchange: str, key: str, queue: str) -> None:
        self.management.put("queues", self.vhost, f"dead {queue}", body={"durable": True})
        path = ("bindings", self.vhost, "e", exchange, "q", f"dead {queue}")
        self.management.post(*path, body={"routing_key": key})

    def drain(self, queue: str, *, requeue: bool = False, at_most: int = 40) -> list[Any]:
        found: list[Any] = []
        while len(found) < at_most and (message := self.channel.basic_get(queue)) is not None:
            found.append(message)
            self.channel.basic_reject(message.delivery_tag, requeue=requeue)
        return found

    def totals(self) -> dict[str, int]:
        query = {"disable_stats": "true", "enable_queue_totals": "true", "columns": "name,messages"}
        listing = self.management.get("queues", self.vhost, shape=ANYTHING, **query)
        return {queue["name"]: queue.get("messages", 0) for queue in listing}


def observed(arena: Arena, asked: Sequence[Contest]) -> dict[str, object]:
    """Return what shows the value in effect, once it has had time to show."""
    short = [each.queue.name for each in asked if each.key == "expires" and each.queue.type == "classic"]
    eventually(arena.totals, lambda totals: not totals.keys() & set(short), within=20)
    kept = [each.queue.name for each in asked if each.key == "dead-letter-strategy"]
    totals = eventually(arena.totals, lambda totals: sum(totals[name] > 0 for name in kept) == 1, within=20)
    dead: dict[str, str] = {}
    for name in ("amq.fanout", "amq.topic", "k1", "k2"):
        dead |= {message.properties["message_id"]: name for message in arena.drain(f"dead {name}")}
    found: dict[str, object] = {}
    for each in asked:
        name = each.queue.name
        match each.key:
            case "expires":
                found[name] = name in totals
            case "dead-letter-exchange" | "dead-letter-routing-key":
                found[name] = dead.get(name)
            case "overflow":
                found[name] = arena.drain(name)[0].body[0]
            case "delivery-limit":
                found[name] = len(arena.drain(name, requeue=True))
            case "max-length-bytes":
                found[name] = totals[name] >= 3
            case _:
                found[name] = totals[name]
    return found


def expected(contest: Contest, version: tuple[int, int]) -> object:
    """Return what shows the value in effect by the table."""
    winner = contest.winner(version)
    match contest.key, winner:
        case "expires", _:
            return winner != 1000
        case "message-ttl", _:
            return 0 if winner == 100 else 5
        case "dead-letter-strategy", _:
            return 5 if winner == "at-least-once" else 0
        case "overflow", "drop-head":
            return "4"
        case "overflow", _:
            return "0"
        case "delivery-limit", -1:  # before 4.0 it drops a message that fails once
            return 5
        case "delivery-limit", int() as limit:
            return 5 * (limit + 1)
        case "max-length-bytes", _:
            return winner == 40_000
        case _:
            return winner


@pytest.mark.lengthy
def test_an_argument_or_a_policy_counts_as_the_table_says(
    management: Management, vhost: VirtualHost, channel: amqp.Channel, under_test: BrokerUnderTest
) -> None:
    version = under_test.release
    asked = list(contests(version))

    arena = Arena(management, vhost.name, channel, asked)
    found = observed(arena, asked)

    wanted = {each.queue.name: expected(each, version) for each in asked}
    assert len(asked) > 30
    assert {name: (found[name], want) for name, want in wanted.items() if found[name] != want} == {}


def test_the_default_exchange_has_no_alternate_exchange(
    management: Management, broker: RabbitMQ, vhost: VirtualHost, channel: amqp.Channel
) -> None:
    """Other exchanges of RabbitMQ's own have one, if a policy says so."""
    management.put("exchanges", vhost.name, "backup", body={"type": "fanout", "durable": True})
    management.put("queues", vhost.name, "saved", body={"durable": True})
    management.post("bindings", vhost.name, "e", "backup", "q", "saved", body={"routing_key": ""})
    put_policy(management, vhost.name, "policies", "ae", {"alternate-exchange": "backup"}, pattern=".*")
    routing = Routing(broker.read())

    for exchange in ("", "amq.direct", "amq.topic", "amq.headers"):
        channel.basic_publish(amqp.Message(exchange), exchange=exchange, routing_key="nowhere")
        found = channel.basic_get("saved", no_ack=True)
        routed = routing.publish(Message(exchange=exchange, routing_key="nowhere"))
        assert list(routed.queues) == ([] if found is None else ["saved"])
        assert bool(exchange) == bool(routed.queues)
