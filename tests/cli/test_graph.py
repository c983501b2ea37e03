"""`attune-infra graph`, as a user runs it."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import amqp
import pytest

from support.as_a_user import Command
from support.folders import ROOT

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

    assert result.lines == [f"+ {path}: written"]
    assert told(path.read_text(encoding="utf-8")) == told(PICTURE.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("as_format", "beginning"),
    [("mermaid", "flowchart LR"), ("dot", 'digraph "attune" {'), ("text", "  exchange")],
)
def test_other_formats_need_nothing(attune_infra_alone: Command, as_format: str, beginning: str) -> None:
    assert attune_infra_alone("graph", "--format", as_format).stdout.startswith(beginning)


def test_json_holds_the_text(attune_infra_alone: Command) -> None:
    result = attune_infra_alone("graph", "--format", "mermaid", "-o", "json")

    assert result.json["schema"] == "attune-infra/graph/1"
    assert result.json["document"].startswith("flowchart LR")


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
