"""The rights that each request needs, against the broker under test."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

import amqp
import pytest

from attune_infra.broker.http.management import Management
from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.errors import AccessRefused, RequestRefused
from attune_infra.settings import AMQP_URL, MANAGEMENT_URL, Via
from attune_infra.topology.diff import Create
from attune_infra.topology.facts.permissions import (
    TAGS_THAT_DO,
    Access,
    Patterns,
    Right,
    Tag,
    User,
    rights_to_consume,
    rights_to_create,
    rights_to_delete,
    rights_to_publish,
)
from attune_infra.topology.model import Binding, Exchange, Queue, TopologyObject, label
from attune_infra.topology.planning.report import Status
from support.limited import OTHERS, LimitedUser, limited_user
from support.under_test import BrokerUnderTest
from support.virtual_host import VirtualHost

EXCHANGES = {
    each.name: each
    for each in (
        Exchange(name="topic", type="topic"),
        Exchange(name="direct", type="direct"),
        Exchange(name="fan.out", type="fanout"),
        Exchange(name="with alternate", arguments={"alternate-exchange": "fan.out"}),
        Exchange(name="with default", arguments={"alternate-exchange": ""}),
    )
}
QUEUES = (
    Queue(name="plain"),
    Queue(name="dead-lettering", arguments={"x-dead-letter-exchange": "direct"}),
    Queue(name="to default", arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "plain"}),
    Queue(name="quorum", type="quorum", arguments={"x-dead-letter-exchange": "fan.out"}),
    Queue(name="stream", type="stream"),
)
BINDINGS = (
    Binding(source="topic", destination="plain", routing_key="a.#"),
    Binding(source="topic", destination="fan.out", destination_type="exchange", routing_key="b.*"),
    Binding(source="direct", destination="plain", routing_key="k"),
    Binding(source="fan.out", destination="direct", destination_type="exchange"),
    Binding(source="amq.topic", destination="plain", routing_key="a.#"),
    Binding(source="amq.headers", destination="plain", arguments={"x-match": "any", "a": "b"}),
)
CREATABLE: tuple[TopologyObject, ...] = (*EXCHANGES.values(), *QUEUES, *BINDINGS)
TOPICS = ("topic", "amq.topic")


@dataclass(frozen=True)
class Attempts:
    """Requests of a user who has exactly some rights."""

    user: LimitedUser
    broker: RabbitMQ

    def create(self, item: TopologyObject, via: Via) -> bool:
        """Create a missing object; return False if the broker refuses."""
        self.remove(item)
        with self.as_user(via) as broker:
            [outcome] = broker.apply([Create(item)])
        return outcome.status is Status.CREATED

    def delete(self, item: TopologyObject) -> bool:
        list(self.broker.apply([Create(item)]))
        with self.as_user() as broker:
            [outcome] = broker.delete([item], even_if_used=True)
        return outcome.status is Status.DELETED

    def publish(self, exchange: str) -> bool:
        with self.as_user() as broker:
            try:
                broker.publish(exchange, "k.1", "{}", message_id="1")
            except RequestRefused:
                return False
        return True

    def consume(self, queue: str) -> bool:
        connection = self.user.client()
        try:
            connection.channel().basic_consume(queue)
        except amqp.exceptions.AccessRefused:
            return False
        finally:
            connection.close()
        return True

    def remove(self, item: TopologyObject) -> None:
        with suppress(AccessRefused):
            list(self.broker.delete([item], even_if_used=True))

    def as_user(self, via: Via = Via.AMQP) -> RabbitMQ:
        flags = {AMQP_URL: self.user.amqp_url, MANAGEMENT_URL: self.user.management_url}
        return RabbitMQ(self.user.vhost.settings(flags=flags), via=via)


@pytest.fixture
def attempts(vhost: VirtualHost, management: Management, broker: RabbitMQ) -> Iterator[Attempts]:
    """A virtual host that has everything, and a user who may do nothing."""
    for item in CREATABLE:
        list(broker.apply([Create(item)]))
    with limited_user(vhost, management) as user:
        yield Attempts(user, broker)


def wrong(attempts: Attempts, rights: list[Right], request: Callable[[], bool]) -> list[str]:
    """Return what the table says wrongly about a request: rights that are too few, and each right too many."""
    found = []
    topics = TOPICS if any(right.routing_key is not None for right in rights) else ()
    attempts.user.may(rights, tags=["management"], topics=topics)
    if not request():
        found.append("more is needed")
    for right in rights:
        attempts.user.may([each for each in rights if each != right], tags=["management"], topics=topics)
        if request():
            found.append(f"not needed: {right}")
    return found


@pytest.mark.parametrize("via", Via)
def test_the_rights_to_create_are_needed_and_enough(attempts: Attempts, via: Via) -> None:
    found = {
        label(item): wrong(attempts, list(rights_to_create(item, EXCHANGES)), partial(attempts.create, item, via))
        for item in reversed(CREATABLE)
    }

    assert found == {label(item): [] for item in CREATABLE}


def test_the_rights_to_delete_are_needed_and_enough(attempts: Attempts) -> None:
    found = {
        label(item): wrong(attempts, list(rights_to_delete(item, EXCHANGES)), partial(attempts.delete, item))
        for item in reversed(CREATABLE)
    }

    assert found == {label(item): [] for item in CREATABLE}


def test_the_rights_to_publish_and_to_consume_are_needed_and_enough(attempts: Attempts) -> None:
    published = {
        name: wrong(attempts, list(rights_to_publish(name, "k.1", EXCHANGES)), partial(attempts.publish, name))
        for name in (*EXCHANGES, "", "amq.topic")
    }
    consumed = wrong(attempts, list(rights_to_consume("plain")), lambda: attempts.consume("plain"))

    assert published == {name: [] for name in published}
    assert consumed == []


def test_an_existing_object_is_declared_again_with_configure_alone(attempts: Attempts) -> None:
    items: list[TopologyObject] = [EXCHANGES["with alternate"], QUEUES[1]]
    attempts.user.may(
        [Right(Access.CONFIGURE, "any", item.name) for item in items if not isinstance(item, Binding)]
    )

    with attempts.as_user() as broker:
        outcomes = list(broker.apply(map(Create, items)))

    assert [outcome.status for outcome in outcomes] == [Status.CREATED] * 2


POLICY = {"pattern": "^nothing$", "definition": {"expires": 1000}, "apply-to": "queues"}
QUESTIONS: Mapping[Tag, Callable[[Management], object]] = {
    Tag.MANAGEMENT: lambda http: http.get("queues", http.settings.virtual_host),
    Tag.POLICYMAKER: lambda http: http.put("policies", http.settings.virtual_host, "p", body=POLICY),
    Tag.MONITORING: lambda http: http.get("nodes"),
    Tag.ADMINISTRATOR: lambda http: http.get("users"),
}
"""A request for each tag, which a user without the tag may not send."""


@pytest.mark.parametrize("tag", ["", *Tag])
def test_a_tag_includes_others(attempts: Attempts, tag: str) -> None:
    attempts.user.may([], tags=[tag])
    answered = set()
    with attempts.as_user() as broker:
        http = Management(broker.settings)
        for needed, ask in QUESTIONS.items():
            with suppress(AccessRefused):
                ask(http)
                answered.add(needed)
        http.close()

    assert answered == {needed for needed, tags in TAGS_THAT_DO.items() if tag in tags}


def test_only_a_new_release_asks_for_a_right_to_count_a_queue(
    attempts: Attempts, under_test: BrokerUnderTest
) -> None:
    rights = [Right(access, "queue", "plain") for access in Access]
    counted = []
    for given in ([], *([right] for right in rights)):
        attempts.user.may(given)
        with attempts.as_user() as broker:
            counted.append(broker.consumer_counts(["plain"]))

    assert counted == [{"plain": 0} if under_test.is_older_than((4, 3)) else {}, *[{"plain": 0}] * 3]


NAMES = ("a", "a.b", "A", "", "aa", "amq.default", "{username}", "x y", "ä")
EXISTING = tuple(name for name in NAMES if name not in {"", "amq.default"})
PATTERNS = (
    "",
    "^a$",
    "a",
    ".*",
    "^$",
    "(?i)^a$",
    "a$|^x",
    "[[:upper:]]",
    "^..$",
    "^{username}$",
    "^\\{username\\}$",
)


def test_patterns_match_routing_keys_as_on_the_broker(attempts: Attempts, under_test: BrokerUnderTest) -> None:
    user, found = attempts.user, dict[tuple[str, str], bool]()
    user.may([Right(Access.WRITE, "exchange", "topic")])
    connection = user.client()
    for pattern in PATTERNS:
        body = {"exchange": "topic", "write": pattern, "read": OTHERS}
        user.management.put("topic-permissions", user.vhost.name, user.name, body=body)
        for key in (*NAMES, user.name):
            found[pattern, key] = is_published(connection.channel(), "topic", key)
    connection.close()

    assert found == {
        (pattern, key): User(
            name=user.name, virtual_host=user.vhost.name, topics={"topic": Patterns(write=pattern)}
        ).has_right(Right(Access.WRITE, "exchange", "topic", key), under_test.release)
        for pattern, key in found
    }


def test_patterns_match_names_as_on_the_broker(attempts: Attempts, under_test: BrokerUnderTest) -> None:
    user, found = attempts.user, dict[tuple[str, str], bool]()
    list(attempts.broker.apply(Create(Exchange(name=name)) for name in EXISTING))
    for pattern in (*PATTERNS, "^amq[.]default$"):
        body = {"configure": "", "write": pattern, "read": ""}
        user.management.put("permissions", user.vhost.name, user.name, body=body)
        connection = user.client()
        for name in ("", *EXISTING):
            found[pattern, name] = is_published(connection.channel(), name, "nowhere")
        connection.close()

    assert found == {
        (pattern, name): User(
            name=user.name, virtual_host=user.vhost.name, patterns=Patterns(write=pattern)
        ).has_right(next(rights_to_publish(name, "nowhere", EXCHANGES)), under_test.release)
        for pattern, name in found
    }


def is_published(channel: amqp.Channel, exchange: str, routing_key: str) -> bool:
    channel.confirm_select()
    try:
        channel.basic_publish_confirm(amqp.Message(""), exchange, routing_key)
    except amqp.exceptions.AccessRefused:
        return False
    return True


@pytest.mark.parametrize(("exchange", "asks"), [("topic", True), ("direct", False), ("of unknown type", True)])
def test_a_topic_permission_is_asked_for_where_the_type_may_be_topic(exchange: str, *, asks: bool) -> None:
    """RabbitMQ asks for it once the exchange is there, so it is named while nobody knows the type."""
    on_exchange = Right(Access.WRITE, "exchange", exchange)

    assert list(rights_to_publish(exchange, "k", EXCHANGES)) == [
        on_exchange,
        *([replace(on_exchange, routing_key="k")] if asks else []),
    ]


def test_each_request_has_its_rights() -> None:
    assert list(rights_to_consume("q")) == [Right(Access.READ, "queue", "q")]
    assert list(rights_to_create(Exchange(name="e", arguments={"alternate-exchange": "f"}), {})) == [
        Right(Access.CONFIGURE, "exchange", "e"),
        Right(Access.READ, "exchange", "e"),
        Right(Access.WRITE, "exchange", "f"),
    ]
    assert list(rights_to_create(Queue(name="q", arguments={"x-dead-letter-exchange": ""}), {})) == [
        Right(Access.CONFIGURE, "queue", "q"),
        Right(Access.READ, "queue", "q"),
        Right(Access.WRITE, "exchange", "amq.default"),
    ]
