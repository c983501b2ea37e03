from __future__ import annotations

import pytest

from attune_infra.topology.document.parse import parse
from attune_infra.topology.document.problems import InvalidDocument
from attune_infra.topology.facts.tables import MAX_TABLE_BYTES, TableProblem, table_problems
from attune_infra.topology.model import Argument


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"z" * 256: 1}, f"the argument name '{'z' * 40}...' is 256 bytes long; at most 255 fit"),
        ({"é" * 128: 1}, f"the argument name '{'é' * 40}...' is 256 bytes long; at most 255 fit"),
        ({"a": [{"z" * 256: 1}]}, f"'a' holds the name '{'z' * 40}...', which is 256 bytes long; at most 255 fit"),
        ({"a": "x" * 131072}, "the arguments take 131100 bytes; at most 130000 fit into a frame of AMQP"),
    ],
)
def test_what_amqp_cannot_carry_is_a_problem(arguments: dict[str, Argument], sentence: str) -> None:
    assert [found.sentence for found in table_problems(arguments)] == [sentence]


@pytest.mark.parametrize("arguments", [{}, {"z" * 255: 1}, {"a": {"é" * 127: "x"}}, {"a": "x" * 129_000}])
def test_what_amqp_carries_is_none(arguments: dict[str, Argument]) -> None:
    assert list(table_problems(arguments)) == []


def test_a_large_table_has_no_argument_at_fault() -> None:
    assert [found[:1] for found in table_problems({"a": "x" * MAX_TABLE_BYTES})] == [(None,)]
    assert not TableProblem("a", "").in_key


def test_each_problem_has_its_place() -> None:
    long = "z" * 256
    text = f"""
exchanges:
  h:
    type: headers
    arguments: {{a: {"x" * 131072}}}
queues:
  q:
    arguments:
      ? {long}
      : 1
    bindings:
      - exchange: h
        arguments: {{b: {{? {long} : a}}}}
routes:
  - publish: {{exchange: h, headers: {{? {long} : 1}}}}
    reaches: []
"""
    with pytest.raises(InvalidDocument) as refusal:
        parse(text, source="x.yaml")

    assert [line.partition(": ")[0] for line in refusal.value.sentence.splitlines()] == [
        "x.yaml:5:16",
        "x.yaml:9:9",
        "x.yaml:13:24",
        "x.yaml:15:37",
    ]


def test_a_table_may_fill_a_frame_to_its_last_byte() -> None:
    [problem] = table_problems({"a": "x" * MAX_TABLE_BYTES})
    overhead = int(problem.sentence.split()[3]) - MAX_TABLE_BYTES

    assert list(table_problems({"a": "x" * (MAX_TABLE_BYTES - overhead)})) == []
    assert len(list(table_problems({"a": "x" * (MAX_TABLE_BYTES - overhead + 1)}))) == 1
