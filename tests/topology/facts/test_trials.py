"""Objects that a question over AMQP alone would change."""

from __future__ import annotations

import pytest

from attune_infra.topology.facts.trials import why_not_asked, why_not_compared
from attune_infra.topology.model import Exchange, Queue


@pytest.mark.parametrize(
    ("item", "asked", "compared"),
    [
        (Queue(name="q"), True, True),
        (Exchange(name="e"), True, True),
        (Queue(name="q", arguments={"x-expires": 5}), False, True),
        (Exchange(name="e", arguments={"x-expires": 5}), True, True),
        (Queue(name="q", external=True), True, False),
        (Queue(name="q", durable=False), True, False),
        (Exchange(name="e", auto_delete=True), True, False),
    ],
)
def test_what_a_question_would_change_is_not_asked(item: Queue | Exchange, *, asked: bool, compared: bool) -> None:
    assert (why_not_asked(item) is None, why_not_compared(item) is None) == (asked, compared)


def test_the_reason_is_told() -> None:
    assert why_not_asked(Queue(name="q", arguments={"x-expires": 5})) == (
        "over AMQP, a question restarts its expiry"
    )
    assert why_not_compared(Queue(name="q", external=True)) == "it is external"
    assert str(why_not_compared(Queue(name="q", auto_delete=True))).startswith("over AMQP, only a declaration")
