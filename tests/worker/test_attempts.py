"""Attempts at a message, by the count of the broker or by memory."""

from __future__ import annotations

from attune_infra.fleet.delivery import Delivery
from attune_infra.worker.attempts import Attempts, Rules


def delivery(*, again: bool = True, earlier: int | None = None, body: bytes = b"{}") -> Delivery:
    return Delivery(body, "message m", None, ("q", "", "q", "m"), again, earlier)


def test_the_brokers_count_is_believed() -> None:
    attempts = Attempts(Rules(max_attempts=3))

    assert attempts.refusal_of(delivery(earlier=2)) is None
    assert attempts.refusal_of(delivery(earlier=3)) == (
        "it was delivered 3 times before and never finished (--max-attempts 3)"
    )


def test_without_a_limit_nothing_is_refused() -> None:
    attempts = Attempts(Rules(requeues_late=True))

    assert attempts.refusal_of(delivery(earlier=1000)) is None
    assert attempts.allows_another(delivery(earlier=1000))


def test_a_message_of_unknown_past_counts_as_delivered_once() -> None:
    assert Attempts(Rules(max_attempts=1)).refusal_of(delivery()) == (
        "it was delivered at least once before and never finished (--max-attempts 1)"
    )
    assert Attempts(Rules(max_attempts=2)).refusal_of(delivery()) is None
    assert Attempts(Rules(max_attempts=1)).refusal_of(delivery(again=False)) is None


def test_memory_adds_the_attempts_begun_here() -> None:
    attempts = Attempts(Rules(max_attempts=2))
    for again in (False, True):
        assert attempts.refusal_of(delivery(again=again)) is None
        attempts.begin(delivery(again=again))

    assert attempts.refusal_of(delivery()) == (
        "it was delivered at least 2 times before and never finished (--max-attempts 2)"
    )
    assert attempts.refusal_of(delivery(body=b"[]")) is None


def test_a_finished_message_is_forgotten_and_a_new_one_begins_anew() -> None:
    attempts = Attempts(Rules(max_attempts=2))
    attempts.begin(delivery(again=False))
    attempts.begin(delivery())
    assert attempts.refusal_of(delivery(again=False)) is None  # another message that looks the same

    attempts.finish(delivery())

    assert attempts.refusal_of(delivery()) is None


def test_the_last_attempt_is_not_given_back() -> None:
    attempts = Attempts(Rules(max_attempts=2, requeues_late=True))

    assert attempts.allows_another(delivery(earlier=0))
    assert attempts.number(delivery(earlier=0)) == "attempt 1 of 2"
    assert not attempts.allows_another(delivery(earlier=1))
    assert not Attempts(Rules(max_attempts=2)).allows_another(delivery(earlier=0))
