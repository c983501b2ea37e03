"""The reader of large documents: the same topology, places and problems as the reader of whole documents finds."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from random import Random
from typing import Any
from unittest.mock import patch

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from attune_infra.topology.document import large
from attune_infra.topology.document.composer import Composer
from attune_infra.topology.document.large import LargeDocument
from attune_infra.topology.document.parse import parse, parse_with_places, read_root
from attune_infra.topology.document.places import Places
from attune_infra.topology.document.problems import InvalidDocument
from attune_infra.topology.document.write import write
from attune_infra.topology.model import Topology
from support.folders import EXAMPLES
from support.fuzz.mutants import mutants
from support.strategies import topologies

DOCUMENT = """
manages: [^q]
exchanges:
  e: {type: headers}
  f: {bindings: [{exchange: e, routing_key: a}]}
  amq.topic: {bindings: [{exchange: e}]}
queues:
  a: {type: quorum, arguments: {x-max-length: 5}, bindings: [{exchange: e, arguments: {k: {present: true}}}]}
  b: {bindings: [{exchange: amq.direct, routing_key: b}, {exchange: f}]}
  c:
  d: {arguments: {x-message-ttl: 1h}}
workers:
  queues:
    w.{worker_id}: {bindings: [{exchange: e}]}
    v.{worker_id}:
    u.{worker_id}:
policies:
  p: {pattern: ^a, definition: {max-length: 9}}
  q: {pattern: ^b, definition: {max-length: 9}}
  r: {pattern: ^c, definition: {max-length: 9}}
"""


@contextmanager
def all_large(share: int = 1) -> Iterator[None]:
    """Take every document for a large one, and read so many objects at a time."""
    with patch.object(large, "MIN_LENGTH", 0), patch.object(large, "_SHARE", share):
        yield


def outcome(text: str) -> object:
    """Return what a text is read as: its objects in their order with the places of all parts, or its problems."""
    try:
        topology, places = parse_with_places(text, source="x.yaml")
    except InvalidDocument as error:
        return error.problems
    parts = ("", "type", "bindings", "arguments", "x-max-length", "exchange", "pattern", "max-length")
    found = [(each, [places.of(each, part) for part in parts]) for each in topology.objects()]
    return topology, [*topology.exchanges], [*topology.queues], found


def read_as_large(text: str) -> Topology:
    document = LargeDocument(text, places=Places())
    return read_root(document, document.root())


@pytest.mark.parametrize("share", [1, 2, 3])
def test_a_large_document_is_read_like_any_other(share: int) -> None:
    with all_large(share):
        assert outcome(DOCUMENT) == outcome_of_whole(DOCUMENT)
        assert read_as_large(DOCUMENT) == parse(DOCUMENT, source="x.yaml")


def outcome_of_whole(text: str) -> object:
    with patch.object(large, "MIN_LENGTH", len(text) + 1):
        return outcome(text)


def test_the_nodes_of_objects_are_let_go_of() -> None:
    with all_large(share=2):
        document = LargeDocument(DOCUMENT)
        root = document.root()

    assert isinstance(root, yaml.MappingNode)
    sizes = {key.value: len(value.value) for key, value in root.value}
    assert sizes == {"manages": 1, "exchanges": 0, "queues": 0, "workers": 1, "policies": 3}


@pytest.mark.parametrize(
    "text",
    [
        "queues: {a: , b: , a: }",
        "queues: {a: , b: , [c]: , d: }",
        "queues: {a: }\nqueues: {b: , c: }",
        "queues: {a: , b: , c: }\nqueues: {d: , e: , f: }",
        "queues: {a: , b: {bindings: [{exchange: none}]}, c: }",
        f"queues: {{a: , b: {{bindings: [{{exchange: amq.topic, routing_key: {'k' * 256}}}]}}, c: }}",
        "queues: {a: , b: {bindings: [{exchange: amq.topic, arguments: {k: {present: true}}}]}, c: }",
        "queues: {a: , b: {bindings: [{exchange: ''}]}, c: }",
        "queues: {a: , b: {arguments: {x-max-length: -1}}, c: }",
        "queues: {a: , b: {bindings: [{exchange: amq.topic}, {exchange: amq.topic}]}, c: }",
        "queues: !!set {a, b, c}",
        "queues: {a: , b: , c: ",
        "queues: {a: , b: , c: }\n---\nqueues: {}",
        "queues: {a: , b: , c: }\nvirtual_hosts: {v: {queues: {a: , b: }}}",
        "!!omap {queues: {a: , b: , c: }}",
        "queues: {a: , b: , c: }\nextends: base.yaml",
        "queues: {a: , b: , c: }\nsuper_streams: {b: {partitions: 2}, c: {partitions: 2}, a-0: {partitions: 1}}",
        "queues: {a: , b: , b-0: }\nsuper_streams: {b: {partitions: 2}}",
        "queues: &q {a: , b: , c: }\nexchanges: *q",
        "queues: {<<: {a: , b: }, b: {type: quorum}, c: }",
        "variables: {n: 5}\nqueues: {a: , b: {arguments: {x-max-length: '${n}'}}, c: }",
        "variables: {n: 5}\nqueues: {a: , b: , c: }",
        "virtual_hosts: {v: {queues: {a: , b: }}, w: {queues: {a: , b: , c: }}}",
        "- queues: {a: , b: , c: }",
        "queues: [{a: }, {b: }, {c: }]",
        "? {queues: {a: , b: }}\n: {queues: {a: , b: }}",
        "policies: {queues: {a: , b: , c: }}",
    ],
)
def test_odd_documents_are_read_like_any_other(text: str) -> None:
    with all_large():
        assert outcome(text) == outcome_of_whole(text)


def test_nearly_right_documents_are_read_like_any_other() -> None:
    seeds = [DOCUMENT.encode(), *(file.read_bytes() for file in sorted(EXAMPLES.glob("*.yaml")))]
    for data in islice(mutants(seeds, Random(7)), 600):  # noqa: S311 - it chooses tests
        text = data.decode("utf-8", errors="replace")
        with all_large():
            assert outcome(text) == outcome_of_whole(text), text


@given(topologies())
@settings(max_examples=40, deadline=None)
def test_documents_of_every_shape_are_read_like_any_other(topology: Topology) -> None:
    text = write(topology)

    with all_large():
        assert outcome(text) == outcome_of_whole(text)


WORDS = st.sampled_from((
    "yes", "NO", "true", "False", "null", "Null", "~", "n", "y", "on", "OFF", "offset", "nothing", "orders", "<<",
    "=", "1", "1_0", "0x1f", "1e3", "1.5e+3", ".inf", "-.INF", ".nan", "12:30:45", "2026-01-01", "- a", "é", "",
))  # fmt: skip


@given(
    st.recursive(WORDS | st.text(), lambda inner: st.lists(inner) | st.dictionaries(WORDS, inner)), st.booleans()
)
@settings(max_examples=100, deadline=None)
def test_nodes_have_the_tags_and_the_places_of_pyyaml(value: object, is_plain: bool) -> None:
    text = yaml.dump(value, allow_unicode=True) if is_plain else yaml.dump(value, default_style='"')
    text = text.replace("'", "") if is_plain else text

    assert composed(text, Composer) == composed(text, yaml.SafeLoader)


def composed(text: str, loader: Any) -> object:
    try:
        return [_as_data(node) for node in yaml.compose_all(text, Loader=loader)]
    except yaml.YAMLError:
        return None


def _as_data(node: yaml.Node) -> object:
    value = node.value
    if isinstance(node, yaml.SequenceNode):
        value = [_as_data(each) for each in value]
    elif isinstance(node, yaml.MappingNode):
        value = [(_as_data(key), _as_data(each)) for key, each in value]
    return node.tag, node.start_mark.line, node.start_mark.column, value
