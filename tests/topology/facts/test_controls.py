"""Problems of limits and permissions."""

from __future__ import annotations

import pytest

from attune_infra.topology.facts.controls import control_problems
from attune_infra.topology.model import Limit, Permission, TopicPermission


@pytest.mark.parametrize(("value", "is_problem"), [(-2, True), (-1, False), (0, False), (5, False)])
def test_a_limit_is_a_number_or_none(value: int, *, is_problem: bool) -> None:
    found = list(control_problems(Limit(name="max-queues", value=value)))

    assert found == ([("value", f"max-queues expects -1 (no limit) or more, got {value}")] if is_problem else [])


def test_each_part_of_a_permission_is_looked_at() -> None:
    assert list(control_problems(Permission(user="amq.ann", configure="", write="^q$", read=".*"))) == []
    assert [part for part, _ in control_problems(Permission(user="", configure="(", write="", read="["))] == [
        "name",
        "configure",
        "read",
    ]
    topic = TopicPermission(user="ann", exchange="amq.topic", write="", read="(")
    assert [part for part, _ in control_problems(topic)] == ["read"]
