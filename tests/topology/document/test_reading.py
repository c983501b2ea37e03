"""The problems of definitions for which a reader of them has to stop."""

from __future__ import annotations

import pytest

from attune_infra.topology.document.problems import InvalidDocument, Problem
from attune_infra.topology.document.reading import Reading
from attune_infra.topology.facts.compatibility import RELEASES
from attune_infra.topology.model import Topology

HARMLESS = Problem(1, 1, "all take it", taken_since=(3, 0))
DOUBTFUL = Problem(2, 1, "the newest refuses it", taken_before=RELEASES[-1])
WRONG = Problem(3, 1, "all refuse it")


def reading(*problems: Problem) -> Reading:
    return Reading("x.json", Topology(), problems=problems)


def test_only_what_some_release_refuses_is_doubtful() -> None:
    reading(HARMLESS).refuse_doubtful()
    with pytest.raises(InvalidDocument) as caught:
        reading(HARMLESS, DOUBTFUL, WRONG).refuse_doubtful()
    assert caught.value.problems == (DOUBTFUL, WRONG)


def test_one_release_refuses_what_it_does_not_load() -> None:
    reading(HARMLESS, DOUBTFUL).refuse_problems(RELEASES[0])
    with pytest.raises(InvalidDocument) as caught:
        reading(HARMLESS, DOUBTFUL).refuse_problems(RELEASES[-1])
    assert caught.value.problems == (DOUBTFUL,)


def test_a_problem_ends_with_the_release_that_takes_it() -> None:
    since, before = Problem(1, 1, "new", taken_since=(4, 0)), Problem(1, 1, "old", taken_before=(4, 0))

    assert [since.is_taken_by(version) for version in ((3, 13), (4, 0), (4, 1))] == [False, True, True]
    assert [before.is_taken_by(version) for version in ((3, 13), (4, 0), (4, 1))] == [True, False, False]


def test_a_failure_names_the_document_of_its_first_problem() -> None:
    assert InvalidDocument("x", [Problem(1, 1, "odd")]).source == "x"
    assert InvalidDocument("x", [Problem(1, 1, "odd", source="y")]).source == "y"
    assert InvalidDocument("x", []).source == "x"
