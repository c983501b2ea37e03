"""`attune-infra graph`, as a user runs it."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import amqp
import pytest

from support.as_a_user import Command
from support.folders import ROOT

pytestmark = pytest.mark.any_broker

PICTURE = ROOT / "docs/attune.svg"
HIGHLIGHT = ("--highlight", "attune.executions worker.7")


def told(picture: str) -> list[tuple[str, str]]:
    """Return what a picture says, wherever it says it: places may differ between releases of Graphviz."""
    root = ET.fromstring(picture)  # noqa: S314 # it is our own
    return sorted(
        (each.get("class", ""), each.text or "") for each in root.iter() if each.tag.endswith(("g", "text"))
    )


def test_the_picture_in_the_readme_is_fresh(attune_infra_alone: Command) -> None:
    """Mend it: attune-infra graph --format svg --to docs/attune.svg --highlight 'attune.executions worker.7'."""
    result = attune_infra_alone("graph", "--format", "svg", *HIGHLIGHT)

    assert (result.code, result.stderr) == (0, "")
    assert told(PICTURE.read_text(encoding="utf-8")) == told(result.stdout)


def test_a_picture_is_written_to_a_file(attune_infra_alone: Command, tmp_path: Path) -> None:
    path = tmp_path / "a.svg"

    result = attune_infra_alone("graph", "--format", "svg", "--to", str(path), *HIGHLIGHT)

    assert (result.stdout, result.stderr) == ("", f"{path}: written\n")
    assert told(path.read_text(encoding="utf-8")) == told(PICTURE.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("as_format", "beginning"),
    [("mermaid", "flowchart LR"), ("dot", 'digraph "attune" {'), ("text", "  exchange")],
)
def test_other_formats_need_nothing(attune_infra_alone: Command, as_format: str, beginning: str) -> None:
    assert attune_infra_alone("graph", "--format", as_format).stdout.startswith(beginning)


def test_json_has_every_object_as_a_node_and_every_binding_as_an_edge(attune_infra_alone: Command) -> None:
    found = attune_infra_alone("graph", *HIGHLIGHT, "-o", "json").json

    assert (found["schema"], found["name"]) == ("attune-infra/graph/1", "attune")
    nodes = {node["id"]: node for node in found["nodes"]}
    assert nodes["queue attune.events.queue"] == {
        "id": "queue attune.events.queue",
        "kind": "queue",
        "name": "attune.events.queue",
        "type": None,
        "detail": "classic",
        "durable": True,
        "auto_delete": False,
        "exclusive": False,
        "external": False,
        "missing": False,
        "per_worker": False,
        "count": 1,
        "group": None,
        "highlighted": False,
        "findings": [],
        "arguments": {"x-dead-letter-exchange": "attune.dlx"},
    }
    assert {node["id"] for node in found["nodes"] if node["highlighted"]} == {
        "exchange attune.executions",
        "queue worker.{worker_id}.executions",
    }
    assert {
        "source": "exchange attune.events",
        "target": "queue attune.events.queue",
        "kind": "binding",
        "key": "#",
        "arguments": {},
        "highlighted": False,
        "findings": [],
    } in found["edges"]
    assert {edge["kind"] for edge in found["edges"]} == {"binding", "dead-letter"}


def test_json_has_parallel_bindings_numbered_queues_and_findings_one_by_one(
    attune_infra_alone: Command, tmp_path: Path
) -> None:
    bindings = "[{exchange: e, routing_key: a}, {exchange: e, routing_key: '#'}]"
    queues = ", ".join(f"q.{number}: {{bindings: {bindings}}}" for number in range(7))
    path = tmp_path / "many.yaml"
    path.write_text(f"{{exchanges: {{e: {{arguments: {{alternate-exchange: gone}}}}}}, queues: {{{queues}}}}}")

    found = attune_infra_alone("graph", str(path), "-o", "json").json

    assert {node["id"] for node in found["nodes"]} == {
        "exchange e",
        "exchange gone",
        *(f"queue q.{number}" for number in range(7)),
    }
    [gone] = [node for node in found["nodes"] if node["missing"]]
    assert gone["id"] == "exchange gone"
    assert sorted((edge["kind"], edge["key"]) for edge in found["edges"] if edge["kind"] == "binding") == [
        *[("binding", "#")] * 7,
        *[("binding", "a")] * 7,
    ]
    assert [edge["target"] for edge in found["edges"] if edge["kind"] == "alternate"] == ["exchange gone"]
    assert {finding["code"] for edge in found["edges"] if edge["key"] == "#" for finding in edge["findings"]} == {
        "AI010"
    }
    assert not [edge for edge in found["edges"] if edge["key"] == "a" and edge["findings"]]


def test_json_takes_no_format(attune_infra_alone: Command) -> None:
    result = attune_infra_alone("graph", "--format", "dot", "-o", "json")

    assert result.code == 64
    assert "--output json has nodes and edges and no drawing" in result.stderr


def test_a_page_is_written(attune_infra_alone: Command, tmp_path: Path) -> None:
    """A browser tries such pages in tests/render/graph/test_html.py."""
    path = tmp_path / "a.html"

    assert attune_infra_alone("graph", "--format", "html", "--to", str(path)).code == 0
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_groups_are_drawn_as_frames_or_as_one_box_each(attune_infra_alone: Command) -> None:
    framed = attune_infra_alone("graph", "--group", "exchange").lines
    assert framed[:3] == [
        "  group exchange attune.dlx: 1 queue",
        "  exchange attune.dlx (fanout)",
        "      -> attune.dlx.queue",
    ]

    assert attune_infra_alone("graph", "--group", "exchange", "--collapse").lines[:3] == [
        "  group exchange attune.dlx (1 exchange, 1 queue)",
        "  group exchange attune.events (1 exchange, 1 queue)",
        "      dead letters - -> exchange attune.dlx",
    ]
    [group] = [
        group
        for group in attune_infra_alone("graph", "--group", "prefix", "-o", "json").json["groups"]
        if group["name"] == "prefix attune.events"
    ]
    assert group == {
        "name": "prefix attune.events",
        "queues": 1,
        "members": ["exchange attune.events", "queue attune.events.queue"],
    }


def test_a_focus_leaves_out_what_is_further_away(attune_infra_alone: Command) -> None:
    assert attune_infra_alone("graph", "--focus", "attune.events.queue", "--depth", "1").lines == [
        "  exchange attune.dlx (fanout)",
        "  exchange attune.events (topic)",
        "      -> attune.events.queue  with #",
        "  queue attune.events.queue (classic)",
        "      dead letters - -> attune.dlx",
        "  6 objects further away not shown; --depth shows more",
    ]
    two_steps = attune_infra_alone("graph", "--focus", "attune.events.queue", "-o", "json").json
    assert (len(two_steps["nodes"]), two_steps["left_out"]) == (6, 3)


def test_a_broker_is_drawn_around_a_queue(attune_infra: Command, channel: amqp.Channel) -> None:
    for name in ("jobs", "other"):
        channel.exchange_declare(name, "fanout", durable=True, auto_delete=False)
        channel.queue_declare(f"{name} queue", durable=True, auto_delete=False)
        channel.queue_bind(f"{name} queue", name)

    result = attune_infra("graph", "--live", "--focus", "jobs queue")

    assert result.lines == [
        "  exchange jobs (fanout)",
        "      -> jobs queue",
        "  queue jobs queue (classic)",
        "  2 objects further away not shown; --depth shows more",
    ]


def test_a_broker_is_drawn_with_many_queues_as_one(attune_infra: Command, channel: amqp.Channel) -> None:
    channel.exchange_declare("jobs", "direct", durable=True, auto_delete=False)
    for number in range(7):
        channel.queue_declare(f"job.{number}", durable=True, auto_delete=False)
        channel.queue_bind(f"job.{number}", "jobs", f"key.{number}")

    result = attune_infra("graph", "--live")

    assert result.lines == [
        "  exchange jobs (direct)",
        "      -> job.{n}  with key.{n}",
        "  queue job.{n} ×7 (classic)",
    ]


def test_a_private_queue_is_drawn(attune_infra: Command, channel: amqp.Channel) -> None:
    channel.exchange_declare("jobs", "fanout", durable=True, auto_delete=False)
    channel.queue_declare("mine", exclusive=True, auto_delete=False)
    channel.queue_bind("mine", "jobs")

    result = attune_infra("graph", "--live", "--format", "mermaid")

    assert "<b>mine</b><br/>classic, not durable, exclusive" in result.stdout


def test_nothing_is_not_drawn_as_nothing(attune_infra: Command) -> None:
    assert attune_infra("graph", "--live").lines == ["  no exchanges and no queues"]


@pytest.mark.parametrize(
    ("given", "code", "complaint"),
    [
        (
            ["--highlight", "attune.event x"],
            1,
            "there is no exchange 'attune.event'; did you mean 'attune.events'?",
        ),
        (
            ["--focus", "attune.event.queue"],
            1,
            "there is no queue and no exchange 'attune.event.queue'; did you mean 'attune.events.queue'?",
        ),
        (["--depth", "1"], 64, "--depth counts steps from --focus, which is missing"),
        (["--focus", "attune.dlx", "--depth", "-1"], 64, "--depth"),
        (["--collapse"], 64, "--collapse draws a group as one box, and there are no groups"),
        (["--group", "size"], 64, "--group"),
        (["--highlight", f"attune.events {'x' * 256}"], 64, "the routing key is 256 bytes long"),
        (["--broker-version", "9.9"], 64, "RabbitMQ 9.9 is not a known release"),
    ],
)
def test_what_cannot_be_drawn_is_told(
    given: list[str], code: int, complaint: str, attune_infra_alone: Command
) -> None:
    result = attune_infra_alone("graph", *given)

    assert (result.code, result.stdout) == (code, "")
    assert complaint in result.stderr


def test_findings_are_those_of_a_release(attune_infra_alone: Command, tmp_path: Path) -> None:
    path = tmp_path / "old.yaml"
    path.write_text("queues: {q: {arguments: {x-queue-version: 1, x-max-length: 5}}}", encoding="utf-8")

    assert attune_infra_alone("graph", str(path)).lines == ["! queue q (classic)  [AI050]"]
    assert attune_infra_alone("graph", str(path), "--broker-version", "4.2").lines == ["  queue q (classic)"]


def test_a_document_and_a_broker_are_one_too_many(attune_infra_alone: Command) -> None:
    assert attune_infra_alone("graph", "examples/minimal.yaml", "--live").code == 64
