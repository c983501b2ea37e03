"""Documents that extend another one."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given

from attune_infra.errors import InvalidInput
from attune_infra.topology.document.merging.overlay import MAX_CHAIN, Read, Text
from attune_infra.topology.document.merging.several import read_several, resolve_several
from attune_infra.topology.document.parse import parse
from attune_infra.topology.document.places import Place
from attune_infra.topology.document.problems import InvalidDocument
from attune_infra.topology.document.reading import Reading
from attune_infra.topology.document.variables import Given
from attune_infra.topology.document.write import write
from attune_infra.topology.model import Topology
from support.strategies import topologies

BASE = """
topology: shop
variables:
  environment: dev
  limit: {type: integer, default: 100}
manages: [^shop]
exchanges:
  orders: {type: topic}
queues:
  paid:
    arguments: {x-max-length: "${limit}", x-expires: 1h}
    bindings:
      - {exchange: orders, routing_key: paid}
  audit: {}
routes:
  - {publish: {exchange: orders, routing_key: paid}, reaches: [paid]}
lint:
  ignore: [{rule: AI033, reason: small}]
"""


WHY = "more than one of the documents is base or extends it; give one of them"


def reader(files: Mapping[str, str]) -> Read:
    def read(name: str, source: str) -> Text:
        if name not in files:
            raise InvalidInput(f"cannot read {name} for {source}", hint="")
        return Text(name, files[name])

    return read


def extend(over: str, base: str = BASE, **others: str) -> Reading:
    read = reader({"base": base, "over": f"extends: base\n{over}", **others})
    return read_several([read("over", "")], values={}, with_places=True, read=read)


def resolved(over: str, base: str = BASE) -> str:
    read = reader({"base": base, "over": f"extends: base\n{over}"})
    return resolve_several([read("over", "")], values={}, read=read)


def told(over: str, base: str = BASE, **others: str) -> list[str]:
    with pytest.raises(InvalidDocument) as raised:
        extend(over, base, **others)
    return raised.value.sentence.splitlines()


def changes(over: str) -> list[str]:
    lines = [line for line in resolved(over).splitlines() if line.startswith("# ")]
    assert lines[0] == "# over extends base:"
    return [line.removeprefix("#   ") for line in lines[1:]]


def test_a_document_that_changes_nothing_is_its_base() -> None:
    assert extend("").topology == parse(BASE, source="base")
    assert changes("") == ["changes nothing"]


@pytest.mark.parametrize(
    ("over", "same", "change"),
    [
        (
            "variables: {limit: 7}",
            BASE.replace("default: 100", "default: 7"),
            "changed variables / limit / default: 100 -> 7",
        ),
        (
            "variables: {environment: {default: prod}}",
            BASE,
            "changed variables / environment / default: dev -> prod",
        ),
        (
            "queues: {paid: {arguments: {x-expires: null}}}",
            BASE.replace(", x-expires: 1h", ""),
            "removed queues / paid / arguments / x-expires",
        ),
        ("queues: {audit: }", BASE.replace("  audit: {}\n", ""), "removed queues / audit"),
        (
            "exchanges: {orders: {type: fanout}}",
            BASE.replace("type: topic", "type: fanout"),
            "changed exchanges / orders / type: topic -> fanout",
        ),
        (
            "queues: {paid: {bindings: [{routing_key: paid, exchange: orders}, {exchange: orders}]}}",
            BASE.replace("key: paid}\n  audit", "key: paid}\n      - {exchange: orders}\n  audit"),
            "added queues / paid / bindings: {exchange: orders}",
        ),
        (
            "queues: {paid: {bindings: !override [{exchange: amq.topic}]}}\nroutes:",
            BASE.replace("orders, routing_key: paid}\n  audit", "amq.topic}\n  audit").split("routes:")[0]
            + "lint: {ignore: [{rule: AI033, reason: small}]}",
            "removed routes",
        ),
        ("manages: [^shop, ^new]", BASE.replace("[^shop]", "[^shop, ^new]"), "added manages: ^new"),
        (
            "routes: [{reaches: [], publish: {routing_key: paid, exchange: orders}}]",
            BASE.replace("reaches: [paid]", "reaches: []"),
            "changed routes: {publish: {exchange: orders, routing_key: paid}, reach",
        ),
        (
            "lint: {ignore: [{rule: AI033, reason: large}]}",
            BASE.replace("reason: small", "reason: large"),
            "changed lint / ignore: {rule: AI033, reason: small} -> {rule: AI033, reason: large}",
        ),
        ("policies: {p: {pattern: a, definition: {max-length: 1}}}", "", "added policies"),
    ],
)
def test_an_overlay_changes_what_it_names_and_says_so(over: str, same: str, change: str) -> None:
    topology = extend(over).topology

    if same:
        assert topology == parse(same, source="same")
    assert changes(over)[-1].startswith(change)
    assert parse(resolved(over), source="resolved") == topology


def test_an_overlay_may_extend_an_overlay() -> None:
    middle = "extends: bottom\nqueues: {a: {type: quorum}}\nvariables: {n: 2}"
    bottom = "variables: {n: 1}\nqueues: {a: {arguments: {x-max-length: '${n}'}}}"

    topology = extend("variables: {n: 3}", middle, bottom=bottom).topology

    assert (topology.queues["a"].type, topology.queues["a"].arguments) == ("quorum", {"x-max-length": 3})


def test_a_shared_node_of_the_base_changes_at_one_place_only() -> None:
    base = "queues: {a: &a {arguments: {x-max-length: 1}}, b: *a, c: {<<: *a}}"

    topology = extend("queues: {b: {arguments: {x-max-length: 2}}, c: {type: quorum}}", base).topology

    assert [each.arguments["x-max-length"] for each in topology.queues.values()] == [1, 2, 1]


@pytest.mark.parametrize(
    ("over", "problem"),
    [
        (
            "queues: {paid: {arguments: {x-max-length: many}}}",
            "over:2:43: x-max-length expects an integer of at least 0, got the string 'many'",
        ),
        ("queues: {new: }", "over:2:10: null removes 'new', which base does not have; an empty one is written {}"),
        ("queues: {audit: {}, audit: {}}", "over:2:21: duplicate key 'audit' in queues"),
        ("policies: [a]", "over:2:11: policies must be a mapping"),
        ("queus: {}", "over:2:1: unknown key 'queus' in the document; did you mean 'queues'?"),
        ("exchanges: {orders: null}", "base:13:20: no exchange 'orders' in this document"),
        (
            "variables: {limit: lots}",
            "over:2:20: variable limit must be an integer, and its default is the string",
        ),
        ("variables: {limit: null}", "base:11:31: there is no variable 'limit'"),
        ("- a", "over:2:1: invalid YAML"),
    ],
)
def test_a_problem_is_at_the_place_of_the_wrong_value(over: str, problem: str) -> None:
    assert told(over)[0].startswith(problem)


def test_problems_of_the_chain_are_at_the_name_that_leads_there() -> None:
    circle = "extends: over"
    chain = {f"n{number}": f"extends: n{number + 1}" for number in range(MAX_CHAIN + 2)}

    assert told("", circle) == ["base:1:10: the documents extend each other in a circle: over > base > over"]
    assert told("", "extends: none") == ["base:1:10: cannot extend none: cannot read none for base"]
    assert told("", "extends:") == ["base:1:9: expected a string, got null"]
    assert told("", "extends: ''") == ["base:1:10: extends names no document"]
    assert told("", "extends: [a]") == ["base:1:10: expected a string, got an array"]
    assert told("", "extends: n0", **chain) == [
        f"n{MAX_CHAIN - 2}:1:10: more than {MAX_CHAIN} documents extend each other"
    ]
    assert told("", "{") == ["base:2:1: invalid YAML: did not find expected node content"]


def test_a_document_that_is_in_no_file_extends_none() -> None:
    with pytest.raises(InvalidDocument, match="only a document in a file can extend another one"):
        parse("extends: base", source="text")


def test_each_part_has_the_place_in_its_own_file() -> None:
    reading = extend("queues:\n  paid:\n    arguments: {x-max-length: 5}\n  more: {}")
    queue, more = reading.topology.queues["paid"], reading.topology.queues["more"]

    assert reading.places.of(queue) == Place(10, 3, 7, "base")
    assert reading.places.of(queue, "x-expires") == Place(11, 43, 52, "base")
    assert reading.places.of(queue, "x-max-length") == Place(4, 17, 29, "over")
    assert reading.places.of(more) == Place(5, 3, 7, "over")


def test_a_value_is_given_to_the_variables_of_the_base() -> None:
    read = reader({"base": BASE, "over": "extends: base"})
    values = {"limit": Given("5", "--set limit", is_untyped=True)}

    topology = read_several([read("over", "")], values=values, read=read).topology

    assert topology.queues["paid"].arguments["x-max-length"] == 5


def test_two_documents_with_the_same_base_are_refused() -> None:
    read = reader({"base": "queues: {a: {}}", "one": "extends: base", "two": "extends: base"})

    with pytest.raises(InvalidDocument) as raised:
        read_several([read("one", ""), read("two", "")], values={}, read=read)

    assert raised.value.sentence == (f"base:1:10: queue 'a' is taken twice: {WHY}")


@given(topologies())
def test_an_overlay_of_nothing_and_one_of_everything_are_the_document(topology: Topology) -> None:
    whole = write(topology).replace("{}\n", "manages: []\n") if topology == Topology() else write(topology)

    for over, base in (("", whole), (whole, "manages: []"), (whole, whole)):
        assert extend(over, base).topology == parse(whole, source="whole")


def test_a_collection_that_is_overridden_is_named_in_the_list_of_changes() -> None:
    text = resolved("queues: {paid: {bindings: !override [{exchange: amq.topic}]}}\nroutes: !override []")

    assert "#   replaced queues / paid / bindings" in text.splitlines()
    assert "#   replaced routes" in text.splitlines()


def test_each_wrong_binding_beside_bindings_of_the_base_is_a_problem() -> None:
    assert len(told("queues: {paid: {bindings: [orders, orders.other]}}")) == 2
