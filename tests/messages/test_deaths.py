"""The deaths of a message, from its headers to words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import amqp
import pytest

from attune_infra.messages.deaths import History, describe_history, duration, history_of
from attune_infra.messages.model import StoredMessage
from support.eventually import eventually

MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def entry(reason: str, queue: str, **more: Any) -> dict[str, Any]:
    return {"reason": reason, "queue": queue, "count": 1, "exchange": "", "routing-keys": [queue], **more}


def history(*deaths: Any, **headers: Any) -> History:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return history_of(message({"x-death": list(deaths), **named}))


def message(headers: dict[str, Any]) -> StoredMessage:
    encoded = bytes(amqp.Message("", application_headers=headers)._serialize_properties())
    return StoredMessage(exchange="dlx", routing_key="jobs", redelivered=False, encoded=encoded, body=b"")


def words(*deaths: Any, **headers: Any) -> list[str]:
    return [*describe_history(history(*deaths, **headers))]


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("expired", "expired in queue jobs"),
        ("rejected", "rejected by a consumer of queue jobs"),
        ("maxlen", "dropped from queue jobs, which was full"),
        ("delivery_limit", "returned to queue jobs more often than its delivery limit allows"),
        ("surprise", "left queue jobs (surprise)"),
    ],
)
def test_each_reason_has_its_words(reason: str, expected: str) -> None:
    assert words(entry(reason, "jobs")) == [
        f"{expected}, where it came from the default exchange with routing key jobs"
    ]


def test_everything_that_is_known_of_a_death_is_told() -> None:
    death = {
        "exchange": "orders",
        "routing-keys": ["a", "b"],
        "count": 3,
        "time": MOMENT,
        "original-expiration": "60000",
    }

    [told] = words(entry("expired", "jobs", **death))

    assert told == (
        "expired in queue jobs after its own 60 s, where it came from exchange orders with routing key a and b, "
        "3 times, first at 2026-01-02 03:04:05 UTC"
    )


def test_the_first_death_comes_first() -> None:
    found = history(entry("expired", "retry"), entry("rejected", "jobs", count=2))

    assert [(death.queue, death.count) for death in found.deaths] == [("jobs", 2), ("retry", 1)]
    assert found.first == found.deaths[0]
    assert found.last == found.deaths[1]
    assert found.times == 3


def test_the_headers_about_the_first_and_the_last_death_count_for_more_than_the_order() -> None:
    named = {"x_first_death_reason": "rejected", "x_first_death_queue": "jobs", "x_first_death_exchange": "orders"}
    named |= {"x_last_death_reason": "expired", "x_last_death_queue": "retry"}

    found = history(entry("rejected", "jobs"), entry("expired", "retry"), **named)

    assert (found.first, found.last) == (found.deaths[1], found.deaths[0])


def test_a_first_death_is_known_without_its_entry() -> None:
    named = {"x-first-death-reason": "rejected", "x-first-death-queue": "jobs", "x-first-death-exchange": "orders"}

    found = history_of(message(named))

    assert found.first is not None
    assert (found.first.exchange, found.first.routing_keys) == ("orders", ())
    assert [*describe_history(found)] == [
        "rejected by a consumer of queue jobs, where it came from exchange orders"
    ]


@pytest.mark.parametrize(
    "deaths", ["text", 5, None, ["text"], [{}], [{"reason": 1, "queue": "jobs"}], [{"reason": "expired"}]]
)
def test_headers_of_another_form_tell_nothing(deaths: Any) -> None:
    assert history_of(message({"x-death": deaths, "x-attune-replays": "many"})) == History()


def test_what_this_program_has_done_to_a_message_is_told() -> None:
    headers = {"x-attune-consumer": "worker-7", "x-attune-reason": "not JSON", "x-attune-replays": 2}

    assert [*describe_history(history_of(message(headers)))] == [
        "rejected by consumer worker-7: not JSON",
        "sent back 2 times by `dlq replay`; what came before the last time is not known",
    ]


def test_a_rejection_by_a_worker_is_a_death() -> None:
    headers = {"x-attune-reason": "not JSON", "x-attune-queue": "worker.7", "x-attune-exchange": "executions"}

    found = history_of(message(headers))

    assert found.first is found.deaths[0]
    assert [*describe_history(found)] == [
        "rejected by a consumer of queue worker.7, where it came from exchange executions with routing key jobs",
        "rejected by a worker: not JSON",
    ]


@pytest.mark.parametrize(
    ("milliseconds", "expected"),
    [(0, "0 ms"), (1500, "1500 ms"), (60_000, "60 s"), (90_000, "90 s"), (120_000, "2 min"), (86_400_000, "24 h")],
)
def test_a_time_needs_no_fraction(milliseconds: int, expected: str) -> None:
    assert duration(milliseconds) == expected


def test_the_broker_writes_what_is_read(channel: amqp.Channel) -> None:
    channel.exchange_declare("orders", "topic", durable=True, auto_delete=False)
    dead_letters = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "retry"}
    retry = {"x-message-ttl": 10, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"}
    channel.queue_declare("jobs", durable=True, auto_delete=False, arguments=dead_letters)
    channel.queue_declare("retry", durable=True, auto_delete=False, arguments=retry)
    channel.queue_declare("dead", durable=True, auto_delete=False)
    channel.queue_bind("jobs", "orders", "new")
    channel.basic_publish(amqp.Message("", expiration="20", application_headers={"CC": ["more"]}), "orders", "new")

    arrived = eventually(lambda: channel.basic_get("dead", no_ack=True), lambda found: found is not None)
    found = history_of(message(dict(arrived.headers)))

    [first, last] = found.deaths
    assert (first.reason, first.queue, first.exchange, first.expiration) == ("expired", "jobs", "orders", 20)
    assert first.routing_keys == ("new", "more")
    assert (last.reason, last.queue, last.routing_keys) == ("expired", "retry", ("retry",))
    assert (found.first, found.last) == (first, last)
    assert first.time is not None
    assert last.time is not None
    assert first.time <= last.time
