"""Definitions JSON, read and written; the folder `definitions` holds files, each with the result of reading it."""

from pathlib import Path

import pytest

from attune_infra.render.words import omission
from attune_infra.topology.document.definitions.virtual_host import (
    looks_like_definitions,
    parse_definitions,
    read_definitions,
    write_definitions,
)
from attune_infra.topology.document.problems import InvalidDocument
from attune_infra.topology.document.write import write
from attune_infra.topology.model import Argument, Binding, Exchange, Policy, Queue, Topology
from support.folders import DEFINITIONS as FOLDER
from support.problems import definitions_problems


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_a_file_is_read_as_its_companion_says(path: Path) -> None:
    try:
        reading = read_definitions(path.read_text(encoding="utf-8"), source=path.name)
        reading.refuse_problems()
    except InvalidDocument as refusal:
        said = refusal.sentence + "\n"
    else:
        told = [*reading.warnings(), *map(omission, reading.left_out)]
        said = "".join(line + "\n" for line in told) + "\n" + write(reading.topology)

    assert said == path.with_suffix(".txt").read_text(encoding="utf-8")
    assert "s3cret" not in said


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "x.json:1:1: invalid JSON: Expecting '{'"),
        ('{"queues": [}', "x.json:1:13: invalid JSON: Expecting value"),
        ('{"a":' + "[" * 100_000, "x.json:1:1: nested too deeply"),
    ],
)
def test_what_is_no_json_is_refused(text: str, found: str) -> None:
    assert definitions_problems(text) == [found]


@pytest.mark.parametrize(
    "text",
    [
        '{"queues": [',
        '\ufeff{"rabbit_version": "3.6.0"',
        '{"users":[]}',
        ' \n{"vhosts" : [{"name": "/"}]}',
        '{"policies": [{}]}',
        '{"x": 1, "topic_permissions": []}',
    ],
)
def test_definitions_look_like_it_even_if_they_are_broken(text: str) -> None:
    assert looks_like_definitions(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "topology: x",
        '{"queues": {"users": {}}}',
        '{"topology": "x", "queues": {"q": {"bindings": [{"exchange": "amq.topic"}]}}}',
        'queues:\n  "users": []',
        '- {"queues": []}',
    ],
)
def test_topology_documents_do_not_look_like_definitions(text: str) -> None:
    assert not looks_like_definitions(text)


WRITTEN = """\
{
  "rabbitmq_definition_format": "single_virtual_host",
  "original_vhost_name": "a b",
  "exchanges": [
    {
      "name": "e",
      "type": "fanout",
      "durable": true,
      "auto_delete": false,
      "internal": false,
      "arguments": {}
    }
  ],
  "queues": [
    {
      "name": "q",
      "durable": true,
      "auto_delete": false,
      "arguments": {
        "a": {
          "x": 2,
          "y": 1
        },
        "x-queue-type": "quorum",
        "z": "\\u202e🐰"
      }
    }
  ],
  "bindings": [
    {
      "source": "e",
      "destination": "q",
      "destination_type": "queue",
      "routing_key": "",
      "arguments": {}
    }
  ],
  "policies": [
    {
      "name": "p",
      "pattern": "",
      "apply-to": "all",
      "definition": {
        "max-length": 1
      },
      "priority": 0
    }
  ]
}
"""


def test_definitions_are_written_with_every_attribute_in_a_settled_order() -> None:
    arguments: dict[str, Argument] = {"z": "\u202e🐰", "a": {"y": 1, "x": 2}}
    topology = Topology.of(
        [
            Queue(name="q", type="quorum", arguments=arguments),
            Exchange(name="e", type="fanout"),
            Binding(source="e", destination="q"),
            Policy(name="p", pattern="", definition={"max-length": 1}),
        ],
        name="a b",
    )

    assert write_definitions(topology) == WRITTEN
    assert parse_definitions(write_definitions(topology), source="x.json") == (topology, ())
