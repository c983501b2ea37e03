"""An export of a broker, imported and applied to an empty one, gives the same export there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from attune_infra.broker.http.management import Management
from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.errors import ExitCode
from attune_infra.sandbox.client import BoundSandbox
from support.as_a_user import Command
from support.under_test import BrokerUnderTest
from support.virtual_host import VirtualHost

VHOSTS = ("one", "two")
OWN = {"cluster_name", "cluster_tags", "internal_cluster_id"}
EVERYTHING = {"configure": ".*", "write": ".*", "read": ".*"}
OBJECTS: dict[str, dict[str, Any]] = {
    "permissions/{}/guest": EVERYTHING,
    "permissions/{}/svc": {"configure": "", "write": "^e", "read": ".*"},
    "exchanges/{}/e": {"type": "topic", "durable": True, "arguments": {"alternate-exchange": "amq.fanout"}},
    "queues/{}/plain": {"durable": True, "auto_delete": False, "arguments": {}},
    "queues/{}/classic": {"durable": True, "arguments": {"x-queue-type": "classic", "x-message-ttl": 5}},
    "queues/{}/quorum": {"durable": True, "arguments": {"x-queue-type": "quorum"}},
    "policies/{}/p": {"pattern": "^q", "definition": {"max-length": 10}, "apply-to": "queues", "priority": 1},
    "operator-policies/{}/o": {"pattern": "^q", "definition": {"max-length": 5}, "apply-to": "queues"},
    "vhost-limits/{}/max-queues": {"value": 50},
    "topic-permissions/{}/svc": {"exchange": "e", "write": "^a", "read": ".*"},
}


class Brokers:
    """A broker with two virtual hosts, and an empty one that has its users."""

    def __init__(self, full: BoundSandbox, empty: BoundSandbox) -> None:
        self.full, self.empty = (VirtualHost("/", each.amqp_url, each.management_url) for each in (full, empty))
        http = self.http(self.full)
        http.put("users", "svc", body={"password": "svc", "tags": "monitoring", "limits": {"max-channels": 5}})
        hashed = http.get("users", "guest")
        self.http(self.empty).put("users", "guest", body=hashed)
        http.put("vhosts", "one", body={"description": "First", "tags": ["x"], "default_queue_type": "quorum"})
        http.put("vhosts", "two", body={})
        http.put("global-parameters", "mine", body={"name": "mine", "value": {"a": [1, "b"]}})
        for name in VHOSTS:
            for path, body in OBJECTS.items():
                http.put(*path.format(name).split("/"), body=body)
            http.post("bindings", name, "e", "e", "q", "plain", body={"routing_key": "a.#", "arguments": {}})

    def http(self, vhost: VirtualHost) -> Management:
        return RabbitMQ(vhost.settings()).connections.http

    def export(self, vhost: VirtualHost) -> dict[str, Any]:
        """Return what RabbitMQ itself exports, without what belongs to one broker."""
        found = self.http(vhost).get("definitions")
        return {
            section: sorted(json.dumps(each, sort_keys=True) for each in items if each.get("name") not in OWN)
            for section, items in found.items()
            if isinstance(items, list)
        }

    def command(self, vhost: VirtualHost) -> Command:
        return Command(vhost.environment)


@pytest.fixture(scope="module")
def two_brokers(under_test: BrokerUnderTest) -> Iterator[Brokers]:
    with under_test.sandbox(postgres=False) as full, under_test.sandbox(postgres=False) as empty:
        yield Brokers(full, empty)


@pytest.mark.lengthy
def test_an_export_is_restored_on_an_empty_broker(two_brokers: Brokers, tmp_path: Path) -> None:
    exported, document = tmp_path / "definitions.json", str(tmp_path / "whole.yaml")
    exported.write_text(json.dumps(two_brokers.http(two_brokers.full).get("definitions")), encoding="utf-8")
    command = two_brokers.command(two_brokers.empty)

    plain = command("import", str(exported), "--all")
    assert "left out: passwords of users guest, svc" in plain.stderr
    assert "password_hash" not in plain.stdout
    assert command("import", str(exported), "--all", "--password-hashes", "--to", document).code == ExitCode.DONE
    assert command("setup", document).code == ExitCode.DONE
    assert command("diff", document).code == ExitCode.DONE

    assert two_brokers.export(two_brokers.empty) == two_brokers.export(two_brokers.full)


@pytest.mark.lengthy
def test_rabbitmq_loads_what_is_exported_as_definitions(two_brokers: Brokers, tmp_path: Path) -> None:
    file, names = tmp_path / "definitions.json", ("/", *VHOSTS)
    export = ("export", *(word for name in names for word in ("--vhost", name)), "--all", "--password-hashes")
    written = two_brokers.command(two_brokers.full)(*export, "--format", "definitions", "--to", str(file))
    assert written.code == ExitCode.DONE
    http = two_brokers.http(two_brokers.empty)
    for name in {each["name"] for each in http.get("vhosts")} & {*VHOSTS}:
        http.delete("vhosts", name)

    http.post("definitions", body=json.loads(file.read_text(encoding="utf-8")))

    document = tmp_path / "whole.yaml"
    two_brokers.command(two_brokers.full)(*export, "--to", str(document))
    assert two_brokers.command(two_brokers.empty)("diff", str(document)).code == ExitCode.DONE


def test_all_goes_with_definitions_and_without_a_virtual_host(attune_infra_alone: Command, tmp_path: Path) -> None:
    file = tmp_path / "definitions.json"
    file.write_text('{"vhosts": [{"name": "a"}], "queues": []}', encoding="utf-8")

    assert attune_infra_alone("import", str(file), "--all").stdout == "virtual_hosts:\n  a: {}\n"
    assert attune_infra_alone("import", str(file), "--all", "--vhost", "a").code == ExitCode.WRONG_USAGE
    file.write_text("queues: {}\n", encoding="utf-8")
    assert attune_infra_alone("import", str(file), "--all").code == ExitCode.FAILED
