"""Texts that YAML 1.1 reads as something else: keys are taken as written, values are refused with advice."""

import pytest

from attune_infra.topology.document.parse import parse
from attune_infra.topology.document.write import write
from support.problems import document_problems

READ_AS_OTHERS = (
    *("on", "no", "yes", "off", "12:30", "1.0e+6", "1.10", "0x10", "010", "1_000", ".inf", "2026-01-01"),
    "2026-01-01 10:00:00",
)

BOUND = "exchanges: {e: {type: headers}}\nqueues: {q: {bindings: [{exchange: e, %s}]}}"
KEYS = {
    "exchange": "exchanges: {TEXT: {}}",
    "queue": "queues: {TEXT: {}}",
    "policy": "policies: {TEXT: {pattern: a, definition: {max-length: 1}}}",
    "argument of an exchange": "exchanges: {e: {arguments: {TEXT: 1}}}",
    "argument of a queue": "queues: {q: {arguments: {TEXT: 1}}}",
    "argument of a binding": BOUND % "arguments: {TEXT: 1}",
}
VALUES = {
    "topology": "topology: TEXT",
    "exchange of a binding": 'exchanges: {"TEXT": {}}\nqueues: {q: {bindings: [{exchange: TEXT}]}}',
    "routing key": BOUND % "routing_key: TEXT",
    "pattern": "policies: {p: {pattern: TEXT, definition: {max-length: 1}}}",
    "manages": "manages: [TEXT]",
    "dead letter exchange": "queues: {q: {arguments: {x-dead-letter-exchange: TEXT}}}",
    "dead letter key": "queues: {q: {arguments: {x-dead-letter-exchange: a, x-dead-letter-routing-key: TEXT}}}",
    "alternate exchange": "exchanges: {e: {arguments: {alternate-exchange: TEXT}}}",
    "dead letter exchange of a policy": "policies: {p: {pattern: a, definition: {dead-letter-exchange: TEXT}}}",
}


def each(places: dict[str, str]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("document", [pytest.param(text, id=place) for place, text in places.items()])


def quoted(document: str, text: str) -> str:
    return document.replace('"TEXT"', "TEXT").replace("TEXT", f'"{text}"')


@each(KEYS)
@pytest.mark.parametrize("text", [*READ_AS_OTHERS, "1e6", "08", "~", "null"])
def test_a_key_is_the_text_that_was_written(document: str, text: str) -> None:
    found = parse(document.replace("TEXT", text), source="x.yaml")

    assert found == parse(quoted(document, text), source="x.yaml")
    assert parse(write(found), source="x.yaml").objects() == found.objects()


@each(VALUES)
@pytest.mark.parametrize("text", READ_AS_OTHERS)
def test_a_value_that_yaml_reads_as_no_text_is_refused_and_helped_by_quotes(document: str, text: str) -> None:
    line = document.replace('"TEXT"', f'"{text}"').splitlines()[-1]
    [problem] = document_problems(document.replace('"TEXT"', f'"{text}"').replace("TEXT", text))

    assert problem.endswith("quote it")
    assert problem.startswith(f"x.yaml:{document.count(chr(10)) + 1}:{line.rindex('TEXT') + 1}: ")
    found = parse(quoted(document, text), source="x.yaml")
    assert parse(write(found), source="x.yaml").objects() == found.objects()


@each(VALUES)
@pytest.mark.parametrize("text", ["1e6", "=", "<<", "1.10.0", "08"])
def test_a_value_that_yaml_reads_as_text_is_taken(document: str, text: str) -> None:
    assert parse(document.replace("TEXT", text), source="x.yaml") == parse(quoted(document, text), source="x.yaml")


@pytest.mark.parametrize("text", ["on", "1.10", "2026-01-01", ".inf"])
def test_quotes_are_not_advised_as_the_cure_where_a_number_is_expected(text: str) -> None:
    [problem] = document_problems(f"queues: {{q: {{arguments: {{x-max-length: {text}}}}}}}")

    assert not problem.endswith(": quote it")
