from __future__ import annotations

import json

import pytest
from hypothesis import given, settings

from attune_infra.errors import ExitCode
from attune_infra.topology.builtin import NAMES, text_of
from attune_infra.topology.document.definitions.virtual_host import write_definitions
from attune_infra.topology.document.parse import parse
from attune_infra.topology.document.schema.document import schema_text
from attune_infra.topology.document.text import Document, LeftOut, group_left_out, make_portable
from attune_infra.topology.document.write import _flow, write
from attune_infra.topology.model import Queue, Topology
from support.strategies import topologies


@pytest.mark.parametrize(
    ("default_type", "queue", "named"),
    [
        ("classic", Queue(name="q", type="classic"), "classic"),
        ("classic", Queue(name="q"), None),
        ("classic", Queue(name="q", type="quorum"), "quorum"),
        ("classic", Queue(name="q", type="stream"), "stream"),
        ("quorum", Queue(name="q", type="classic"), "classic"),
        ("quorum", Queue(name="q", type="quorum"), "quorum"),
        ("quorum", Queue(name="q"), "quorum"),
        ("quorum", Queue(name="q", type="classic", durable=False), None),
        ("quorum", Queue(name="q", durable=False), None),
    ],
)
def test_a_queue_names_its_type_where_a_virtual_host_might_choose_another(
    default_type: str, queue: Queue, named: str | None
) -> None:
    topology = make_portable(Topology.of([queue], default_queue_type=default_type))

    assert topology.queues["q"].type == named
    assert topology.default_queue_type == "classic"


def test_what_was_left_out_is_gathered_by_kind_and_reason() -> None:
    assert group_left_out(
        [("users", "b", "why"), ("users", "a", "why"), ("users", "b", "why"), ("users", "a", "no")]
    ) == (
        LeftOut("users", ("b", "a"), "why"),
        LeftOut("users", ("a",), "no"),
    )


def again(document: Document) -> str:
    """Return the content, written on one line."""
    return _flow(document.content)


@given(topologies())
@settings(deadline=None)
def test_the_content_of_a_document_is_the_same_topology(topology: Topology) -> None:
    text = write(topology)

    assert parse(again(Document(text)), source="again.yaml") == parse(text, source="x.yaml")


@pytest.mark.parametrize("name", NAMES)
def test_the_content_of_a_built_in_document_is_the_same_topology(name: str) -> None:
    text = text_of(name)

    assert parse(again(Document(text)), source="again.yaml") == parse(text, source="x.yaml")


def test_the_content_of_json_is_that_json() -> None:
    for text in (schema_text(), write_definitions(Topology.of([Queue(name="q")])), write(Topology())):
        assert Document(text).content == json.loads(text)


def test_a_text_that_may_lack_something_has_failed() -> None:
    assert Document("queues: {}").exit_code is ExitCode.DONE
    assert Document("queues: {}", is_whole=False).exit_code is ExitCode.FAILED
