"""Values, variables and places of several documents."""

from __future__ import annotations

import pytest

from attune_infra.topology.document.merging.overlay import Text
from attune_infra.topology.document.merging.several import read_several, resolve_several
from attune_infra.topology.document.parse import parse
from attune_infra.topology.document.places import Place
from attune_infra.topology.document.problems import InvalidDocument
from attune_infra.topology.document.variables import Given

ONE = Text("one.yaml", "variables: {n: 1, env: dev}\nexchanges: {'${env}.e': {}}\n")
TWO = Text(
    "two.yaml",
    "variables: {n: {type: integer, default: 2}}\n"
    "queues:\n"
    "  q: &q\n"
    "    arguments: {x-max-length: '${n}'}\n"
    "    bindings: [{exchange: dev.e, routing_key: 'k${n}'}]\n"
    "  r: {<<: *q}\n",
)
THREE = Text("three.yaml", "queues: {'${n}': {}}\n")


def given(**values: str) -> dict[str, Given]:
    return {name: Given(value, f"--set {name}", is_untyped=True) for name, value in values.items()}


def test_a_value_goes_to_each_document_that_declares_its_variable() -> None:
    topology = read_several([ONE, TWO, THREE], values=given(n="7")).topology

    assert list(topology.exchanges) == ["dev.e"]
    assert topology.queues["q"].arguments == {"x-max-length": 7}
    assert "${n}" in topology.queues


def test_a_value_that_no_document_declares_is_a_problem() -> None:
    with pytest.raises(InvalidDocument) as raised:
        read_several([ONE, TWO], values=given(m="7", n="many"))

    assert raised.value.sentence.splitlines() == [
        "one.yaml:1:1: --set m: no document has a variable 'm'; they declare n, env",
        "one.yaml:1:13: variable n must be an integer, and --set n gives the string 'many'",
        "two.yaml:1:13: variable n must be an integer, and --set n gives the string 'many'",
    ]
    assert raised.value.source == "one.yaml"


def test_each_place_is_in_its_document() -> None:
    reading = read_several([ONE, TWO], values={}, with_places=True)

    queue, exchange = reading.topology.queues["q"], reading.topology.exchanges["dev.e"]
    assert reading.places.of(queue) == Place(3, 3, 4, "two.yaml")
    assert reading.places.of(queue, "x-max-length") == Place(4, 17, 29, "two.yaml")
    assert reading.places.of(exchange) == Place(2, 13, 23, "one.yaml")


def test_the_resolved_documents_are_one_without_variables_and_aliases() -> None:
    text = resolve_several([ONE, TWO], values=given(n="7"))

    assert text.startswith("# Merged by attune-infra from:\n#   one.yaml\n#   two.yaml\n")
    assert "variables" not in text
    assert "&" not in text
    assert "x-max-length: 7" in text
    assert "routing_key: 'k7'" in text
    assert parse(text, source="x") == read_several([ONE, TWO], values=given(n="7")).topology


def test_several_documents_have_the_name_of_the_first_and_keep_their_letters() -> None:
    texts = [Text("first.yaml", "queues: {b-\u00fc: {}}"), Text("second.yaml", "queues: {c: {}}")]

    assert read_several(texts, values={}).source == "first.yaml"
    assert "b-\u00fc" in resolve_several(texts, values={})
