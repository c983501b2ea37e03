"""Consent to delete: selectors, protection and thresholds."""

from __future__ import annotations

import pytest

from attune_infra.errors import PlanRefused, WrongUsage
from attune_infra.topology.model import Binding, Queue
from attune_infra.topology.planning.consent import (
    NOT_ALLOWED,
    TO_ALL,
    TO_NOTHING,
    Consent,
    Threshold,
    refuse_excess,
)

ORDERS, BINDING = Queue(name="orders.eu"), Binding(source="e", destination="orders.eu")


def test_an_object_needs_a_selector_and_no_protection() -> None:
    assert TO_NOTHING.why_not(ORDERS) == NOT_ALLOWED
    assert TO_ALL.why_not(ORDERS) is None
    assert Consent.given(["queue:orders.*"]).why_not(ORDERS) is None
    assert Consent.given(["queue:orders.*"]).why_not(BINDING) == NOT_ALLOWED


def test_protection_counts_more_also_for_what_goes_along() -> None:
    consent = Consent.given(["*"], ("binding:orders.*",))

    assert consent.why_not(ORDERS) is None
    assert consent.why_not(ORDERS, [BINDING]) == "`protect` of the document names it: binding:orders.*"
    assert Consent.given(["*"], ("orders.eu",)).why_not(ORDERS) == "`protect` of the document names it: orders.eu"


@pytest.mark.parametrize(
    ("text", "deletions", "existing", "expected"),
    [
        ("3", 3, 100, None),
        ("3", 4, 100, "the plan deletes 4 of 100 objects, and --max-deletes is 3"),
        ("0", 1, 1, "the plan deletes 1 of 1 object, and --max-deletes is 0"),
        ("30%", 30, 100, None),
        ("30%", 31, 100, "the plan deletes 31 of 100 objects, and --max-deletes is 30%"),
        ("0.5%", 11, 1000, "the plan deletes 11 of 1000 objects, and --max-deletes is 0.5%"),
        ("1%", 10, 10, None),
    ],
)
def test_a_threshold_is_a_number_or_a_share(
    text: str, deletions: int, existing: int, expected: str | None
) -> None:
    assert Threshold.of(text).excess(deletions, existing) == expected


@pytest.mark.parametrize("text", ["", "x", "-1", "30 %", "1.5", "%", "1000%%"])
def test_any_other_threshold_is_wrong_usage(text: str) -> None:
    with pytest.raises(WrongUsage, match="--max-deletes is"):
        Threshold.of(text)


def test_an_excess_refuses_the_plan() -> None:
    refuse_excess(None)
    with pytest.raises(PlanRefused, match="too many; nothing was changed"):
        refuse_excess("too many")


def test_a_selector_needs_a_name() -> None:
    with pytest.raises(WrongUsage, match="the selector 'queue:' has no name behind 'queue:'"):
        Consent.given(["queue:"])
