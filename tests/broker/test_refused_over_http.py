"""Refusals over HTTP name the object, the user and the permission, which RabbitMQ's answer does not."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from attune_infra.broker.http.management import Management
from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.errors import LoginRefused
from attune_infra.settings import AMQP_URL, MANAGEMENT_URL, Via
from attune_infra.topology.diff import Create
from attune_infra.topology.facts.permissions import Access, Right, Tag
from attune_infra.topology.model import Binding, Exchange, Queue, TopologyObject
from support.faulty import Answer, answering_instead
from support.limited import LimitedUser, limited_user
from support.virtual_host import VirtualHost

Q, E = Queue(name="q", type="classic"), Exchange(name="e", type="topic")
DYING = Queue(name="dying", type="classic", arguments={"x-dead-letter-exchange": "e"})
BOUND = Binding(source="e", destination="q", routing_key="k")
ON_Q, ON_E = Right(Access.CONFIGURE, "queue", "q"), Right(Access.CONFIGURE, "exchange", "e")


@pytest.fixture
def user(vhost: VirtualHost, management: Management) -> Iterator[LimitedUser]:
    with limited_user(vhost, management) as user:
        yield user


def as_user(user: LimitedUser, management_url: str | None = None) -> RabbitMQ:
    flags = {AMQP_URL: user.amqp_url, MANAGEMENT_URL: management_url or user.management_url}
    return RabbitMQ(user.vhost.settings(flags=flags), via=Via.HTTP)


@pytest.mark.parametrize(
    ("item", "lacking"),
    [
        (Q, "configure permission on queue q"),
        (E, "configure permission on exchange e"),
        (BOUND, "one of these: write permission on queue q, read permission on exchange e"),
        (
            DYING,
            (
                "one of these: configure permission on queue dying, read permission on queue dying,"
                " write permission on exchange e"
            ),
        ),
    ],
)
def test_what_may_not_be_created(
    user: LimitedUser, management: Management, item: TopologyObject, lacking: str
) -> None:
    vhost = user.vhost.name
    if item is BOUND:
        management.put("queues", vhost, "q", body={"durable": True})
        management.put("exchanges", vhost, "e", body={"type": "topic", "durable": True})
    user.may([], tags=[Tag.MANAGEMENT])

    with as_user(user) as broker:
        [outcome] = broker.apply([Create(item)])

    assert outcome.reason == f"access refused in virtual host '{vhost}': user '{user.name}' lacks {lacking}"
    assert outcome.denied is not None


@pytest.mark.parametrize("item", [Q, E])
def test_what_may_not_be_deleted(user: LimitedUser, broker: RabbitMQ, item: Queue | Exchange) -> None:
    assert [each.reason for each in broker.apply([Create(item)])] == [""]
    user.may([], tags=[Tag.MANAGEMENT])

    with as_user(user) as limited:
        [outcome] = limited.delete([item], even_if_used=True)

    assert outcome.reason.endswith(f"user '{user.name}' lacks {ON_Q if item is Q else ON_E}")


def test_a_login_that_is_refused_in_the_middle_ends_the_run(user: LimitedUser, broker: RabbitMQ) -> None:
    user.may([Right(Access.CONFIGURE, "queue", name) for name in ("q", "r", "s")], tags=[Tag.MANAGEMENT])
    puts = count(1)

    def choose(method: str, _: str) -> Answer | None:
        return Answer(401) if method == "PUT" and next(puts) > 1 else None

    with (
        answering_instead(user.vhost.management_url, choose) as (url, requests),
        as_user(user, user.management_url.replace(user.vhost.management_url[7:], url[7:])) as limited,
        pytest.raises(LoginRefused, match=r"after it had answered \d+ requests?$"),
    ):
        list(limited.apply([Create(Queue(name=name, type="classic")) for name in ("q", "r", "s")]))

    assert set(broker.read().queues) == {"q"}
    assert len([each for each in requests.seen if each[0] == "PUT"]) == 2
