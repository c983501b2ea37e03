"""Deletions without --even-if-used: a number that is unknown keeps a queue, and never counts as 0."""

from __future__ import annotations

from collections.abc import Iterator

import amqp
import pytest

from attune_infra.broker.management import Management
from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.sandbox import BoundSandbox
from attune_infra.settings import AMQP_URL
from attune_infra.topology.planning.report import Outcome, Status
from support.eventually import eventually
from support.limited import LimitedUser, limited_user
from support.servers import closed_port
from support.virtual_host import VirtualHost

EXPIRING = {"x-expires": 600_000}


@pytest.fixture
def user(vhost: VirtualHost, management: Management) -> Iterator[LimitedUser]:
    with limited_user(vhost, management) as user:
        yield user


@pytest.fixture
def limited(user: LimitedUser, management: Management, vhost: VirtualHost) -> Iterator[RabbitMQ]:
    """The broker, as a user with all permissions who does not see the consumers of others."""
    user.may([], tags=["management"])
    everything = {"configure": ".*", "write": ".*", "read": ".*"}
    management.put("permissions", vhost.name, user.name, body=everything)
    with RabbitMQ(vhost.settings(flags={AMQP_URL: user.amqp_url})) as broker:
        yield broker


def delete(broker: RabbitMQ, name: str) -> Outcome:
    """Delete a queue as the broker lists it."""
    [outcome] = broker.delete([broker.read().queues[name]], even_if_used=False)
    return outcome


def declare(channel: amqp.Channel, kind: str, **arguments: object) -> None:
    more = {name.replace("_", "-"): value for name, value in arguments.items()}
    channel.queue_declare("q", durable=True, auto_delete=False, arguments={"x-queue-type": kind, **more})


@pytest.mark.parametrize("arguments", [{}, EXPIRING])
@pytest.mark.parametrize("kind", ["classic", "quorum"])
def test_a_consumer_that_the_user_does_not_see_keeps_a_queue(
    limited: RabbitMQ, channel: amqp.Channel, kind: str, arguments: dict[str, object]
) -> None:
    declare(channel, kind, **arguments)
    channel.basic_consume("q", consumer_tag="theirs")

    outcome = delete(limited, "q")

    assert outcome.status is Status.KEPT
    assert limited.read().queues.keys() == {"q"}
    channel.basic_cancel("theirs")
    assert delete(limited, "q").status is Status.DELETED


def test_statistics_tell_every_user_the_consumers_of_others(limited: RabbitMQ, channel: amqp.Channel) -> None:
    declare(channel, "quorum")
    channel.basic_consume("q", consumer_tag="theirs")

    eventually(lambda: limited.consumer_tags(["q", "gone"]), {"q": ("theirs",), "gone": ()}.__eq__)


def test_a_stream_is_kept(limited: RabbitMQ, channel: amqp.Channel) -> None:
    """RabbitMQ counts neither its messages nor its consumers."""
    declare(channel, "stream")

    assert limited.contents("q") == (None, None)
    outcome = delete(limited, "q")
    assert (outcome.status, "those of a stream" in outcome.reason) == (Status.KEPT, True)


def test_counting_a_quorum_queue_does_not_restart_its_expiry(broker: RabbitMQ, channel: amqp.Channel) -> None:
    declare(channel, "quorum", x_expires=2000)

    assert broker.contents("q") == (0, 0)
    eventually(lambda: broker.contents("q"), (None, None).__eq__)


@pytest.mark.parametrize("messages", [0, 2])
def test_a_quorum_queue_without_a_leader_is_kept(
    broker: RabbitMQ, channel: amqp.Channel, sandbox: BoundSandbox, vhost: VirtualHost, messages: int
) -> None:
    """RabbitMQ says that it holds nothing, and would delete it with its messages."""
    declare(channel, "quorum", **EXPIRING)
    channel.confirm_select()
    for _ in range(messages):
        channel.basic_publish_confirm(amqp.Message("x", delivery_mode=2), "", "q", mandatory=True)
    listed = broker.read().queues["q"]
    server = f'{{list_to_atom("{vhost.name}_q"), node()}}'
    sandbox.rabbitmqctl("eval", f"ra:stop_server(quorum_queues, {server}).", within=180)

    [outcome] = broker.delete([listed], even_if_used=False)

    assert outcome.status is Status.KEPT
    late = f"it holds {messages} messages and has 0 consumers"  # if the statistics had counted them before
    lost = "its messages cannot be counted: it has no leader now; start its nodes, and try again"
    assert outcome.reason in ({lost, late} if messages else {lost})
    assert broker.ready(["q"]) == {}
    assert broker.contents_at_most(["q"])["q"] == (None, None)


def test_a_quorum_queue_that_amqp_cannot_count_is_kept(vhost: VirtualHost, channel: amqp.Channel) -> None:
    """Over HTTP its number of messages lags 5 seconds behind."""
    declare(channel, "quorum")
    url = vhost.amqp_url_through(closed_port())

    with RabbitMQ(vhost.settings(flags={AMQP_URL: url})) as broker:
        outcome = delete(broker, "q")

    assert outcome.status is Status.KEPT
    assert outcome.reason.startswith("its messages cannot be counted: RabbitMQ tells them only over AMQP, and ")


def test_a_queue_that_was_deleted_meanwhile_counts_as_deleted(broker: RabbitMQ, channel: amqp.Channel) -> None:
    declare(channel, "quorum")
    listed = broker.read().queues["q"]

    outcomes = list(broker.delete([listed, listed], even_if_used=False))

    assert [outcome.status for outcome in outcomes] == [Status.DELETED, Status.DELETED]
