"""RabbitMQ and the simulator send every message, and every dead letter, to the same queues.

The test creates random topologies on the broker, publishes random messages and reads all queues.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from secrets import token_hex
from typing import Any, NamedTuple

import amqp
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.operations.setup import setup
from attune_infra.sandbox import BoundSandbox
from attune_infra.topology.facts.releases import Version
from attune_infra.topology.model import Binding, Exchange, Message, Topology
from attune_infra.topology.routing.route import Routing, _TopicBindings, _Word
from attune_infra.topology.routing.trace import Life, Reason, Trace, dead_letter, trace
from support.routed import PLUGIN_TYPES, Routable, routables
from support.under_test import BrokerUnderTest
from support.virtual_host import VirtualHost, create_virtual_host

MESSAGES_EACH = 50
"""Messages to one topology."""

QUIET = 0.2
"""Seconds without a message after which a plugin is taken to have sent all copies that it may send."""

_AFTER, _INDEX = _Word.after, _TopicBindings.__init__

Copies = Counter[str]
"""Copies of a message in each queue."""


@pytest.fixture(scope="module")
def sandbox(sandbox_with_plugins: BoundSandbox) -> BoundSandbox:
    return sandbox_with_plugins


@pytest.fixture
def plugin_types(broker: RabbitMQ) -> Sequence[str]:
    """The exchange types of plugins that this release has."""
    return [each for each in PLUGIN_TYPES if each in (broker.read().exchange_types or ())]


@pytest.mark.lengthy
def test_rabbitmq_routes_every_message_as_simulated(
    vhost: VirtualHost,
    under_test: BrokerUnderTest,
    plugin_types: Sequence[str],
    pytestconfig: pytest.Config,
) -> None:
    count, chosen = pytestconfig.getoption("--messages"), pytestconfig.getoption("--seed")

    @seed(chosen)
    @settings(
        max_examples=-(-count // MESSAGES_EACH),
        deadline=None,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(routable=routables(plugin_types))
    def check(routable: Routable) -> None:
        assert disagreements(routable, vhost, under_test.release) == []

    check()


def _nothing_empty(node: _Word, word: str) -> list[_Word]:
    return _AFTER(node, word) if word else []


def _always(*_: object) -> bool:
    return True


def _no_alternate(_routing: Routing, _exchange: Exchange) -> None:
    return None


def _star_as_hash(index: _TopicBindings, bindings: Sequence[Binding], version: Version) -> None:
    _INDEX(index, [replace(each, routing_key=each.routing_key.replace("*", "#")) for each in bindings], version)


def _never(_: object) -> bool:
    return False


def _keeping_its_key(life: Life, reason: Reason, exchange: str, _: str | None, version: Version) -> Message:
    return dead_letter(life, reason, exchange, None, version)


def _only_itself(word: object) -> list[object]:
    return [word]


class Mutant(NamedTuple):
    """A part of the simulator, a wrong one in its place, and the exchange types of plugins that show it."""

    name: str
    wrong: object
    plugin_types: Sequence[str] = ()


@pytest.mark.any_broker
@pytest.mark.parametrize(
    "mutant",
    [
        pytest.param(Mutant("routing.route._Word.after", _nothing_empty), id="an empty word matches nothing"),
        pytest.param(Mutant("routing.route._TopicBindings.__init__", _star_as_hash), id="a star is a hash"),
        pytest.param(Mutant("routing.route._Word.with_no_word", _only_itself), id="a hash matches nothing"),
        pytest.param(Mutant("routing.headers.are_alike", _always), id="types do not count"),
        pytest.param(Mutant("routing.headers.demands_any", _never), id="x-match any is all"),
        pytest.param(Mutant("routing.route.Routing.alternate_of", _no_alternate), id="no alternate exchange"),
        pytest.param(Mutant("routing.trace.dead_letter", _keeping_its_key), id="dead letters keep their keys"),
        pytest.param(Mutant("routing.route.Hop.is_understood", True, ["x-random"]), id="plugins choose nothing"),
    ],
)
def test_a_wrong_simulator_is_caught(
    mutant: Mutant, vhost: VirtualHost, under_test: BrokerUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"attune_infra.topology.{mutant.name}", mutant.wrong)

    @settings(
        max_examples=100,
        deadline=None,
        derandomize=True,
        report_multiple_bugs=False,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(routable=routables(mutant.plugin_types))
    def check(routable: Routable) -> None:
        assert disagreements(routable, vhost, under_test.release) == []

    with pytest.raises(AssertionError):
        check()


@dataclass(frozen=True)
class Disagreement:
    """A message that went elsewhere than was said."""

    message: Message
    at_least: Copies
    at_most: Copies
    seen: Copies


def disagreements(routable: Routable, beside: VirtualHost, release: Version) -> list[Disagreement]:
    """Return the messages that went elsewhere than was said.

    A plugin may choose among bindings. Then `at_least` is less than `at_most`, and the copies lie between them.
    """
    messages = list(routable.messages(MESSAGES_EACH))
    simulated = Routing(routable.topology, version=release)
    traces = [trace(simulated, message) for message in messages]
    at_least = [Counter(_ends(found, routable.fates, possible=False)) for found in traces]
    at_most = [Counter(_ends(found, routable.fates, possible=True)) for found in traces]
    with create_virtual_host(beside, f"routed {token_hex(4)}") as vhost:
        _make(routable.topology, vhost)
        with vhost.client() as connection:
            seen = _Reader(connection, routable).read(messages, at_least, more=at_least != at_most)
    for number, found in enumerate(traces):
        if not found.routed.possible:
            assert (number in seen.returned) == found.is_unroutable, messages[number]
    return [
        Disagreement(*found)
        for found in zip(messages, at_least, at_most, seen.copies, strict=True)
        if not found[1] <= found[3] <= found[2]
    ]


def _make(topology: Topology, vhost: VirtualHost) -> None:
    """Make a topology; policies come first, since they take effect on what is there a little later."""
    with RabbitMQ(vhost.settings()) as broker:
        for wanted in (Topology.of(topology.policies.values()), topology):
            report = setup(broker, wanted)
            assert report.exit_code == 0, [outcome for outcome in report.outcomes if outcome.reason]


def _ends(found: Trace, fates: Mapping[str, Reason | None], *, possible: bool) -> Iterator[str]:
    """Yield the queue in which each copy of a message comes to rest, also those that a plugin may send."""
    first = (*found.routed.queues, *found.routed.possible) if possible else found.routed.queues
    waiting: list[tuple[int, tuple[tuple[str, Reason], ...]]] = [(place, ()) for place, _ in enumerate(first)]
    while waiting:
        place, before = waiting.pop()
        life = found.lives[place]
        name = life.queue.name
        reason = fates[name]
        if reason is None or (_is_consumed(reason) and any(queue == name for queue, _ in before)):
            yield name
            continue
        path = (*before, (name, reason))
        [death] = [death for death in life.deaths if reason in [cause.reason for cause in death.causes]]
        certain = len(death.routed.queues) if death.routed else 0
        for following in death.lives if possible else death.lives[:certain]:
            target = found.lives[following].queue.name
            if _is_dropped(target, path):
                assert target in death.dropped
            else:
                waiting.append((following, path))


def _is_dropped(target: str, path: Sequence[tuple[str, Reason]]) -> bool:
    """Return whether a dead letter came round to a queue without ever being rejected."""
    since = [reason for queue, reason in path]
    for place in range(len(path) - 1, -1, -1):
        if path[place][0] == target:
            return Reason.REJECTED not in since[place:]
    return False


def _is_consumed(reason: Reason | None) -> bool:
    return reason in {None, Reason.REJECTED, Reason.DELIVERY_LIMIT}


class _Reader:
    """Publishes messages, and consumes from all queues whose fate is not to die by themselves."""

    def __init__(self, connection: amqp.Connection, routable: Routable) -> None:
        self.connection = connection
        self.routable = routable
        self.copies: list[Copies] = []
        self.returned: list[int] = []
        self.unsettled: set[int] = set()
        self.ended: set[str] = set()

    def read(self, messages: Sequence[Message], expected: Sequence[Copies], *, more: bool) -> _Reader:
        self.copies = [Counter() for _ in messages]
        self._publish(messages)
        consumed = [name for name, fate in self.routable.fates.items() if _is_consumed(fate)]
        channel = self.connection.channel()
        channel.basic_qos(0, 0, a_global=False)
        for name in consumed:
            channel.basic_consume(name, no_ack=False, callback=self._consumer(channel, name))
        self._wait(lambda: all(want <= have for want, have in zip(expected, self.copies, strict=True)))
        if more:
            self._wait(lambda: False, quiet=QUIET)
        for name in consumed:
            channel.basic_publish(amqp.Message("", type="end"), routing_key=name)
        self._wait(lambda: self.ended == set(consumed))
        return self

    def _publish(self, messages: Sequence[Message]) -> None:
        channel = self.connection.channel()
        channel.confirm_select()
        self.unsettled = set(range(1, len(messages) + 1))
        channel.events["basic_ack"].add(self._on_settled)
        channel.events["basic_nack"].add(self._on_settled)
        channel.events["basic_return"].add(self._on_returned)
        for number, message in enumerate(messages):
            sent = amqp.Message("", message_id=str(number), application_headers=dict(message.headers))
            channel.basic_publish(sent, message.exchange, message.routing_key, mandatory=True)
        self._wait(lambda: not self.unsettled, quiet=20)

    def _wait(self, is_over: Callable[[], bool], quiet: float = 2) -> None:
        """Read from the connection until something is so, or nothing came for a time in seconds."""
        while not is_over():
            try:
                self.connection.drain_events(timeout=quiet)
            except TimeoutError:
                return

    def _on_settled(self, delivery_tag: int, multiple: bool) -> None:
        if multiple:
            self.unsettled -= set(range(1, delivery_tag + 1))
        else:
            self.unsettled.discard(delivery_tag)

    def _on_returned(self, _reason: Exception, _exchange: str, _routing_key: str, message: Any) -> None:
        self.returned.append(int(message.message_id))

    def _consumer(self, channel: amqp.Channel, name: str) -> Callable[[Any], None]:
        fate = self.routable.fates[name]

        def consume(message: Any) -> None:
            deaths = (message.headers or {}).get("x-death", [])
            if message.properties.get("type") == "end":
                self.ended.add(name)
            elif fate is not None and all(death["queue"] != name for death in deaths):
                channel.basic_reject(message.delivery_tag, requeue=fate is Reason.DELIVERY_LIMIT)
                return
            else:
                self.copies[int(message.message_id)][name] += 1
            channel.basic_ack(message.delivery_tag)

        return consume
