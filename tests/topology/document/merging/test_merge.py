"""Several documents that become one, and what two of them cannot both say."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from attune_infra.topology.document.merging.overlay import Text
from attune_infra.topology.document.merging.several import read_several, resolve_several
from attune_infra.topology.document.parse import parse
from attune_infra.topology.document.problems import InvalidDocument
from attune_infra.topology.document.write import write
from attune_infra.topology.model import Binding, Topology
from support.strategies import topologies

REMEDY = "declare it once, and write external: true elsewhere"


def texts(*documents: str) -> list[Text]:
    return [Text(f"{name}.yaml", text) for name, text in zip("abcdef", documents, strict=False)]


def merged(*documents: str) -> Topology:
    return read_several(texts(*documents), values={}).topology


def told(*documents: str) -> list[str]:
    with pytest.raises(InvalidDocument) as raised:
        merged(*documents)
    return raised.value.sentence.splitlines()


def test_each_document_adds_its_objects() -> None:
    one = "topology: one\nmanages: [^a]\nexchanges: {a: {type: topic}}\nprotect: ['queue:a']\n"
    two = "topology: two\nmanages: [^b]\nqueues: {b: {bindings: [{exchange: a, routing_key: k}]}}\npolicies:\n"

    topology = merged(one, two)

    assert (topology.name, topology.manages) == ("one + two", ("^a", "^b"))
    assert topology.demands.protect == ("queue:a",)
    assert topology.bindings == {Binding(source="a", destination="b", routing_key="k")}


@pytest.mark.parametrize(
    ("section", "label"),
    [("queues: {x: {}}", "queue 'x'"), ("exchanges: {x: {}}", "exchange 'x'")],
)
def test_an_object_of_two_documents_is_a_conflict_that_names_both_places(section: str, label: str) -> None:
    column = section.index("{") + 2

    assert told(section, f"topology: b\n{section}", "queues: {y: {}}") == [
        f"b.yaml:2:{column}: {label} is also declared in a.yaml:1:{column}; {REMEDY}"
    ]


def test_an_object_that_cannot_be_external_is_declared_once() -> None:
    policy = "policies: {p: {pattern: a, definition: {max-length: 1}}}"

    assert told(policy, policy) == ["b.yaml:1:12: policy 'p' is also declared in a.yaml:1:12; declare it once"]


def test_a_declaration_goes_before_what_another_document_calls_external() -> None:
    sends = (
        "queues: {q: {external: yes, type: quorum, bindings: [{exchange: e, routing_key: a}]}}\nexchanges: {e: {}}"
    )
    owns = (
        "exchanges: {e: {external: true}}\nqueues: {q: {type: quorum, bindings: [{exchange: e, routing_key: b}]}}"
    )
    for documents in ((sends, owns), (owns, sends)):
        topology = merged(*documents)

        assert not topology.queues["q"].external
        assert not topology.exchanges["e"].external
        assert {binding.routing_key for binding in topology.bindings} == {"a", "b"}


def test_a_binding_of_an_external_queue_may_stand_with_its_owner_too() -> None:
    sends = "exchanges: {e: {}}\nqueues: {q: {external: true, bindings: [{exchange: e, routing_key: ''}]}}"
    owns = "exchanges: {e: {external: true}}\nqueues: {q: {bindings: [{arguments: {}, exchange: e}]}}"

    assert merged(sends, owns).bindings == {Binding(source="e", destination="q")}


def test_the_same_binding_of_two_documents_that_do_not_own_its_end_is_a_conflict() -> None:
    one = "exchanges: {amq.topic: {bindings: [{exchange: amq.direct}]}}"

    assert told(one, one) == ["b.yaml:1:36: duplicate binding; the first one is in a.yaml:1:36"]


def test_what_is_external_everywhere_stays_so() -> None:
    external = "queues: {q: {external: true}}"

    assert merged(external, "queues: {q: {external: true, type: quorum}}").queues["q"].external
    assert merged(external, external, external).queues["q"].external


@pytest.mark.parametrize(
    ("one", "two", "problem"),
    [
        (
            "queues: {q: {type: quorum}}",
            "queues: {q: {external: true, type: classic}}",
            "b.yaml:1:36: queue 'q' has the type 'classic' here and 'quorum' in a.yaml:1:10",
        ),
        (
            "exchanges: {e: {external: true, type: topic}}",
            "exchanges: {e: }",
            "a.yaml:1:39: exchange 'e' has the type 'topic' here and 'direct' in b.yaml:1:13",
        ),
        (
            "expect_cluster: one",
            "expect_cluster: two",
            "b.yaml:1:17: expect_cluster is 'two' here and 'one' in a.yaml:1:17",
        ),
        ("queues: {a: {}}", "queues: [a]", "b.yaml:1:9: queues is of another kind in a.yaml:1:9"),
        (
            "workers: {consumer_tag: 'w-{worker_id}', queues: {'w.{worker_id}': {}}}",
            "workers: {consumer_tag: 'v-{worker_id}'}",
            "b.yaml:1:25: consumer_tag is 'v-{worker_id}' here and 'w-{worker_id}' in a.yaml:1:25",
        ),
        (
            "exchanges: {e: {}}\nroutes: [{publish: {exchange: e}, reaches: []}]",
            "routes: [{publish: {exchange: e}, reaches: []}]",
            "b.yaml:1:10: duplicate route; the one in a.yaml:2:10 publishes the same message",
        ),
        (
            "topology: a",
            "tpology: b",
            "b.yaml:1:1: unknown key 'tpology' in the document; did you mean 'topology'?",
        ),
        ("topology: a", "queues: {a: {}, a: {}}", "b.yaml:1:17: duplicate key 'a' in queues"),
        ("topology: a", "{", "b.yaml:2:1: invalid YAML"),
        ("topology: a", "", "b.yaml:1:1: the document is empty"),
        ("topology: a", "[" * 60, "b.yaml:1:51: nested more than 50 levels deep"),
        (
            "topology: a",
            "queues: {b: {bindings: [{exchange: e}]}}",
            "b.yaml:1:36: no exchange 'e' in these documents",
        ),
        ("topology: a", "- a", "b.yaml:1:1: the document must be a mapping"),
    ],
)
def test_a_problem_names_its_document(one: str, two: str, problem: str) -> None:
    found = told(one, two)

    assert len(found) == 1
    assert found[0].startswith(problem)


def test_sections_of_settings_are_put_together() -> None:
    ignore = "lint: {{ignore: [{{rule: AI00{}, reason: r}}]}}"
    worker = "workers: {{queues: {{'{}.{{worker_id}}': {{}}}}}}"

    topology = merged(f"{ignore.format(1)}\n{worker.format('a')}", f"{ignore.format(2)}\n{worker.format('b')}")

    assert [each.rule for each in topology.suppressions] == ["AI001", "AI002"]
    assert topology.workers is not None
    assert [queue.name for queue in topology.workers.queues] == ["a.{worker_id}", "b.{worker_id}"]


def test_a_user_has_topic_permissions_in_several_documents() -> None:
    exchanges = "exchanges: {a: {external: true}, b: {external: true}}"
    allowed = "topic_permissions: {{u: {{{}: {{write: x, read: x}}}}}}"
    one, two = (f"{exchanges}\n{allowed.format(name)}" for name in "ab")

    assert len(merged(one, two).topic_permissions) == 2
    assert told(one, one) == [
        "b.yaml:2:25: 'a' of topic_permissions u is also declared in a.yaml:2:25; declare it once"
    ]


@pytest.mark.parametrize("section", ["limits:", "permissions: null", "topic_permissions: {}"])
def test_an_empty_section_is_one_of_the_whole_too(section: str) -> None:
    whole = f"manages: [a]\n{section}\nqueues:\n"

    assert merged("manages: [a]", section, "queues: {}", "queues:") == parse(whole, source="whole")


@given(topologies(with_parameters=True), st.data())
def test_the_parts_of_a_document_make_the_whole(topology: Topology, data: st.DataObject) -> None:
    whole = write(topology)
    parts: list[dict[str, Any]] = [{}, {}, {}]
    for name, section in yaml.safe_load(whole).items():
        for part, piece in zip(parts, _split(section, data), strict=True):
            if piece:
                part[name] = piece
    documents = texts(*(yaml.safe_dump(part or {"manages": []}, sort_keys=False) for part in parts))

    assert read_several(documents, values={}).topology == parse(whole, source="whole")
    assert parse(resolve_several(documents, values={}), source="resolved") == parse(whole, source="whole")


def _split(section: Any, data: st.DataObject) -> list[Any]:
    """Return three parts of a section; what cannot be split is in the first."""
    if isinstance(section, list):
        first, second = sorted(data.draw(st.tuples(*[st.integers(0, len(section))] * 2)))
        return [section[:first], section[first:second], section[second:]]
    if not isinstance(section, dict) or "queues" in section or "ignore" in section:
        return [section, None, None]
    chosen = {name: data.draw(st.integers(0, 2)) for name in section}
    return [{name: value for name, value in section.items() if chosen[name] == number} for number in range(3)]
