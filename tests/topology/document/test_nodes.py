import pytest

from attune_infra.topology.document.parse import parse
from attune_infra.topology.model import Queue
from support.problems import document_problems


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: [", "2:1: is not YAML: did not find expected node content"),
        ("a: 1\nb: \x07", "2:4: is not YAML: '\\x07' must be written as an escape"),
        ("é: '\ud800'", "1:5: is not YAML: '\\ud800' must be written as an escape"),
        ("topology: *a", "1:11: is not YAML: found undefined alias"),
        ("topology: a\n---\ntopology: b", "2:1: is not YAML: but found another document"),
        ("topology: !!float 5", "1:11: has the tag float, which does not fit; leave it out"),
        ("topology: !mine a", "1:11: has the tag !mine, which does not fit; leave it out"),
        ("queues: !!set {a, b}", "1:9: queues must be a mapping"),
        ("topology: 2026-02-30", "1:11: cannot be read: day is out of range for month"),
    ],
)
def test_what_is_not_yaml_has_its_place(text: str, problem: str) -> None:
    assert document_problems(text) == [f"x.yaml:{problem}"]


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("null", "'a' holds null; RabbitMQ cannot store that"),
        ("[1, {b: ~}]", "'a' holds null; RabbitMQ cannot store that"),
        ("2026-01-01", "'a' holds 2026-01-01 (date); RabbitMQ cannot store that"),
        (".nan", "'a' holds nan (number); RabbitMQ cannot store that"),
        ("-.inf", "'a' holds -inf (number); RabbitMQ cannot store that"),
        ("9223372036854775808", "is an integer of more than 64 bits, which AMQP cannot carry"),
        ("-9223372036854775809", "is an integer of more than 64 bits, which AMQP cannot carry"),
        ("9" * 5000, "is too long for a number"),
        ("1:" * 100_000 + "1", "is too long for a number"),
        ("{b: 1, b: 2}", "'b' is there twice in 'a'"),
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
        "x.yaml:1:19: << merges a mapping, or a list of mappings"
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[" * 300, "1:51: is nested more than 50 levels deep"),
        ("{a: " * 300_000, "1:201: is nested more than 50 levels deep"),
        ("topology: &a [*a]", "1:11: contains itself"),
        ("queues: &a {<<: *a}", "1:9: contains itself"),
        (
            "a0: &a0 [x, x]\n" + "".join(f"a{level}: &a{level} [*a{level - 1}]\n" for level in range(1, 60)),
            "50:6: is nested more than 50 levels deep",
        ),
        (
            "a0: &a0 [x, x]\n"
            + "".join(f"a{level}: &a{level} [*a{level - 1}, *a{level - 1}]\n" for level in range(1, 40)),
            "19:6: becomes more than 1000000 values when all aliases are followed",
        ),
    ],
)
def test_what_would_never_end_is_refused_at_once(text: str, problem: str) -> None:
    assert document_problems(text)[-1] == f"x.yaml:{problem}"


def test_the_deepest_nesting_is_refused_as_such_wherever_the_library_gives_up() -> None:
    [found] = document_problems("[" * 300_000)

    assert found.endswith(": is nested more than 50 levels deep")
