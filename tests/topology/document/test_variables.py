"""Variables: their values become a part of the document, and each problem has its place."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from attune_infra.topology.document.parse import parse, parse_with_places, resolve
from attune_infra.topology.document.problems import InvalidDocument
from attune_infra.topology.document.variables import Given, Scalar, read_values
from attune_infra.topology.model import Topology

DOCUMENT = """\
topology: shop # its name
variables:
  env: dev
  ttl: {type: integer, default: 60000, description: Milliseconds}
  kind: {type: string}
  deep:
    type: boolean
    default: true   # as usual

exchanges:
  "${env}.orders": {type: topic, durable: "${deep}"}
queues:
  ${env}.paid:
    type: ${kind}
    arguments: {x-message-ttl: "${ttl}", note: '$${env} is ${env}', both: "${env}-${ttl}-${deep}"}
    bindings: [{exchange: "${env}.orders", routing_key: "paid.${ttl}"}]
"""


def told(**values: str) -> dict[str, Given]:
    """Return values as the command line gives them."""
    return {name: Given(value, f"--set {name}", is_untyped=True) for name, value in values.items()}


def typed(**values: Scalar) -> dict[str, Given]:
    return {name: Given(value, "prod.yaml") for name, value in values.items()}


def problems(text: str, values: Mapping[str, Given]) -> list[str]:
    with pytest.raises(InvalidDocument) as caught:
        parse(text, source="x", values=values)
    return caught.value.sentence.splitlines()


def test_values_and_defaults_stand_in_names_texts_numbers_and_flags() -> None:
    topology = parse(DOCUMENT, source="x", values=told(kind="quorum", ttl="5"))

    [queue], [exchange], [binding] = topology.queues.values(), topology.exchanges.values(), topology.bindings
    assert (exchange.name, exchange.durable) == ("dev.orders", True)
    assert (queue.name, queue.type) == ("dev.paid", "quorum")
    assert queue.arguments == {"x-message-ttl": 5, "note": "${env} is dev", "both": "dev-5-true"}
    assert (binding.source, binding.routing_key) == ("dev.orders", "paid.5")


def test_a_typed_value_is_the_same_as_a_text_of_the_command_line() -> None:
    given = told(kind="quorum", ttl="5", deep="false")

    assert parse(DOCUMENT, source="x", values=typed(kind="quorum", ttl=5, deep=False)) == parse(
        DOCUMENT, source="x", values=given
    )


def test_a_resolved_document_keeps_comments_and_describes_the_same() -> None:
    given = told(kind="quorum", env="prod")

    text = resolve(DOCUMENT, source="x", values=given)

    assert text.splitlines()[0] == "topology: shop # its name"
    assert "variables" not in text
    assert parse(text, source="x") == parse(DOCUMENT, source="x", values=given)


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        (DOCUMENT, {}, ["x:14:11: variable kind has no value: give --set kind=VALUE, or a default"]),
        (
            DOCUMENT.replace("${kind}", "${knd}"),
            {},
            ["x:14:11: there is no variable 'knd'; did you mean 'kind'?; for the text ${knd}, write $${knd}"],
        ),
        (
            DOCUMENT,
            told(kind="quorum", ttl="5m"),
            ["x:4:3: variable ttl must be an integer, and --set ttl gives the string '5m'"],
        ),
        (
            DOCUMENT,
            typed(kind="quorum", deep="yes"),
            ["x:6:3: variable deep must be true or false, and prod.yaml gives the string 'yes'"],
        ),
        (
            DOCUMENT,
            told(kind="quorum", tll="5"),
            ["x:2:1: --set tll: the document has no variable 'tll'; did you mean 'ttl'?; it declares env, ttl"],
        ),
        (
            "topology: shop\n",
            told(env="a"),
            ["x:1:1: --set env: the document has no variable 'env'; it has no section `variables`"],
        ),
        (DOCUMENT, told(kind="lazy"), ["x:14:11: type expects classic, quorum or stream"]),
        ("variables: {a: {type: text}}\n", {}, ["x:1:23: variable a has the type 'text'; the types are"]),
        ("variables: {a: {type: integer, default: b}}\n", {}, ["x:1:41: variable a must be an integer, and its"]),
        (
            "variables: {a: {type: integer, default: b}}\nqueues: {q: {arguments: {x-max-length: '${a}'}}}",
            {},
            ["x:1:41: variable a must be an integer, and its default is the string 'b'"],
        ),
        ("variables: {a: [b]}\n", {}, ["x:1:16: variable a must be a mapping"]),
        ("variables: {a: {kind: integer}}\n", {}, ["x:1:17: unknown key 'kind' in variable a"]),
        ("variables: {1a: b}\n", {}, ["x:1:13: '1a' is no name of a variable"]),
        ("variables: {a: b, a: c}\n", {}, ["x:1:19: duplicate key 'a' in variables"]),
        ("variables: [a]\n", {}, ["x:1:12: variables must be a mapping"]),
    ],
    ids=itertools.count(),
)
def test_each_problem_has_its_place(text: str, values: Mapping[str, Given], expected: list[str]) -> None:
    found = problems(text, values)

    assert len(found) == len(expected), found
    assert all(each.startswith(words) for each, words in zip(found, expected, strict=True)), found


def test_two_names_that_become_one_are_a_duplicate() -> None:
    text = "variables: {a: x, b: x}\nqueues:\n  ${a}: {}\n  ${b}: {}\n"

    assert problems(text, {}) == ["x:4:3: duplicate key 'x' in queues"]


def test_without_the_section_a_reference_is_text() -> None:
    topology = parse("queues: {'${env}.jobs': {}}", source="x")

    assert list(topology.queues) == ["${env}.jobs"]


def test_a_value_is_not_looked_at_for_references() -> None:
    topology = parse("variables: {a: '${b}', b: x}\nqueues: {'${a}': {}}", source="x")

    assert list(topology.queues) == ["${b}"]


def test_an_anchor_stays_for_its_aliases() -> None:
    queues = 'a: {arguments: {x-max-length: &n "${t}"}}, b: {arguments: {x-max-length: *n}}'
    text = f"variables: {{t: 5}}\nqueues: {{{queues}}}\n"

    assert {each.arguments["x-max-length"] for each in parse(text, source="x").queues.values()} == {5}
    assert parse(resolve(text, source="x"), source="x") == parse(text, source="x")


def test_places_are_those_of_the_document() -> None:
    topology, places = parse_with_places(DOCUMENT, source="x", values=told(kind="quorum"))

    assert places.of(topology.queues["dev.paid"]).line == 13  # type: ignore[union-attr]


NAMES = st.from_regex(r"[a-z][a-z0-9]{0,4}", fullmatch=True)
TEXTS = st.text(st.characters(exclude_categories=("Cc", "Cs", "Co", "Cn")), max_size=8)
SCALARS = st.one_of(
    TEXTS, st.integers(-(2**63), 2**63 - 1), st.booleans(), st.floats(allow_nan=False, allow_infinity=False)
)


@given(st.dictionaries(NAMES, SCALARS, min_size=1, max_size=5), st.booleans(), TEXTS)
def test_any_value_arrives_with_its_type_and_a_resolved_document_says_the_same(
    values: dict[str, Scalar], as_block: bool, around: str
) -> None:
    arguments = {f"a-{name}": f"${{{name}}}" for name in values}
    arguments["together"] = around.replace("$", "") + "".join(arguments.values()) + "é"
    document = {
        "variables": {name: {"type": kind_of(value)} for name, value in values.items()},
        "queues": {"q": {"arguments": arguments}},
    }
    text = yaml.safe_dump(document, default_flow_style=not as_block, allow_unicode=True, sort_keys=False)

    topology = parse(text, source="x", values=typed(**values))

    found = topology.queues["q"].arguments
    assert {name: found[f"a-{name}"] for name in values} == values
    assert all(type(found[f"a-{name}"]) is type(value) for name, value in values.items())
    assert parse(resolve(text, source="x", values=typed(**values)), source="x") == topology


def kind_of(value: Scalar) -> str:
    return {str: "string", int: "integer", bool: "boolean", float: "number"}[type(value)]


def test_a_file_of_values_has_types_and_places() -> None:
    assert read_values("env: prod\nttl: 5\ndeep: no\n", source="v") == {
        "env": Given("prod", "v"),
        "ttl": Given(5, "v"),
        "deep": Given(False, "v"),
    }
    with pytest.raises(InvalidDocument, match="v:1:6: value env must be a text, a number, or true or false"):
        read_values("env: [a]\n", source="v")
    with pytest.raises(InvalidDocument, match="v:1:1: the file of values must be a mapping"):
        read_values("- a\n", source="v")
    with pytest.raises(InvalidDocument, match="duplicate key"):
        read_values("a: 1\na: 2\n", source="v")


def test_a_document_without_variables_stays_as_it_is() -> None:
    text = "queues: {a: {}} # ${b}\n"

    assert resolve(text, source="x") == text
    assert parse(text, source="x") == parse(json.dumps(yaml.safe_load(text)), source="x") != Topology()
