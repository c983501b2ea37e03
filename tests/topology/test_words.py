"""Phrases that several modules need."""

from __future__ import annotations

import pytest

from attune_infra.topology.words import shown


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "null"),
        (True, "true (boolean)"),
        (1, "1 (integer)"),
        (1.0, "1.0 (number)"),
        ("a" * 41, f"'{'a' * 40}...' (string)"),
        ([1], "an array"),
        ({"a": 1}, "an object"),
    ],
)
def test_a_value_is_shown_with_its_type(value: object, words: str) -> None:
    assert shown(value) == words
