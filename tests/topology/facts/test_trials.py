"""Objects that a declaration over AMQP alone would change, and the arguments that it does not compare."""

from __future__ import annotations

import pytest

from attune_infra.topology.facts.trials import unread_arguments, why_not_compared
from attune_infra.topology.model import Exchange, Queue


@pytest.mark.parametrize(
    ("item", "compared"),
    [
        (Queue(name="q"), True),
        (Exchange(name="e"), True),
        (Queue(name="q", arguments={"x-expires": 5}), True),
        (Queue(name="q", external=True), False),
        (Queue(name="q", durable=False), False),
        (Exchange(name="e", auto_delete=True), False),
    ],
)
def test_what_a_declaration_might_make_is_not_compared(item: Queue | Exchange, *, compared: bool) -> None:
    assert (why_not_compared(item) is None) is compared


def test_the_reason_is_told() -> None:
    assert why_not_compared(Queue(name="q", external=True)) == "it is external"
    assert str(why_not_compared(Queue(name="q", auto_delete=True))).startswith("over AMQP, only a declaration")


@pytest.mark.parametrize(
    ("item", "unread"),
    [
        (Queue(name="q", arguments={"x-max-length": 5}), ()),
        (
            Queue(name="q", type="quorum", arguments={"x-quorum-target-group-size": 3}),
            ("x-quorum-target-group-size",),
        ),
        (Queue(name="q", arguments={"x-quorum-target-group-size": 3}), ("x-quorum-target-group-size",)),
        (Queue(name="q", type="classic", arguments={"x-quorum-target-group-size": 3}), ()),
        (Exchange(name="e", type="x-consistent-hash", arguments={"hash-header": "a"}), ("hash-header",)),
        (Exchange(name="e", arguments={"alternate-exchange": "a", "hash-header": "a"}), ()),
    ],
)
def test_arguments_that_rabbitmq_keeps_are_not_compared(item: Queue | Exchange, unread: tuple[str, ...]) -> None:
    assert unread_arguments(item, (4, 3)) == unread
