"""Messages go back from a dead letter queue to where they came from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import amqp
import pytest

from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.errors import ExitCode, InvalidInput
from attune_infra.messages.replay import Place, Refusal, Replayed
from attune_infra.messages.selection import parse_selection
from attune_infra.operations.replay import Replaying, dead_letter_queue, parse_place
from attune_infra.topology.facts.between import ledger_of
from attune_infra.topology.model import Exchange, Queue, Topology
from support.dead_letters import DEAD, ORDERS, REASONS, bodies, count, declare, drain, kill, publish, wait_for
from support.virtual_host import VirtualHost

IDS = [f"m{number}" for number in range(5)]


@pytest.fixture(params=["classic", "quorum"])
def dead(channel: amqp.Channel, request: pytest.FixtureRequest) -> str:
    """A dead letter queue of each type."""
    declare(channel, request.param)
    return DEAD


@pytest.fixture
def replay(broker: RabbitMQ) -> Callable[..., Replayed]:
    def run(**options: Any) -> Replayed:
        return Replaying(broker, DEAD, **options).carry_out()

    return run


@pytest.mark.usefixtures("dead")
def test_each_kind_of_death_goes_back(channel: amqp.Channel, vhost: VirtualHost, replay: Any) -> None:
    for reason in REASONS:
        publish(channel, reason, [f"{reason} {each}" for each in IDS], key=f"{reason}.new")
    kill(channel, vhost)
    wait_for(channel, {DEAD: len(REASONS) * len(IDS)})

    found = replay()

    assert {way.reason: tally.count for way, tally in found.ways} == dict.fromkeys(REASONS, len(IDS))
    assert all(way.returns and not way.copies_elsewhere for way, _ in found.ways)
    assert found.moved.moved == len(REASONS) * len(IDS)
    assert found.exit_code is ExitCode.DONE
    wait_for(channel, dict.fromkeys(REASONS, len(IDS)))
    for reason in REASONS:
        messages = [*drain(channel, reason)]
        assert [message.body for message in messages] == [f"{reason} {each}" for each in IDS]
        assert {message.delivery_info["routing_key"] for message in messages} == {f"{reason}.new"}
        for message in messages:
            assert message.properties["message_id"] == message.body
            headers = {name: value for name, value in message.headers.items() if name != "x-delivery-count"}
            assert headers == {"x-attune-replays": 1}


def test_nothing_of_the_move_is_left(
    channel: amqp.Channel, vhost: VirtualHost, replay: Any, broker: RabbitMQ
) -> None:
    declare(channel)
    publish(channel, "rejected", IDS)
    kill(channel, vhost, "rejected")
    wait_for(channel, {DEAD: len(IDS)})

    replay()

    assert ledger_of(DEAD) not in broker.read().queues
    assert broker.contents(DEAD)[0] == 0


@pytest.mark.usefixtures("dead")
def test_a_message_is_sent_back_only_so_often(channel: amqp.Channel, vhost: VirtualHost, replay: Any) -> None:
    publish(channel, "rejected", IDS, application_headers={"own": "kept"})
    for number in range(2):
        kill(channel, vhost, "rejected")
        wait_for(channel, {DEAD: len(IDS)})
        assert replay(max_replays=2).moved.moved == len(IDS), number
        wait_for(channel, {"rejected": len(IDS)})
    kill(channel, vhost, "rejected")
    wait_for(channel, {DEAD: len(IDS)})

    found = replay(max_replays=2)

    assert [way.refusal for way, _ in found.ways] == [Refusal.TOO_OFTEN]
    assert (found.moved.moved, found.moved.kept, found.exit_code) == (0, len(IDS), ExitCode.PARTLY_DONE)
    wait_for(channel, {DEAD: len(IDS)})
    assert {message.headers["own"] for message in drain(channel, DEAD)} == {"kept"}


@pytest.mark.usefixtures("dead")
def test_what_leads_nowhere_stays(channel: amqp.Channel, vhost: VirtualHost, replay: Any) -> None:
    for reason in ("rejected", "maxlen"):
        publish(channel, reason, IDS)
    kill(channel, vhost, "rejected", "maxlen")
    wait_for(channel, {DEAD: 2 * len(IDS)})
    channel.queue_unbind("maxlen", ORDERS, "maxlen.#")

    found = replay()

    assert {way.reason: way.refusal for way, _ in found.ways} == {"rejected": None, "maxlen": Refusal.NO_QUEUE}
    wait_for(channel, {"rejected": len(IDS), DEAD: len(IDS)})
    assert bodies(channel, DEAD) == IDS


def test_a_missing_exchange_is_told(channel: amqp.Channel, vhost: VirtualHost, replay: Any) -> None:
    declare(channel)
    publish(channel, "rejected", IDS)
    kill(channel, vhost, "rejected")
    wait_for(channel, {DEAD: len(IDS)})
    channel.exchange_delete(ORDERS)

    assert [way.refusal for way, _ in replay().ways] == [Refusal.NO_EXCHANGE]
    wait_for(channel, {DEAD: len(IDS)})


@pytest.mark.usefixtures("dead")
def test_what_was_not_selected_stays(channel: amqp.Channel, vhost: VirtualHost, replay: Any) -> None:
    publish(channel, "rejected", ["a"], application_headers={"customer": 1})
    publish(channel, "rejected", ["b"], application_headers={"customer": 2})
    kill(channel, vhost, "rejected")
    wait_for(channel, {DEAD: 2})

    found = replay(selection=parse_selection(["customer=2"]))

    assert (found.moved.moved, found.not_selected, found.exit_code) == (1, 1, ExitCode.DONE)
    wait_for(channel, {"rejected": 1, DEAD: 1})
    assert bodies(channel, "rejected") == ["b"]
    assert bodies(channel, DEAD) == ["a"]


@pytest.mark.usefixtures("dead")
def test_at_most_so_many_are_sent(channel: amqp.Channel, vhost: VirtualHost, replay: Any) -> None:
    publish(channel, "rejected", IDS)
    kill(channel, vhost, "rejected")
    wait_for(channel, {DEAD: len(IDS)})

    assert replay(limit=2).moved.moved == 2

    wait_for(channel, {"rejected": 2})
    wait_for(channel, {DEAD: len(IDS) - 2})


def test_messages_that_die_again_at_once_are_not_sent_again(channel: amqp.Channel, replay: Any) -> None:
    declare(channel)
    dead_letters = {"x-dead-letter-exchange": "dlx", "x-message-ttl": 0}
    channel.queue_declare("short", durable=True, auto_delete=False, arguments=dead_letters)
    channel.queue_bind("short", ORDERS, "short")
    publish(channel, "short", IDS)
    wait_for(channel, {DEAD: len(IDS)})

    found = replay()

    assert found.moved.moved == len(IDS)
    wait_for(channel, {DEAD: len(IDS)})
    assert {message.headers["x-attune-replays"] for message in drain(channel, DEAD)} == {1}


def test_a_chain_of_deaths_survives_many_replays(channel: amqp.Channel, replay: Any) -> None:
    """Releases before 4.0 take a message with the `x-death` of an automatic chain for a cycle, and drop it."""
    declare(channel)
    for name, following in (("first", "second"), ("second", DEAD)):
        expiring = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": following, "x-message-ttl": 1}
        channel.queue_declare(name, durable=True, auto_delete=False, arguments=expiring)
    channel.queue_bind("first", ORDERS, "first")
    publish(channel, "first", IDS)
    for _ in range(3):
        wait_for(channel, {DEAD: len(IDS)})
        assert replay().moved.moved == len(IDS)
    wait_for(channel, {DEAD: len(IDS)})


@pytest.mark.parametrize("own_key", [{}, {"x-dead-letter-routing-key": "dead"}])
def test_the_keys_of_cc_come_back(channel: amqp.Channel, replay: Any, own_key: dict[str, str]) -> None:
    declare(channel)
    arguments = {"x-dead-letter-exchange": "dlx", **own_key}
    channel.queue_declare("copied", durable=True, auto_delete=False, arguments=arguments)
    channel.queue_bind("copied", ORDERS, "more")
    publish(channel, "copied", ["a"], key="rejected", application_headers={"CC": ["more"]})
    [message] = [channel.basic_get("copied")]
    channel.basic_reject(message.delivery_tag, requeue=False)
    wait_for(channel, {DEAD: 1})

    [(way, _)] = replay().ways

    assert (way.queues, way.copies_elsewhere, way.returns) == (("copied", "rejected"), ("rejected",), True)
    wait_for(channel, {"copied": 1})
    [again] = drain(channel, "copied")
    assert again.headers == {"CC": ["more"], "x-attune-replays": 1}
    assert again.delivery_info["routing_key"] == "rejected"
    assert count(channel, "rejected") == 2


@pytest.mark.parametrize(
    ("to", "key"),
    [("elsewhere", "elsewhere"), ("all", "rejected")],
)
def test_another_place_is_given(channel: amqp.Channel, vhost: VirtualHost, replay: Any, to: str, key: str) -> None:
    declare(channel)
    channel.queue_declare("elsewhere", durable=True, auto_delete=False)
    channel.exchange_declare("all", "fanout", durable=True, auto_delete=False)
    channel.queue_bind("elsewhere", "all")
    publish(channel, "rejected", ["a"], application_headers={"CC": ["maxlen"]})
    kill(channel, vhost, "rejected")
    wait_for(channel, {DEAD: 1})

    replay(to=to)

    wait_for(channel, {"elsewhere": 1})
    [message] = drain(channel, "elsewhere")
    assert message.delivery_info["routing_key"] == key
    assert [*drain(channel, "rejected")] == []


def test_a_message_without_a_death_needs_a_place(channel: amqp.Channel, replay: Any) -> None:
    declare(channel)
    channel.basic_publish(amqp.Message("a"), "", DEAD)
    wait_for(channel, {DEAD: 1})

    assert [way.refusal for way, _ in replay().ways] == [Refusal.NO_ORIGIN]

    assert replay(to="rejected").moved.moved == 1


def test_a_message_does_not_go_back_into_the_same_queue(channel: amqp.Channel, replay: Any) -> None:
    declare(channel)
    channel.basic_publish(amqp.Message("a"), "", DEAD)
    wait_for(channel, {DEAD: 1})

    assert [way.refusal for way, _ in replay(to="dlx").ways] == [Refusal.SAME_QUEUE]


TOPOLOGY = Topology.of(
    [
        Queue(name="q", type="classic"),
        Queue(name="log", type="stream"),
        Queue(name="a:b"),
        Exchange(name="e:x"),
        Exchange(name="e"),
        Exchange(name="q"),
    ]
)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a:b", Place("", "a:b")),
        ("e", Place("e")),
        ("e:", Place("e", "")),
        ("e:k:l", Place("e", "k:l")),
        ("amq.topic:k", Place("amq.topic", "k")),
        ("amq.default:q", Place("", "q")),
        ("q:k", Place("q", "k")),
    ],
)
def test_a_place_is_named(text: str, place: Place) -> None:
    assert parse_place(text, TOPOLOGY) == place


@pytest.mark.parametrize("text", ["nowhere", "q", "e:x", "nowhere:k"])
def test_a_place_that_is_missing_or_ambiguous_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_place(text, TOPOLOGY)


@pytest.mark.parametrize(("name", "words"), [("gone", "does not exist"), ("log", "is a stream")])
def test_a_queue_must_exist_and_give_its_messages_away(name: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        dead_letter_queue(TOPOLOGY, name)
