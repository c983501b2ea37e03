"""Selectors of objects, as in `protect` and on the command line."""

from __future__ import annotations

import pytest

from attune_infra.topology.document.selectors import selector_problem


@pytest.mark.parametrize(
    ("selector", "problem"),
    [
        ("", "is empty"),
        (" ", "is empty"),
        ("queue:", "has no name behind 'queue:'"),
        ("queue:orders", None),
        ("orders", None),
        ("other:", None),
    ],
)
def test_a_selector_names_something(selector: str, problem: str | None) -> None:
    assert selector_problem(selector) == problem
