"""A tap changes the way of messages only where it says so, and its queue keeps to itself."""

from __future__ import annotations

import amqp
import pytest

from attune_infra.broker.http.management import Management
from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.settings import AMQP_URL
from attune_infra.topology.facts.permissions import Right
from attune_infra.topology.model import Binding, Topology
from attune_infra.topology.permissions.commands import usage_of
from attune_infra.topology.permissions.steps import Case
from support.limited import limited_user
from support.taps import QUEUE, Start, declare, parse, send
from support.virtual_host import VirtualHost

ALTERNATE = (
    "warning: while the tap is bound, a message that no other binding matches no longer goes to the alternate "
    "exchange rest; --only-routed leaves it on its way"
)
MANDATORY = (
    "warning: while the tap is bound, a message that no other binding matches counts as routed, so `mandatory` "
    "does not return it; --only-routed leaves it out"
)
BEHIND = (
    "warning: while the tap is bound, a message counts as routed even if the exchanges bound to events lead it to "
    "no queue, so `mandatory` does not return it"
)


def taken(channel: amqp.Channel, queue: str) -> list[str]:
    """Take all messages out of a queue."""
    found = []
    while message := channel.basic_get(queue, no_ack=True):
        found.append(message.body)
    return found


@pytest.mark.parametrize("by_policy", [False, True])
def test_an_alternate_exchange_loses_messages_only_with_a_warning(
    tap: Start, channel: amqp.Channel, management: Management, vhost: VirtualHost, by_policy: bool
) -> None:
    declare(channel, "rest", "fanout", "")
    alternate = {} if by_policy else {"alternate-exchange": "rest"}
    declare(channel, "events", "topic", "order.*", **alternate)
    if by_policy:
        policy = {"pattern": "^events$", "apply-to": "exchanges", "definition": {"alternate-exchange": "rest"}}
        management.put("policies", vhost.name, "alternate", body=policy)
    send(channel, "events", "before")

    wide = tap("events", "--count", "2")
    send(channel, "events", "during", "order.paid")
    assert [line.split("  ")[1] for line in wide.end()] == ["during", "order.paid"]
    assert wide.warnings == [ALTERNATE]

    narrow = tap("events", "--only-routed", "--count", "1")
    send(channel, "events", "beside", "order.paid")
    assert [line.split("  ")[1] for line in narrow.end()] == ["order.paid"]
    assert narrow.warnings == []

    assert taken(channel, "rest") == ["before", "beside"]


def test_mandatory_returns_less_only_with_a_warning(tap: Start, channel: amqp.Channel, broker: RabbitMQ) -> None:
    declare(channel, "events", "topic", "order.*")

    def is_routed(key: str) -> bool:
        return broker.publish("events", key, "x", message_id="m")

    assert not is_routed("user.new")

    wide = tap("events")
    assert is_routed("user.new")
    wide.stop()
    assert wide.warnings == [MANDATORY]

    narrow = tap("events", "--only-routed")
    assert not is_routed("user.new")
    assert is_routed("order.paid")
    narrow.stop()
    assert narrow.warnings == []


def test_a_key_that_another_binding_covers_needs_no_warning(
    tap: Start, channel: amqp.Channel, broker: RabbitMQ
) -> None:
    declare(channel, "events", "topic", "order.#")

    found = tap("events", "order.paid.*", "--count", "1")
    send(channel, "events", "order.paid.now")

    found.end()
    assert found.warnings == []
    assert not broker.publish("events", "user", "x", message_id="m")


def test_exchanges_behind_it_may_lead_nowhere(tap: Start, channel: amqp.Channel, broker: RabbitMQ) -> None:
    declare(channel, "events", "topic")
    declare(channel, "behind", "topic")
    channel.exchange_bind("behind", "events", "#")
    assert not broker.publish("events", "a", "x", message_id="m")

    found = tap("events", "--only-routed")

    assert broker.publish("events", "a", "x", message_id="m")
    found.stop()
    assert found.warnings == [BEHIND]


def test_policies_neither_get_its_messages_nor_bother_publishers(
    tap: Start, channel: amqp.Channel, management: Management, vhost: VirtualHost
) -> None:
    declare(channel, "events", "topic", "#")
    declare(channel, "dead", "fanout", "")
    definition = {"dead-letter-exchange": "dead", "overflow": "reject-publish", "max-length": 3, "expires": 60000}
    policy = {"pattern": "^attune-infra", "apply-to": "queues", "definition": definition}
    management.put("policies", vhost.name, "all", body=policy)
    found = tap("events", "--buffer", "50", "-o", "json")

    send(channel, "events", *("x" * 200 for _ in range(1500)))  # none is refused
    *shown, total = parse(found.stop())

    assert taken(channel, "dead") == []
    assert total["dropped"] > 0
    assert total["messages"] == len(shown)
    assert total["messages"] + total["dropped"] + total["waiting"] <= 1500
    assert total["dropped_is_exact"] is False, "the policy keeps 3 of those to be counted"


def test_without_permission_to_count_it_says_so(
    tap: Start, channel: amqp.Channel, management: Management, vhost: VirtualHost
) -> None:
    declare(channel, "events", "topic", "#")
    case = Case(want=Topology(), tapped=(Binding(source="events", destination=QUEUE, routing_key="#"),))
    needed = [need.what for need in usage_of("tap").needs(case)]
    with limited_user(vhost, management) as user:
        user.may([each for each in needed if isinstance(each, Right)], tags=["management"])
        found = tap("events", "--count", "1", "-o", "json", environment={AMQP_URL.variable: user.amqp_url})
        send(channel, "events", "a")
        [_, total] = found.end_in_json()

    assert total["dropped"] is None
    [warning] = found.warnings
    assert warning.startswith("warning: dropped messages are not counted: ACCESS_REFUSED - ")


def test_without_room_for_the_other_queues_it_does_not_count(
    tap: Start, channel: amqp.Channel, management: Management, vhost: VirtualHost
) -> None:
    declare(channel, "events", "topic", "#")
    management.put("vhost-limits", vhost.name, "max-queues", body={"value": 2})

    found = tap("events", "--count", "1", "-o", "json")
    send(channel, "events", "a")

    [_, total] = found.end_in_json()
    assert (total["dropped"], total["messages"], total["queue"]) == (None, 1, QUEUE)
    [warning] = found.warnings
    assert warning.startswith("warning: dropped messages are not counted: ")
    assert "queue limit" in warning
