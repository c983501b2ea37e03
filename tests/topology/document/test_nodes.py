import pytest

from attune_infra.topology.document.parse import parse
from attune_infra.topology.model import Queue
from support.problems import document_problems

SECOND_DOCUMENT = "a file holds one document; write this one to a file of its own"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: [", "2:1: invalid YAML: did not find expected node content"),
        ("a: 1\nb: \x07", "2:4: invalid YAML: '\\x07' must be written as an escape"),
        ("é: '\ud800'", "1:5: invalid YAML: '\\ud800' must be written as an escape"),
        ("topology: *a", "1:11: invalid YAML: found undefined alias"),
        ("topology: a\n---\ntopology: b", f"2:1: {SECOND_DOCUMENT}"),
        ("topology: !!float 5", "1:11: the tag float does not fit this value; remove it"),
        ("topology: !mine a", "1:11: the tag !mine does not fit this value; remove it"),
        ("queues: !!set {a, b}", "1:9: queues must be a mapping"),
        ("topology: 2026-02-30", "1:11: cannot read the value: day is out of range for month"),
    ],
)
def test_what_is_not_yaml_has_its_place(text: str, problem: str) -> None:
    assert document_problems(text) == [f"x.yaml:{problem}"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("on", "expected a string, got the boolean true; YAML reads `on` as true: quote it"),
        ("false", "expected a string, got the boolean false; quote it"),
        ("12:30:45", "expected a string, got the integer 45045; YAML reads `12:30:45` as 45045: quote it"),
        ("2026-01-01", "expected a string, got the date 2026-01-01; quote it"),
        ("1.0", "expected a string, got the number 1.0; quote it"),
        ("", "expected a string, got null"),
        ("[on]", "expected a string, got an array"),
    ],
)
def test_a_text_that_yaml_reads_as_something_else_is_to_be_quoted(text: str, problem: str) -> None:
    assert document_problems(f"topology: {text}") == [f"x.yaml:1:{11 if text else 10}: {problem}"]


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("null", "'a' holds null, which RabbitMQ cannot store"),
        ("[1, {b: ~}]", "'a' holds null, which RabbitMQ cannot store"),
        ("2026-01-01", "'a' holds the date 2026-01-01, which RabbitMQ cannot store; if a text is meant, quote it"),
        (".nan", "'a' holds the number nan, which RabbitMQ cannot store; if a text is meant, quote it"),
        ("-.inf", "'a' holds the number -inf, which RabbitMQ cannot store; if a text is meant, quote it"),
        ("9223372036854775808", "the integer has more than 64 bits, which AMQP cannot carry"),
        ("-9223372036854775809", "the integer has more than 64 bits, which AMQP cannot carry"),
        ("9" * 5000, "the number has more than 100 characters"),
        ("1:" * 100_000 + "1", "the number has more than 100 characters"),
        ("{b: 1, b: 2}", "duplicate key 'b' in 'a'"),
    ],
)
def test_what_amqp_cannot_carry_is_no_argument(value: str, problem: str) -> None:
    [found] = document_problems(f"queues: {{q: {{arguments: {{a: {value}}}}}}}")

    assert found.partition(": ")[2] == problem


def test_arguments_keep_their_types() -> None:
    text = "queues: {q: {arguments: {a: [true, 1, 1.5, '1', {b: []}], b: -9223372036854775808, c: =, d: <<}}}"

    arguments = parse(text, source="x.yaml").queues["q"].arguments

    assert arguments == {"a": [True, 1, 1.5, "1", {"b": []}], "b": -(2**63), "c": "=", "d": "<<"}


def test_anchors_aliases_and_merge_keys() -> None:
    topology = parse(
        """
topology: &name shop
queues:
  a: &quorum
    type: quorum
    arguments: &limits {x-max-length: 5, x-expires: 6}
  b: {<<: *quorum, arguments: {<<: [{x-max-length: 7}, *limits], x-expires: 8}}
  c: *quorum
  *name : {}
""",
        source="x.yaml",
    )

    limits = {"x-max-length": 5, "x-expires": 6}
    assert set(topology.queues.values()) == {
        Queue(name="a", type="quorum", arguments=limits),
        Queue(name="b", type="quorum", arguments={"x-max-length": 7, "x-expires": 8}),
        Queue(name="c", type="quorum", arguments=limits),
        Queue(name="shop"),
    }


def test_a_merge_key_merges_mappings_only() -> None:
    assert document_problems("queues: {a: {<<: [5]}}") == [
        "x.yaml:1:19: << must stand before a mapping or a list of mappings"
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[" * 300, "1:51: nested more than 50 levels deep"),
        ("{a: " * 300_000, "1:201: nested more than 50 levels deep"),
        ("topology: &a [*a]", "1:11: an alias makes this collection contain itself"),
        ("queues: &a {<<: *a}", "1:9: an alias makes this collection contain itself"),
        (
            "a0: &a0 [x, x]\n" + "".join(f"a{level}: &a{level} [*a{level - 1}]\n" for level in range(1, 60)),
            "50:6: nested more than 50 levels deep",
        ),
        (
            "a0: &a0 [x, x]\n"
            + "".join(f"a{level}: &a{level} [*a{level - 1}, *a{level - 1}]\n" for level in range(1, 40)),
            "19:6: the aliases expand to more than 1000000 values",
        ),
    ],
)
def test_what_would_never_end_is_refused_at_once(text: str, problem: str) -> None:
    assert document_problems(text)[-1] == f"x.yaml:{problem}"


def test_the_deepest_nesting_is_refused_as_such_wherever_the_library_gives_up() -> None:
    [found] = document_problems("[" * 300_000)

    assert found.endswith(": nested more than 50 levels deep")
