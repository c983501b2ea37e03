"""The messages that `--where` selects."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import amqp
import pytest

from attune_infra.errors import WrongUsage
from attune_infra.messages.model import StoredMessage
from attune_infra.messages.selection import parse_selection

DEATHS = [{"reason": "expired", "queue": "retry", "count": 1}, {"reason": "rejected", "queue": "jobs", "count": 1}]


def message(*, exchange: str = "orders", routing_key: str = "orders.eu.new", **properties: Any) -> StoredMessage:
    encoded = bytes(amqp.Message("", **properties)._serialize_properties())
    return StoredMessage(exchange=exchange, routing_key=routing_key, redelivered=False, encoded=encoded, body=b"")


def is_selected(of: StoredMessage, *where: str) -> bool:
    return parse_selection(where).matches(of)


def test_no_condition_selects_everything() -> None:
    assert is_selected(message())
    assert parse_selection(()).is_everything


@pytest.mark.parametrize(
    ("pattern", "is_meant"),
    [
        ("orders.eu.new", True),
        ("orders.*.new", True),
        ("orders.#", True),
        ("#", True),
        ("orders.eu.new.#", True),
        ("orders.*", False),
        ("orders", False),
        ("", False),
    ],
)
def test_a_routing_key_is_meant_by_a_topic_pattern(pattern: str, is_meant: bool) -> None:
    assert is_selected(message(), f"routing-key={pattern}") is is_meant


def test_an_empty_routing_key_is_meant_by_an_empty_pattern() -> None:
    assert is_selected(message(routing_key=""), "routing-key=")


def test_an_exchange_is_meant_by_its_name() -> None:
    assert is_selected(message(), "exchange=orders")
    assert not is_selected(message(), "exchange=order")
    assert is_selected(message(exchange=""), "exchange=")


@pytest.mark.parametrize("where", ["message_id=m1", "message-id=m1", "type=created", "priority=5", "timestamp=0"])
def test_a_property_is_meant_by_its_name(where: str) -> None:
    assert is_selected(message(message_id="m1", type="created", priority=5, timestamp=0), where)
    assert not is_selected(message(), where)


def test_a_time_may_be_written_as_one() -> None:
    at = message(timestamp=int(datetime(2026, 1, 31, 12, tzinfo=UTC).timestamp()))

    assert is_selected(at, "timestamp=2026-01-31T12:00:00Z")
    assert is_selected(at, "timestamp=2026-01-31T13:00:00+01:00")
    assert is_selected(at, "timestamp=2026-01-31T12:00:00")
    assert not is_selected(at, "timestamp=2026-01-31")


@pytest.mark.parametrize(
    ("value", "meant", "not_meant"),
    [
        ("eu", "eu", "EU"),
        ("a=b", "a=b", "a"),
        (True, "true", "1"),
        (1, "1", "2"),
        (1 << 40, str(1 << 40), "x"),
        (0.5, "0.5", "5e-2"),
        (Decimal("0.10"), "0.1", "0.2"),
        (None, "", "None"),
        (["a", "b"], "b", "c"),
        ({"a": 1}, "", "{'a': 1}"),
    ],
)
def test_a_header_is_meant_by_its_text(value: Any, meant: str, not_meant: str) -> None:
    of = message(application_headers={"h": value})

    assert is_selected(of, f"h={meant}") is not isinstance(value, dict)
    assert not is_selected(of, f"h={not_meant}")
    assert not is_selected(message(), f"h={meant}")


def test_a_header_with_the_name_of_a_property_has_a_prefix() -> None:
    of = message(type="property", application_headers={"type": "header", "reason": "whim", "x!": "odd"})

    assert is_selected(of, "type=property", "header:type=header", "header:reason=whim", "header:x!=odd")


def test_all_conditions_must_hold() -> None:
    assert is_selected(message(message_id="m1"), "message_id=m1", "exchange=orders")
    assert not is_selected(message(message_id="m1"), "message_id=m1", "exchange=others")


def test_a_reason_is_that_of_the_first_death() -> None:
    by_header = message(application_headers={"x-first-death-reason": "rejected", "x-death": DEATHS})
    by_history = message(application_headers={"x-death": DEATHS})

    for of in (by_header, by_history):
        assert is_selected(of, "reason=rejected")
        assert not is_selected(of, "reason=expired")
    assert is_selected(
        message(application_headers={"x-first-death-reason": "delivery_limit", "x-first-death-queue": "q"}),
        "reason=delivery-limit",
    )
    assert not is_selected(message(), "reason=rejected")


@pytest.mark.parametrize(
    "headers", [{"x-death": "text"}, {"x-death": []}, {"x-death": ["text"]}, {"x-death": [{}]}]
)
def test_headers_that_only_look_like_a_death_are_none(headers: dict[str, Any]) -> None:
    assert not is_selected(message(application_headers=headers), "reason=rejected")


@pytest.mark.parametrize(
    ("where", "sentence", "hint"),
    [
        ("orders", "expected NAME=VALUE, got 'orders'", "give NAME=VALUE (a header, or a property"),
        ("=x", "expected NAME=VALUE, got '=x'", "give NAME=VALUE"),
        ("tenant!=eu", "'tenant!=eu' compares with '!='; only '=' is known", "give tenant=VALUE"),
        ("reason=expird", "'expird' is no reason of death; did you mean 'expired'?", "give reason=expired, "),
        ("priority=high", "priority is a number, got 'high'", "priority=1"),
        ("timestamp=soon", "'soon' is no time", "seconds since 1970"),
        ("routing-key=orders*", "'orders*' of routing-key=orders* is a wildcard within a word", "orders.#"),
    ],
)
def test_a_wrong_condition_is_refused(where: str, sentence: str, hint: str) -> None:
    with pytest.raises(WrongUsage) as refused:
        parse_selection([where])

    assert refused.value.sentence.startswith(f"--where: {sentence}")
    assert hint in (refused.value.hint or "")
