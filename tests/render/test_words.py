import pytest

from attune_infra.render.words import declaration, omission, ranges, value, visible
from attune_infra.topology.document.text import LeftOut
from attune_infra.topology.model import ABSENT, Binding, Exchange, Policy, Queue, TopologyObject, Value
from attune_infra.topology.words import counted


@pytest.mark.parametrize("text", ["plain", "[red]bold[/]", "naïve 🐰", "e\u0301", "שלום", "a b/c%+#?&;:'\""])
def test_what_is_harmless_prints_as_itself(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[31mb", "a\\x1b[31mb"),
        ("a\nb\tc\x00", "a\\nb\\tc\\x00"),
        ("evil\u202egnp.exe", "evil\\u202egnp.exe"),
        ("\u2066x\u2069", "\\u2066x\\u2069"),
        ("\u2028", "\\u2028"),
        ("\x9b31m", "\\x9b31m"),
    ],
)
def test_what_could_act_on_a_terminal_is_escaped(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize(
    ("item", "sentence"),
    [
        (Exchange(name="e", type="topic"), "exchange e declared as topic, durable"),
        (
            Exchange(
                name="e", durable=False, auto_delete=True, internal=True, arguments={"alternate-exchange": "a"}
            ),
            "exchange e declared as direct, transient, auto-delete, internal with alternate-exchange a",
        ),
        (Queue(name="q"), "queue q declared"),
        (Queue(name="q", type="quorum"), "queue q declared (quorum)"),
        (Queue(name="q", durable=False, auto_delete=True), "queue q declared (not durable, auto-delete)"),
        (
            Queue(name="q", arguments={"x-dead-letter-exchange": "d", "x-max-length": 5, "x-expires": 1}),
            "queue q declared with dead letter exchange d and x-expires 1, x-max-length 5",
        ),
        (
            Queue(name="q", arguments={"x-dead-letter-exchange": ""}),
            "queue q declared with dead letter exchange (default)",
        ),
        (Binding(source="e", destination="q"), "binding e -> q declared with an empty routing key"),
        (
            Binding(source="e", destination="q", routing_key="k", arguments={"x-match": "any"}),
            "binding e -> q declared with routing key k with x-match any",
        ),
        (Policy(name="p", pattern="^a", apply_to="queues"), "policy p set on queues matching ^a"),
    ],
)
def test_an_object_is_spoken_of_as_the_platform_does(item: TopologyObject, sentence: str) -> None:
    assert declaration(item) == sentence


@pytest.mark.parametrize(
    ("found", "shown"),
    [
        (ABSENT, "none"),
        (True, "true (boolean)"),
        (1, "1 (integer)"),
        (1.5, "1.5 (number)"),
        ("1", "'1' (string)"),
        ([1, "é"], '[1, "é"] (array)'),
        ({"a": True}, '{"a": true} (object)'),
        (None, "null (null)"),
    ],
)
def test_a_value_shows_its_type(found: Value, shown: str) -> None:
    assert value(found) == shown


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("a",), "left out: users a: why"),
        (tuple("abcde"), "left out: users a, b, c, d, e: why"),
        (tuple("abcdefgh"), "left out: users a, b, c, d, e and 3 more: why"),
    ],
)
def test_what_is_left_out_is_named_but_not_at_length(names: tuple[str, ...], words: str) -> None:
    assert omission(LeftOut("users", names, "why")) == words


def test_successive_ids_are_told_as_ranges() -> None:
    assert ranges([3, 1, 2, 9, 11, 12]) == "1-3, 9, 11-12"
    assert ranges([]) == ""


def test_one_is_not_many() -> None:
    numbers = (0, 1, 2, None)

    assert [counted(number, "queue") for number in numbers] == [
        "0 queues",
        "1 queue",
        "2 queues",
        "an unknown number of queues",
    ]
