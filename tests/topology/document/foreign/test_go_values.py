import pytest

from attune_infra.topology.document.foreign.go_values import changed_by_go
from attune_infra.topology.model import Argument


@pytest.mark.parametrize(
    "value", [0, -1, 2**53, -(2**63), 1.5, -0.25, 1e21, True, "1.0", [1, "a"], {"a": {"b": 2.5}}]
)
def test_a_value_that_stays(value: Argument) -> None:
    assert list(changed_by_go({"x": value})) == []


@pytest.mark.parametrize(
    ("value", "what"),
    [
        (2**53 + 1, "the integer 9007199254740993, which becomes 9007199254740992"),
        (2**63 - 1, "the integer 9223372036854775807, which becomes 9223372036854775808"),
        (1.0, "the number 1.0, which becomes the integer 1"),
        (-0.0, "the number -0.0, which becomes the integer 0"),
        ([{"a": 5e15}], "the number 5000000000000000.0, which becomes the integer 5000000000000000"),
    ],
)
def test_a_value_that_changes(value: Argument, what: str) -> None:
    assert list(changed_by_go({"x": value})) == [("x", what)]
