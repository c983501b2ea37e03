"""Transformations of `export` and `import`, as before an upgrade."""

from __future__ import annotations

from pathlib import Path

import amqp

from attune_infra.errors import ExitCode
from attune_infra.settings import AMQP_URL
from support.as_a_user import Command
from support.folders import EXAMPLES
from support.virtual_host import VirtualHost, create_virtual_host


def test_classic_queues_of_one_virtual_host_become_quorum_queues_of_another(
    attune_infra: Command, channel: amqp.Channel, vhost: VirtualHost, tmp_path: Path
) -> None:
    channel.queue_declare("orders", durable=True, auto_delete=False, arguments={"x-max-priority": 3})
    channel.queue_declare("bills", durable=True, auto_delete=False, arguments={"x-max-length": 5})
    channel.queue_bind("orders", "amq.topic", "#")
    file, definitions = tmp_path / "new.yaml", tmp_path / "new.json"
    changes = ("--to-quorum", "--rename-vhost", "new", "--exclude", "b*")

    exported = attune_infra("export", *changes, "--to", str(file))

    assert exported.stderr.splitlines()[:2] == [
        "left out: queues bills: --only and --exclude leave them out",
        "left out: arguments x-max-priority of queue orders: a quorum queue cannot have them",
    ]
    assert attune_infra("export", "--format", "definitions", "--to", str(definitions)).code == ExitCode.DONE
    assert attune_infra("import", str(definitions), *changes).stdout == file.read_text(encoding="utf-8")
    with create_virtual_host(vhost, f"{vhost.name} new") as other:
        there = {AMQP_URL.variable: other.amqp_url}
        assert attune_infra("setup", str(file), environment=there).lines[-1] == "2 objects: 2 created"
        assert "type: quorum" in attune_infra("export", environment=there).stdout


def test_a_selector_that_is_none_is_wrong_usage(attune_infra: Command) -> None:
    result = attune_infra("export", "--only", "queue:")

    assert (result.code, result.stdout) == (ExitCode.WRONG_USAGE, "")
    assert "--only 'queue:' has no name behind 'queue:'" in result.stderr


def test_a_document_becomes_definitions_without_a_broker(
    attune_infra_alone: Command, attune_infra: Command, tmp_path: Path
) -> None:
    file = tmp_path / "attune.json"

    made = attune_infra_alone("export", "--topology", "attune", "--format", "definitions", "--to", str(file))

    assert (made.code, made.target) == (ExitCode.DONE, "")
    why = "`worker provision` makes them, for each worker"
    assert made.stderr.splitlines()[0] == f"left out: queues of workers worker.{{worker_id}}.executions: {why}"
    assert attune_infra("setup", str(file)).code == ExitCode.DONE
    assert attune_infra("diff", "--topology", "attune").code == ExitCode.DONE


def test_a_document_keeps_what_only_documents_have(attune_infra_alone: Command, tmp_path: Path) -> None:
    file = tmp_path / "again.yaml"

    attune_infra_alone("export", "--topology", str(EXAMPLES / "events-audit.yaml"), "--to", str(file))

    assert "external: true" in file.read_text(encoding="utf-8")
    assert attune_infra_alone("topology", "check", str(file)).stdout.startswith(f"{file}: ok, ")
    again = attune_infra_alone("export", "--topology", str(file))
    assert again.stdout == file.read_text(encoding="utf-8")


def test_an_option_about_the_broker_does_not_go_with_a_document(attune_infra_alone: Command) -> None:
    refused = attune_infra_alone("export", "--topology", "attune", "--timeout", "5")

    assert refused.code == ExitCode.WRONG_USAGE
    assert "leave out --topology to export the broker" in refused.stderr
