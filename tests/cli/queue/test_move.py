"""`attune-infra queue move` and `queue copy`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import amqp
import pytest

from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.errors import ExitCode
from attune_infra.settings import AMQP_URL
from support.as_a_user import Command
from support.eventually import eventually
from support.proxy import Proxy
from support.traffic import publish_many
from support.virtual_host import VirtualHost

TYPES = ("classic", "quorum", "stream")
PROPERTIES: dict[str, Any] = {
    "content_type": "application/json",
    "content_encoding": "gzip",
    "delivery_mode": 2,
    "priority": 9,
    "correlation_id": "c",
    "reply_to": "r",
    "message_id": "m",
    "timestamp": int(datetime(2026, 1, 2, tzinfo=UTC).timestamp()),
    "type": "t",
    "app_id": "a",
}
HEADERS = {"nested": {"list": [1, "two", {"three": True}]}, "long": 1 << 40, "negative": -5, "text": "\u00e4"}
IN_STREAMS = {name: value for name, value in HEADERS.items() if name != "nested"}
"""Headers that a stream keeps: it drops tables and arrays."""
BODIES = (b"", b"\x00\xff binary", b"x" * 300_000)


def declare(channel: Any, name: str, kind: str, **arguments: Any) -> None:
    channel.queue_declare(name, durable=True, auto_delete=False, arguments={"x-queue-type": kind, **arguments})


def publish(channel: Any, queue: str, *messages: amqp.Message) -> None:
    channel.confirm_select()
    for message in messages:
        channel.basic_publish_confirm(message, routing_key=queue)


def receive(channel: Any, queue: str, count: int, *, is_stream: bool = False) -> list[amqp.Message]:
    found: list[amqp.Message] = []
    channel.basic_qos(0, 100, a_global=False)
    tag = channel.basic_consume(
        queue, callback=found.append, arguments={"x-stream-offset": "first"} if is_stream else {}
    )
    while len(found) < count:
        channel.connection.drain_events(timeout=10)
    channel.basic_cancel(tag)
    return found


@pytest.mark.parametrize("target", TYPES)
@pytest.mark.parametrize("source", TYPES[:2])
def test_a_message_keeps_everything_but_its_exchange(
    channel: Any, attune_infra: Command, source: str, target: str
) -> None:
    declare(channel, "a", source)
    declare(channel, "b", target)
    publish(channel, "a", *(amqp.Message(body, application_headers=HEADERS, **PROPERTIES) for body in BODIES))
    publish(channel, "a", amqp.Message("plain"))

    result = attune_infra("queue", "move", "a", "b", "--yes")

    assert result.code == ExitCode.DONE, result.stderr
    assert result.lines == ["queue a: 4 messages moved to queue b"]
    found = receive(channel, "b", 4, is_stream=target == "stream")
    bodies = [body.encode() if isinstance(body, str) else body for body in (each.body for each in found)]
    assert bodies == [*BODIES, b"plain"]
    for message in found[:3]:
        headers = {name: value for name, value in message.headers.items() if name != "x-stream-offset"}
        assert headers == (IN_STREAMS if target == "stream" else HEADERS)
        assert {name: message.properties[name] for name in PROPERTIES} == PROPERTIES
    assert {message.delivery_info["routing_key"] for message in found} == {"a"}
    assert not found[3].properties.get("application_headers", {}).keys() - {"x-stream-offset"}


def test_nothing_is_left_behind(broker: RabbitMQ, channel: Any, attune_infra: Command) -> None:
    declare(channel, "a", "classic")
    declare(channel, "b", "classic")
    publish(channel, "a", amqp.Message("1"))

    attune_infra("queue", "move", "a", "b", "--yes")

    found = broker.read(private=True)
    assert (set(found.queues), set(found.exchanges)) == ({"a", "b"}, set())


def test_a_header_for_more_routing_keys_has_no_effect_again(channel: Any, attune_infra: Command) -> None:
    for name in ("a", "b", "other"):
        declare(channel, name, "classic")
    publish(channel, "a", amqp.Message("1", application_headers={"CC": ["other"]}))
    assert channel.basic_get("other", no_ack=True) is not None

    attune_infra("queue", "move", "a", "b", "--yes")

    assert channel.basic_get("other", no_ack=True) is None
    assert channel.basic_get("b", no_ack=True).headers == {"CC": ["other"]}


def test_only_what_is_selected_is_moved_and_the_rest_keeps_its_order(channel: Any, attune_infra: Command) -> None:
    declare(channel, "a", "classic")
    declare(channel, "b", "classic")
    publish(channel, "a", *(amqp.Message(str(n), application_headers={"even": n % 2 == 0}) for n in range(10)))

    result = attune_infra("queue", "move", "a", "b", "--where", "even=true", "--yes")

    assert result.lines == ["queue a: 5 messages moved to queue b", "  5 messages were not selected, and stay"]
    assert [message.body for message in receive(channel, "b", 5)] == ["0", "2", "4", "6", "8"]
    assert [message.body for message in receive(channel, "a", 5)] == ["1", "3", "5", "7", "9"]


def test_a_limit_leaves_the_rest_in_order(channel: Any, attune_infra: Command) -> None:
    declare(channel, "a", "classic")
    declare(channel, "b", "classic")
    publish(channel, "a", *(amqp.Message(str(n)) for n in range(10)))

    result = attune_infra("queue", "move", "a", "b", "--limit", "4", "--yes", "--output", "json")

    assert (result.json["moved"], result.json["not_selected"]) == (4, 0)
    assert [message.body for message in receive(channel, "b", 4)] == ["0", "1", "2", "3"]
    assert [message.body for message in receive(channel, "a", 6)] == ["4", "5", "6", "7", "8", "9"]


@pytest.mark.parametrize("source", TYPES)
def test_a_copy_leaves_the_messages(channel: Any, attune_infra: Command, source: str) -> None:
    declare(channel, "a", source)
    declare(channel, "b", "classic")
    publish(channel, "a", *(amqp.Message(str(n)) for n in range(20)))

    result = attune_infra("queue", "copy", "a", "b", "--yes")

    assert result.lines[:1] == ["queue a: 20 messages copied to queue b"], result.stderr
    expected = [str(n) for n in range(20)]
    assert [message.body for message in receive(channel, "b", 20)] == expected
    assert [message.body for message in receive(channel, "a", 20, is_stream=source == "stream")] == expected


@pytest.mark.parametrize(
    ("action", "then"),
    [
        ("move", "continues where this one was cut"),
        ("copy", "copies every message, also those that are copied by now"),
    ],
)
def test_a_cut_command_says_what_the_next_run_does(
    vhost: VirtualHost, channel: Any, attune_infra: Command, action: str, then: str
) -> None:
    for name in ("a", "b"):
        declare(channel, name, "classic")
    publish_many(channel, "", "a", 0, 5000)
    with Proxy(vhost.ports[0], cut_after=200_000) as proxy:
        url = {AMQP_URL.variable: vhost.amqp_url_through(proxy.port)}
        cut = attune_infra("queue", action, "a", "b", "--yes", environment=url)

    assert cut.code == ExitCode.FAILED
    assert f"run the command again: it {then}" in cut.stderr


def test_the_user_of_another_login_is_left_out_and_counted(channel: Any, attune_infra: Command) -> None:
    declare(channel, "a", "classic")
    declare(channel, "b", "classic")
    publish(channel, "a", amqp.Message("own", user_id="guest"), amqp.Message("none"))

    result = attune_infra("queue", "move", "a", "b", "--yes")

    assert result.lines == ["queue a: 2 messages moved to queue b"]
    assert [message.properties.get("user_id") for message in receive(channel, "b", 2)] == ["guest", None]


@pytest.mark.parametrize(
    ("ends", "sentence"),
    [
        (("a", "a"), "error: a queue cannot be moved to itself"),
        (("a", "nowhere"), "error: there is no queue nowhere"),
        (("s", "a"), "error: queue s is a stream, which keeps its messages"),
        (("a", "small"), "error: queue small takes at most 1 message, and would get more"),
    ],
)
def test_an_impossible_move_changes_nothing(
    channel: Any, attune_infra: Command, ends: tuple[str, str], sentence: str
) -> None:
    declare(channel, "a", "classic")
    declare(channel, "s", "stream")
    declare(channel, "small", "classic", **{"x-max-length": 1})
    publish(channel, "a", amqp.Message("1"), amqp.Message("2"))
    eventually(lambda: channel.queue_declare("a", passive=True).message_count, lambda count: count == 2)

    result = attune_infra("queue", "move", *ends, "--yes")

    assert result.code == ExitCode.FAILED
    assert result.stderr.startswith(sentence)
    assert channel.queue_declare("a", passive=True).message_count == 2


def test_without_a_terminal_it_wants_a_yes(channel: Any, attune_infra: Command) -> None:
    declare(channel, "a", "classic")
    declare(channel, "b", "classic")

    result = attune_infra("queue", "move", "a", "b")

    assert result.code == ExitCode.REFUSED
    assert "no terminal to ask: move messages from queue a to queue b" in result.stderr


def test_a_stream_longer_than_what_is_fetched_at_once_is_copied_whole(channel: Any, attune_infra: Command) -> None:
    declare(channel, "a", "stream")
    declare(channel, "b", "classic")
    sent = publish_many(channel, "", "a", 0, 2500)

    result = attune_infra("queue", "copy", "a", "b", "--yes")

    assert result.lines == ["queue a: 2500 messages copied to queue b"], result.stderr
    assert channel.queue_declare("b", passive=True).message_count == len(sent)
