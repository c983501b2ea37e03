"""`attune-infra tap`: what passes an exchange is seen, and nothing is left behind."""

from __future__ import annotations

import signal
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import amqp
import pytest

from attune_infra.broker.http.management import Management
from attune_infra.messages.jsonl import read_lines
from attune_infra.settings import AMQP_URL
from support.as_a_user import Command
from support.eventually import eventually
from support.proxy import Proxy
from support.taps import QUEUE, Start, bindings_of, declare, parse, queues_of, send
from support.virtual_host import VirtualHost


def test_a_message_is_a_line_and_the_sum_comes_at_the_end(
    tap: Start, channel: amqp.Channel, management: Management, vhost: VirtualHost
) -> None:
    declare(channel, "events", "topic", "#")
    found = tap("events", "order.*", "--count", "2")

    send(channel, "events", "order.paid", "user.new", "order.\x1b[31mred", content_type="text/plain")
    lines = found.end()

    assert [line.split("  ")[1:] for line in lines] == [
        ["order.paid", "10 B", "order.paid"],
        ["order.\\x1b[31mred", "14 B", "order.\\x1b[31mred"],
    ]
    first, second = found.sums
    assert first.startswith("2 messages, 24 B, in ")
    assert second == "none dropped"
    assert found.warnings == []
    assert queues_of(management, vhost) == ["events"]


def test_json_has_a_line_for_each_message_and_one_for_the_sum(tap: Start, channel: amqp.Channel) -> None:
    declare(channel, "events", "fanout", "")
    found = tap("events", "--count", "2", "-o", "json")

    headers = {"n": 5, "deep": {"list": ["a", 1]}}
    send(channel, "events", "a", message_id="m1", application_headers=headers, delivery_mode=2)
    channel.basic_publish_confirm(amqp.Message(b"\xff\x00"), "events", "b")
    first, second, last = found.end_in_json()

    assert first["schema"] == "attune-infra/tap-message/1"
    assert (first["routing_key"], first["body"], first["headers"]) == ("a", "a", headers)
    assert first["properties"]["message_id"] == "m1"
    assert (second["body_base64"], second["body"]) == ("/wA=", None)
    assert last["schema"] == "attune-infra/tap/1"
    assert (last["messages"], last["shown"], last["body_bytes"], last["ended"]) == (2, 2, 3, "count")
    assert (last["dropped"], last["dropped_is_exact"], last["lost"], last["exit_code"]) == (0, True, None, 0)


def test_saved_messages_are_as_they_were(tap: Start, channel: amqp.Channel, tmp_path: Path) -> None:
    declare(channel, "events", "topic", "#")
    file = tmp_path / "seen.jsonl"
    found = tap("events", "--save", str(file), "--count", "2")

    send(channel, "events", "a", "b", priority=3, application_headers={"small": 1, "none": None})
    found.end()

    with file.open("rb") as saved:
        messages = [each.message for each in read_lines(saved, file.name)]
    assert [(each.exchange, each.routing_key, each.body) for each in messages] == [
        ("events", "a", b"a"),
        ("events", "b", b"b"),
    ]
    assert messages[0].headers == {"small": 1, "none": None}
    assert messages[0].properties["priority"] == 3


def test_a_file_that_exists_is_kept(attune_infra: Command, channel: amqp.Channel, tmp_path: Path) -> None:
    declare(channel, "events", "topic", "#")
    file = tmp_path / "seen.jsonl"
    file.write_text("mine")

    result = attune_infra("tap", "events", "--save", str(file))

    assert (result.code, file.read_text()) == (1, "mine")
    assert result.stderr == f"error: {file} exists\nhint:  name a file that does not exist\n"


@pytest.mark.parametrize(
    ("kind", "keys", "arguments", "published", "seen"),
    [
        ("topic", ["#"], (), ["a", "b.c"], ["a", "b.c"]),
        ("topic", ["#"], ("b.*",), ["a", "b.c"], ["b.c"]),
        ("topic", ["a"], ("--only-routed",), ["b.c", "a"], ["a"]),
        ("direct", ["a", "b"], (), ["a", "c", "b"], ["a", "b"]),
        ("direct", ["a", "b"], ("c",), ["a", "c", "b"], ["c"]),
        ("direct", ["a"], ("",), ["a", ""], [""]),
        ("fanout", ["x"], (), ["a", "b"], ["a", "b"]),
        ("fanout", ["x"], ("--only-routed",), ["a", "b"], ["a", "b"]),
        ("headers", [""], (), ["a", "b"], ["a", "b"]),
    ],
)
def test_each_type_of_exchange_is_tapped(
    tap: Start,
    channel: amqp.Channel,
    *,
    kind: str,
    keys: list[str],
    arguments: tuple[str, ...],
    published: list[str],
    seen: list[str],
) -> None:
    declare(channel, "e", kind, *keys)
    found = tap("e", *arguments, "--count", str(len(seen)), "-o", "json")

    send(channel, "e", *published)

    assert [each["routing_key"] for each in found.end_in_json()[:-1]] == seen


def test_a_headers_exchange_is_tapped_by_headers(tap: Start, channel: amqp.Channel) -> None:
    declare(channel, "e", "headers", "")
    found = tap("e", "--header", "n=5", "--header", "kind=x", "--count", "1", "-o", "json")

    for number, key in ((4, "no"), (5, "yes")):
        send(channel, "e", key, application_headers={"n": number, "kind": "x"})

    assert [each["routing_key"] for each in found.end_in_json()[:-1]] == ["yes"]


def test_an_internal_exchange_is_tapped_and_the_first_exchange_named(
    tap: Start, channel: amqp.Channel, management: Management, vhost: VirtualHost
) -> None:
    internal = {"type": "topic", "durable": True, "internal": True, "auto_delete": False, "arguments": {}}
    management.put("exchanges", vhost.name, "inner", body=internal)
    declare(channel, "outer", "topic", "#")
    channel.exchange_bind("inner", "outer", "#")
    found = tap("inner", "--count", "1")

    send(channel, "outer", "a")

    assert found.end()[0].split("  ")[1] == "a (via outer)"


def test_the_default_exchange_is_seen_through_the_trace_of_the_broker(
    tap: Start, attune_infra: Command, channel: amqp.Channel, management: Management, vhost: VirtualHost
) -> None:
    refused = attune_infra("tap", "amq.default")
    assert refused.code == 1
    assert "`attune-infra tap amq.rabbitmq.trace publish.`" in refused.stderr

    management.put("vhosts", vhost.name, body={"tracing": True})  # as `rabbitmqctl trace_on`
    channel.queue_declare("jobs", durable=True, auto_delete=False)
    found = tap("amq.rabbitmq.trace", "publish.", "--count", "1", "-o", "json")
    send(channel, "", "jobs")

    assert found.end_in_json()[0]["headers"]["routing_keys"] == ["jobs"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("evnts",), "exchange 'evnts' does not exist; did you mean 'events'?"),
        (("fan", "key"), "exchange 'fan' is of type fanout, which looks at no routing key"),
        (("events", "--header", "a=1"), "exchange 'events' is of type topic, which looks at no headers"),
        (("events", "a", "--only-routed"), "--only-routed takes over the bindings"),
        (("lonely",), "exchange 'lonely' has no bindings, so no message of it is routed"),
        (("fleeting",), "exchange 'fleeting' is auto-delete and has no binding: it would be deleted with the tap"),
    ],
)
def test_a_tap_that_cannot_be_is_refused(
    attune_infra: Command, channel: amqp.Channel, arguments: tuple[str, ...], sentence: str
) -> None:
    declare(channel, "events", "topic", "#")
    declare(channel, "fan", "fanout", "")
    declare(channel, "lonely", "direct")
    channel.exchange_declare("fleeting", "topic", auto_delete=True)

    result = attune_infra("tap", *arguments)

    assert result.code == 1
    assert sentence in result.stderr
    [failure] = parse(attune_infra("tap", *arguments, "-o", "json").lines)
    assert failure["code"] == "invalid-input"


def test_a_queue_of_somebody_else_is_left_alone(attune_infra: Command, channel: amqp.Channel) -> None:
    declare(channel, "events", "topic", "#")

    result = attune_infra("tap", "events", "--queue", "events")

    assert result.code == 1
    assert "hint:  a queue of that name exists: give another name with --queue\n" in result.stderr


def test_messages_are_selected_and_thinned_out(tap: Start, channel: amqp.Channel) -> None:
    declare(channel, "e", "topic", "#")
    some = tap("e", "--where", "kind=x", "--count", "2", "-o", "json")
    for number in range(4):
        send(channel, "e", str(number), application_headers={"kind": "x" if number % 2 else "y"})
    *shown, total = some.end_in_json()
    assert [each["routing_key"] for each in shown] == ["1", "3"]
    assert (total["messages"], total["shown"]) == (4, 2)

    few = tap("e", "--max-rate", "1", "-o", "json")
    send(channel, "e", *map(str, range(50)))
    *shown, total = parse(few.stop())
    assert 1 <= len(shown) < 50
    assert (total["messages"] + total["waiting"], total["shown"]) == (50, len(shown))


def test_it_ends_in_time(tap: Start, channel: amqp.Channel) -> None:
    declare(channel, "e", "topic", "#")

    [total] = tap("e", "--for", "0.5", "-o", "json").end_in_json()

    assert total["ended"] == "time"
    assert 0.4 < total["seconds"] < 10


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_and_nothing_is_left(
    tap: Start, channel: amqp.Channel, management: Management, vhost: VirtualHost, number: signal.Signals
) -> None:
    declare(channel, "e", "topic", "#")
    found = tap("e", "-o", "json")
    assert QUEUE in queues_of(management, vhost)

    [total] = parse(found.stop(number))

    assert total["ended"] == "stopped"
    assert queues_of(management, vhost) == ["e"]


def test_a_killed_tap_leaves_nothing(
    tap: Start, channel: amqp.Channel, management: Management, vhost: VirtualHost
) -> None:
    declare(channel, "e", "topic", "#")
    found = tap("e")
    assert len(queues_of(management, vhost)) == 4

    found.process.kill()

    eventually(lambda: queues_of(management, vhost), ["e"].__eq__)
    assert bindings_of(management, vhost, "e") == ["e"]


def test_a_cut_line_ends_it_with_the_sum_so_far(
    tap: Start, channel: amqp.Channel, management: Management, vhost: VirtualHost
) -> None:
    declare(channel, "e", "topic", "#")
    with Proxy(urlsplit(vhost.amqp_url).port or 0) as proxy:
        found = tap("e", "-o", "json", environment={AMQP_URL.variable: vhost.amqp_url_through(proxy.port)})
        send(channel, "e", "a")
        assert found.process.stdout is not None
        assert '"routing_key": "a"' in found.process.stdout.readline()

        proxy.cut()

        [total] = found.end_in_json(code=1)
    assert (total["ended"], total["messages"], total["exit_code"]) == ("lost", 1, 1)
    assert "error: the tap is lost: " in found.said  # closed or reset, as the system happens to see it
    eventually(lambda: queues_of(management, vhost), ["e"].__eq__)


def test_a_queue_deleted_under_it_ends_it(
    tap: Start, channel: amqp.Channel, management: Management, vhost: VirtualHost
) -> None:
    declare(channel, "e", "topic", "#")
    found = tap("e", "-o", "json")

    management.delete("vhosts", vhost.name)
    management.put("vhosts", vhost.name, body={})  # the fixture deletes it again

    [total] = found.end_in_json(code=1)
    assert total["ended"] == "lost"
    assert "error: the tap is lost: " in found.said
    with suppress(amqp.AMQPError, OSError):
        channel.connection.close()


def test_a_reader_that_goes_away_ends_it(
    tap: Start, channel: amqp.Channel, management: Management, vhost: VirtualHost
) -> None:
    declare(channel, "e", "topic", "#")
    found = tap("e")
    assert found.process.stdout is not None
    found.process.stdout.close()
    found.process.stdout = None

    send(channel, "e", "a")

    assert found.process.wait(20) == 1
    assert "Traceback" not in found.said
    assert queues_of(management, vhost) == ["e"]
