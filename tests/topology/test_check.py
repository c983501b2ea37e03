"""Checks of texts that should hold a topology."""

from __future__ import annotations

from attune_infra.errors import ExitCode
from attune_infra.topology.builtin import attune
from attune_infra.topology.check import BROKEN_ROUTE, CheckedText, CheckedTexts, check_routes, count_objects
from attune_infra.topology.document.parse import parse
from attune_infra.topology.document.problems import Problem
from attune_infra.topology.model import Exchange, Queue, Topology

ROUTES = """
exchanges: {e: {type: fanout}}
queues: {q: {bindings: [{exchange: e}]}, r: {}}
routes:
  - {publish: {exchange: e}, reaches: [q]}
  - {publish: {exchange: e, routing_key: k}, reaches: [r]}
"""


def test_a_route_that_fails_is_a_problem_at_its_place() -> None:
    found = check_routes("x.yaml", parse(ROUTES, source="x.yaml"))

    assert found.topology is None
    assert {(each.line, each.column, each.code) for each in found.problems} == {(6, 5, BROKEN_ROUTE)}
    assert any("does not reach queue r" in each for each in found.complaints())
    assert check_routes("attune.yaml", attune()).topology == attune()


def test_complaints_begin_with_what_kept_the_text_from_being_read() -> None:
    text = CheckedText(source="x", failure="x: no such file", hint="look", problems=(Problem(2, 3, "odd"),))

    assert list(text.complaints()) == ["x: no such file", "hint:  look", "x:2:3: odd"]
    assert list(CheckedText(source="x", topology=Topology()).complaints()) == []


def test_one_bad_text_is_enough() -> None:
    good, bad = CheckedText(source="x", topology=Topology()), CheckedText(source="y")

    assert CheckedTexts((good, good)).exit_code is ExitCode.DONE
    assert CheckedTexts((good, bad)).exit_code is ExitCode.FAILED


def test_objects_are_counted_in_words() -> None:
    assert count_objects(Topology()) == "nothing"
    assert count_objects(Topology.of([Exchange(name="e"), Queue(name="q"), Queue(name="r")])) == (
        "1 exchange, 2 queues"
    )
    assert count_objects(attune()) == ("4 exchanges, 4 queues, 4 bindings, 1 policy, 1 queue per worker, 5 routes")
