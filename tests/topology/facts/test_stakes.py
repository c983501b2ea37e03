"""The settings whose change loses messages or queues, asked of a real broker."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Final

import amqp
import pytest

from attune_infra.broker.http.management import Management
from attune_infra.broker.wire import body_of
from attune_infra.topology.facts.releases import Version
from attune_infra.topology.facts.stakes import DANGERS, LENGTHS, REJECTING, Harm, Threat, threats
from attune_infra.topology.model import ABSENT, Argument, Queue
from support.eventually import eventually
from support.policy_cases import put_policy
from support.under_test import BrokerUnderTest
from support.virtual_host import VirtualHost

Definition = Mapping[str, Argument]
GONE = None
MESSAGES: Final = 4
BODY: Final = "x" * 100
ROWS: Final[Sequence[tuple[Sequence[Definition], int | None, int | None]]] = (
    ([{}, {"message-ttl": 100}], 4, 4),
    ([{"message-ttl": 60_000}, {"message-ttl": 100}], 4, 4),
    ([{"message-ttl": 60_000}, {"message-ttl": 90_000}], 4, 4),
    ([{}, {"expires": 300}], GONE, GONE),
    ([{"expires": 600_000}, {"expires": 300}], GONE, GONE),
    ([{"expires": 600_000}, {"expires": 900_000}], 4, 4),
    ([{"expires": 600_000}, {}], 4, 4),
    ([{}, {"max-length": 1}], 1, 1),
    ([{"max-length": 9}, {"max-length": 1}], 1, 1),
    ([{"max-length": 5}, {"max-length": 9}], 4, 4),
    ([{"max-length": 5}, {}], 4, 4),
    ([{}, {"max-length": 9}], 4, 4),
    ([{}, {"max-length-bytes": 250}], 2, 2),
    ([{"max-length-bytes": 990}, {"max-length-bytes": 250}], 2, 2),
    ([{"max-length-bytes": 990}, {"max-length-bytes": 9990}], 4, 4),
    ([{}, {"max-length": 1, "overflow": "reject-publish"}], 1, 4),
    ([{}, {"max-length": 1, "overflow": "reject-publish-dlx"}], 1, 1),
    (
        [{"max-length": 9, "overflow": "reject-publish"}, {"max-length": 1, "overflow": "reject-publish"}],
        4,
        4,
    ),
    (
        [{"max-length": 9, "overflow": "reject-publish"}, {"max-length": 1, "overflow": "reject-publish-dlx"}],
        4,
        1,
    ),
    ([{"max-length": 9}, {"max-length": 1, "overflow": "reject-publish"}], 1, 4),
    (
        [
            {"max-length": 9, "overflow": "reject-publish"},
            {"max-length": 1, "overflow": "reject-publish"},
            {"max-length": 1},
        ],
        1,
        1,
    ),
    (
        [
            {"max-length-bytes": 990, "overflow": "reject-publish"},
            {"max-length-bytes": 250, "overflow": "reject-publish"},
            {"max-length-bytes": 250, "overflow": "drop-head"},
        ],
        2,
        2,
    ),
    ([{}, {"delivery-limit": 1}], 4, 0),
    ([{"delivery-limit": 9}, {"delivery-limit": 0}], 4, 0),
    ([{"delivery-limit": 9}, {"delivery-limit": 30}], 4, 4),
    ([{}, {"max-in-memory-length": 0}], 4, 4),
    ([{}, {"max-in-memory-bytes": 0}], 4, 4),
    ([{}, {"queue-mode": "lazy"}], 4, 4),
    ([{}, {"queue-version": 2}], 4, 4),
    ([{}, {"dead-letter-exchange": "none"}], 4, 4),
    ([{"dead-letter-exchange": "none"}, {}], 4, 4),
)
"""Definitions of a policy in turn, and the messages left of four in a classic and in a quorum queue.

The change from the last but one definition to the last is the one in question. Each message is returned twice.
"""


@dataclass(frozen=True)
class Case:
    """One row on a queue of one type."""

    name: str
    queue_type: str
    steps: Sequence[Definition]
    left: int | None
    threats: tuple[Threat, ...] = field(default=())


def cases(version: Version) -> Iterator[Case]:
    for number, (steps, *lefts) in enumerate(ROWS):
        before, after = ({f"x-{key}": value for key, value in each.items()} for each in steps[-2:])
        for queue_type, left in zip(("classic", "quorum"), lefts, strict=True):
            found = tuple(threats(queue_type, before, after, version))
            yield Case(f"{queue_type} {number}", queue_type, steps, left, found)


class Tried:
    """A broker on which cases are tried."""

    def __init__(self, management: Management, vhost: VirtualHost) -> None:
        self.management, self.vhost = management, vhost
        self.connection = vhost.client()
        self.channel = self.connection.channel()

    def change(self, name: str, definition: Definition) -> None:
        if not definition:
            self.management.delete("policies", self.vhost.name, name)
            return
        assert put_policy(self.management, self.vhost.name, "policies", name, definition, pattern=f"^{name}$")

    def make(self, name: str, queue_type: str, definition: Definition, messages: int) -> None:
        if definition:
            self.change(name, definition)
        self.management.put("queues", self.vhost.name, name, body=body_of(Queue(name=name, type=queue_type)))
        for _ in range(messages):
            self.channel.basic_publish_confirm(amqp.Message(BODY, delivery_mode=2), routing_key=name)

    def return_all(self, name: str) -> None:
        taken = []
        while (message := self.channel.basic_get(name)) is not None:
            taken.append(message)
        for message in taken:
            self.channel.basic_reject(message.delivery_tag, requeue=True)

    def left(self, name: str) -> int | None:
        channel = self.connection.channel()
        try:
            return int(channel.queue_declare(name, passive=True).message_count)
        except amqp.NotFound:
            return None

    def names(self) -> set[str]:
        return {queue["name"] for queue in self.management.get("queues", self.vhost.name, disable_stats="true")}


@pytest.mark.lengthy
def test_a_change_loses_what_the_table_says(
    management: Management, vhost: VirtualHost, under_test: BrokerUnderTest
) -> None:
    tried, asked = Tried(management, vhost), [*cases(under_test.release)]
    tried.channel.confirm_select()
    for case in asked:
        tried.make(case.name, case.queue_type, case.steps[0], MESSAGES)
    for case in asked:
        for step in case.steps[1:]:
            tried.change(case.name, step)
    lasting = [case for case in asked if case.left is not GONE]
    for case in lasting * 2:
        tried.return_all(case.name)

    eventually(tried.names, lambda names: names == {case.name for case in lasting}, within=15)
    tried.make("last", "classic", {"expires": 300}, 0)
    eventually(tried.names, lambda names: "last" not in names)
    assert {case.name: tried.left(case.name) for case in asked} == {case.name: case.left for case in asked}
    assert [case for case in asked if not _covers(case)] == []
    shown = {threat.setting for case in asked if case.left != MESSAGES for threat in case.threats}
    table = {each.setting for each in DANGERS if "stream" not in each.queue_types} | {*LENGTHS}
    assert shown >= table - {"x-message-ttl"}
    tried.connection.close()


def _covers(case: Case) -> bool:
    """Return whether the threats by the table are no less than the loss on the broker."""
    if case.left is GONE:
        return any(threat.harm is Harm.QUEUE for threat in case.threats)
    bounds = [max(0, MESSAGES - threat.limit) if threat.limit is not None else MESSAGES for threat in case.threats]
    return MESSAGES - case.left <= max(bounds, default=0)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"max-length-bytes": 2000}),
        ({"max-length-bytes": 900_000}, {"max-length-bytes": 2000}),
        ({}, {"max-age": "1s"}),
        ({"max-age": "1h"}, {"max-age": "1s"}),
        (
            {"max-length-bytes": 2000, "stream-max-segment-size-bytes": 500_000},
            {"max-length-bytes": 2000, "stream-max-segment-size-bytes": 1000},
        ),
    ],
)
def test_a_stream_loses_its_oldest_messages(
    management: Management, vhost: VirtualHost, under_test: BrokerUnderTest, before: Definition, after: Definition
) -> None:
    tried = Tried(management, vhost)
    small = {"stream-max-segment-size-bytes": 1000}
    tried.channel.confirm_select()
    tried.make("st", "stream", {**small, **before}, 0)
    mine, wanted = ({f"x-{key}": value for key, value in {**small, **each}.items()} for each in (before, after))

    def publish() -> int:
        for number in numbers:
            body = f"{number} ".ljust(1000, "x")
            tried.channel.basic_publish_confirm(amqp.Message(body, delivery_mode=2), routing_key="st")
            if number % 5 == 4:
                break
        return oldest(vhost, "st")

    numbers = count()
    assert [publish() for _ in range(8)] == [0] * 8

    tried.change("st", {**small, **after})

    eventually(publish, lambda first: first > 0, within=20)
    assert [each.harm for each in threats("stream", mine, wanted, under_test.release)] == [Harm.MESSAGES]
    tried.connection.close()


def oldest(vhost: VirtualHost, stream: str) -> int:
    """Return the number with which the oldest message of a stream begins.

    A consumer that begins in a file that is being deleted gets nothing, or an internal error.
    """
    connection, arrived = vhost.client(), list[amqp.Message]()
    with suppress(TimeoutError, amqp.InternalError):
        channel = connection.channel()
        channel.basic_qos(0, 1, a_global=False)
        channel.basic_consume(stream, callback=arrived.append, arguments={"x-stream-offset": "first"})
        while not arrived:
            connection.drain_events(timeout=2)
    connection.close()
    return int(str(arrived[0].body).split()[0]) if arrived else -1


@pytest.mark.parametrize(
    ("queue_type", "have", "want"),
    [
        ("classic", {"x-max-length": 5}, {"x-max-length": 5}),
        ("classic", {"x-max-length": 5}, {}),
        ("classic", {"x-expires": 5}, {"x-expires": 6}),
        ("classic", {}, {"x-max-age": "1s", "x-delivery-limit": 1}),
        ("classic", {"x-message-ttl": 5}, {"x-message-ttl": 6, "x-overflow": "reject-publish"}),
        ("quorum", {"x-delivery-limit": 3}, {"x-delivery-limit": 20}),
        ("quorum", {"x-delivery-limit": 3}, {}),
        ("stream", {"x-max-age": "24h"}, {"x-max-age": "1D"}),
        ("stream", {"x-max-age": "60m"}, {"x-max-age": "2h"}),
        ("stream", {}, {"x-max-length": 1, "x-expires": 1}),
        ("stream", {}, {"x-stream-max-segment-size-bytes": 1000}),
    ],
)
def test_a_change_that_loosens_threatens_nothing(queue_type: str, have: Definition, want: Definition) -> None:
    for version in ((3, 10), (4, 0), (4, 3)):
        assert [*threats(queue_type, have, want, version)] == []


@pytest.mark.parametrize(
    ("version", "have", "want", "threatens"),
    [
        ((3, 10), {}, {"x-delivery-limit": 20}, True),
        ((4, 0), {}, {"x-delivery-limit": 20}, False),
        ((4, 0), {"x-delivery-limit": -1}, {}, True),
        ((4, 0), {}, {"x-delivery-limit": -1}, False),
        ((3, 10), {}, {"x-delivery-limit": -1}, True),
        ((3, 10), {"x-delivery-limit": 0}, {"x-delivery-limit": -1}, True),
        ((4, 3), {"x-delivery-limit": 30}, {}, True),
        ((3, 10), {"x-delivery-limit": 30}, {}, False),
    ],
)
def test_the_default_delivery_limit_of_a_release_counts(
    version: Version, have: Definition, want: Definition, *, threatens: bool
) -> None:
    assert bool([*threats("quorum", have, want, version)]) == threatens


def test_a_value_that_is_no_number_may_do_any_harm() -> None:
    [threat] = threats("classic", {"x-max-length": "9"}, {"x-max-length": 9}, (4, 3))

    assert (threat.have, threat.want) == ("9", 9)
    assert [each.have for each in threats("classic", {}, {"x-max-length": "9"}, (4, 3))] == [ABSENT]
    assert set(REJECTING) == {"classic", "quorum"}


@pytest.mark.parametrize(
    ("queue_type", "have", "want", "expected"),
    [
        ("stream", {"x-max-age": "2h"}, {"x-max-age": "60m"}, ("x-max-age", Harm.MESSAGES, "2h", "60m", None)),
        ("stream", {"x-max-age": "60m"}, {"x-max-age": "2h"}, None),
        ("classic", {}, {"x-max-length": 5}, ("x-max-length", Harm.BEYOND, ABSENT, 5, 5)),
        ("classic", {}, {"x-max-length-bytes": 5}, ("x-max-length-bytes", Harm.MESSAGES, ABSENT, 5, None)),
        (
            "classic",
            {"x-max-length": 9, "x-overflow": "reject-publish"},
            {"x-max-length": 9},
            ("x-overflow", Harm.BEYOND, "reject-publish", ABSENT, 9),
        ),
        (
            "quorum",
            {"x-max-length": 9, "x-overflow": "reject-publish"},
            {"x-max-length": 9, "x-overflow": "drop-head"},
            ("x-overflow", Harm.BEYOND, "reject-publish", "drop-head", 9),
        ),
    ],
)
def test_a_threat_names_the_setting_and_both_values(
    queue_type: str, have: Definition, want: Definition, expected: tuple[object, ...] | None
) -> None:
    found = [
        (each.setting, each.harm, each.have, each.want, each.limit)
        for each in threats(queue_type, have, want, (4, 3))
    ]

    assert found == ([] if expected is None else [expected])
