"""Transformations of `export` and `import`, as before an upgrade."""

from __future__ import annotations

from pathlib import Path

import amqp

from attune_infra.errors import ExitCode
from attune_infra.settings import AMQP_URL
from support.as_a_user import Command
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
