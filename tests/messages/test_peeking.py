"""The price of a look into a queue, on each type and release."""

from __future__ import annotations

from dataclasses import replace

import pytest

from attune_infra.errors import InvalidInput, PlanRefused, WrongUsage
from attune_infra.messages.encoding import encode
from attune_infra.messages.model import StoredMessage
from attune_infra.messages.peeking import (
    MAX_BODY_SHOWN,
    Peekable,
    as_published,
    delivery_limit,
    parse_offset,
    peekable,
    shown,
)
from attune_infra.topology.facts.releases import Version
from attune_infra.topology.model import Argument, Policy, Queue, Topology

MARKED = "those that were read are marked as redelivered now"


def look(version: Version, kind: str, *policies: Policy, **arguments: Argument) -> Peekable:
    given = {f"x-{name.replace('_', '-')}": value for name, value in arguments.items()}
    queue = Queue(name="jobs", type=kind, arguments=given)
    return peekable("jobs", replace(Topology.of([queue, *policies]), version=version))


def stored(body: bytes = b"", **properties: object) -> StoredMessage:
    encoded = encode(properties)  # type: ignore[arg-type]
    return StoredMessage(exchange="", routing_key="jobs", redelivered=True, encoded=encoded, body=body)


@pytest.mark.parametrize("version", [(3, 10), (4, 0), (4, 3)])
def test_a_classic_queue_and_a_stream_can_always_be_read(version: Version) -> None:
    assert look(version, "classic").note == MARKED
    assert look(version, "stream").note == ""
    assert look(version, "classic").price is look(version, "stream").price is None


def test_a_quorum_queue_that_counts_a_look_is_refused() -> None:
    with pytest.raises(PlanRefused, match=r"drops a message after 20 of them; RabbitMQ 4\.0 tells") as refused:
        look((4, 0), "quorum")
    assert "a policy with delivery-limit -1 lifts the limit" in (refused.value.hint or "")

    with pytest.raises(PlanRefused, match=r"dead-letters a message after 5 of them; RabbitMQ 3\.10 tells"):
        look((3, 10), "quorum", delivery_limit=5, dead_letter_exchange="")
    with pytest.raises(PlanRefused, match="drops a message after 0 of them"):
        look((3, 10), "quorum", delivery_limit=-1)
    with pytest.raises(PlanRefused, match="drops a message after 9 of them"):
        look((4, 2), "quorum", Policy(name="p", pattern="", definition={"delivery-limit": 9}))


def test_a_quorum_queue_without_a_limit_can_be_read() -> None:
    unlimited = Policy(name="p", pattern="", definition={"delivery-limit": -1})

    assert look((4, 0), "quorum", delivery_limit=-1) == look((4, 0), "quorum", unlimited)
    assert look((4, 0), "quorum", unlimited).note == MARKED
    assert look((4, 3), "quorum", delivery_limit=1).price is None


def test_a_quorum_queue_that_changes_its_order_has_a_price() -> None:
    found = look((3, 10), "quorum")

    assert found.price == "RabbitMQ 3.10 puts what was read at the end of queue jobs: the order changes"
    assert found.note.startswith("those that were read are at the end of the queue now")


@pytest.mark.parametrize(("kind", "has_price"), [("all", True), ("returned", True), ("failed", False)])
def test_a_quorum_queue_that_delays_retries_has_a_price(kind: str, has_price: bool) -> None:
    found = look((4, 3), "quorum", delayed_retry_type=kind, delayed_retry_min=60000)

    assert (found.price is not None) is has_price


def test_a_single_active_consumer_is_not_disturbed() -> None:
    with pytest.raises(PlanRefused, match="queue jobs has a single active consumer"):
        look((4, 3), "quorum", single_active_consumer=True)
    assert look((4, 3), "classic", single_active_consumer=True).price is None


def test_a_missing_queue_is_refused() -> None:
    with pytest.raises(InvalidInput, match="queue 'jbs' does not exist; did you mean 'jobs'"):
        peekable("jbs", Topology.of([Queue(name="jobs")]))


def test_the_worst_of_two_policies_counts() -> None:
    first, second = (
        Policy(name=name, pattern="", definition={"delivery-limit": limit})
        for name, limit in (("a", 9), ("b", -1))
    )

    with pytest.raises(PlanRefused, match="after 9 of them"):
        look((4, 0), "quorum", first, second)


@pytest.mark.parametrize(
    ("version", "given", "limit"),
    [((3, 10), None, None), ((3, 10), -1, 0), ((4, 0), None, 20), ((4, 0), -1, None), ((4, 0), 3, 3)],
)
def test_the_delivery_limit_depends_on_the_release(version: Version, given: int | None, limit: int | None) -> None:
    assert delivery_limit({} if given is None else {"x-delivery-limit": given}, version) == limit


def test_long_bodies_are_cut_between_characters() -> None:
    text = ("x" + "é" * MAX_BODY_SHOWN).encode()
    binary = b"\xff" * (MAX_BODY_SHOWN + 1)

    assert shown(1, stored(b"short")).is_cut is False
    assert shown(1, stored(text)).is_cut
    assert shown(1, stored(text)).message.body == ("x" + "é" * (MAX_BODY_SHOWN // 2 - 1)).encode()
    assert (shown(1, stored(binary)).size, len(shown(1, stored(binary)).message.body)) == (
        MAX_BODY_SHOWN + 1,
        MAX_BODY_SHOWN,
    )


def test_headers_that_a_queue_adds_are_told_and_not_saved() -> None:
    message = stored(headers={"x-delivery-count": 2, "x-acquired-count": 3, "x-stream-offset": 4, "mine": 1})

    found = shown(1, message)

    assert (found.attempts, found.offset) == (2, 4)
    assert as_published(message).headers == {"mine": 1}
    assert as_published(stored(headers={"x-delivery-count": 2})).encoded == b"\0\0"


@pytest.mark.parametrize(("text", "offset"), [("first", "first"), ("last", "last"), ("7", 7)])
def test_a_stream_is_read_from_an_offset(text: str, offset: str | int) -> None:
    assert parse_offset(text) == offset


@pytest.mark.parametrize("text", ["next", "-1", "", "9223372036854775808"])
def test_a_wrong_offset_is_refused(text: str) -> None:
    with pytest.raises(WrongUsage, match="is no place in a stream"):
        parse_offset(text)
