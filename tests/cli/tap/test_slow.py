"""A tap whose output is read too slowly: the broker drops, the tap counts, and nobody else notices."""

from __future__ import annotations

import amqp
import pytest

from attune_infra.broker.http.management import Management
from support.eventually import eventually
from support.taps import QUEUE, Start, declare, parse, queues_of, send
from support.virtual_host import VirtualHost


@pytest.mark.parametrize("count", [3000])
def test_every_message_is_seen_dropped_or_waits(
    tap: Start, channel: amqp.Channel, management: Management, vhost: VirtualHost, count: int
) -> None:
    declare(channel, "events", "topic", "#")
    found = tap("events", "--buffer", "50", "-o", "json")  # nobody reads its output yet

    send(channel, "events", *(f"{number}.{'x' * 200}" for number in range(count)))
    listed = management.get("queues", vhost.name, disable_stats="true", enable_queue_totals="true")
    *shown, total = parse(found.stop())

    assert next(each["messages"] for each in listed if each["name"] == QUEUE) <= 50 + 200
    assert total["messages"] == total["shown"] == len(shown)
    assert total["dropped"] > count / 2
    assert total["dropped_is_exact"] is True
    assert total["messages"] + total["dropped"] + total["waiting"] == count
    kept = channel.queue_declare("events", passive=True).message_count
    assert kept == count


def test_it_need_not_count(tap: Start, channel: amqp.Channel, management: Management, vhost: VirtualHost) -> None:
    declare(channel, "events", "topic", "#")
    found = tap("events", "--buffer", "1", "--uncounted", "-o", "json")

    assert queues_of(management, vhost) == [QUEUE, "events"]
    send(channel, "events", *("x" * 200 for _ in range(1000)))
    *_, total = parse(found.stop())

    assert (total["dropped"], found.warnings) == (None, [])
    assert total["messages"] < 1000


def test_it_says_so_while_it_goes_on(tap: Start, channel: amqp.Channel) -> None:
    declare(channel, "events", "topic", "#")
    found = tap("events", "--buffer", "1")

    send(channel, "events", *("x" * 200 for _ in range(2000)))

    eventually(lambda: found.said, lambda said: " dropped: too slow\n" in said, within=20)
    found.stop()
    assert any(line.startswith("! ") and line.endswith("dropped: the tap was too slow") for line in found.sums)
