"""`attune-infra setup` and `attune-infra diff`, as a user runs them, on a real broker."""

import shlex
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import amqp
import pytest

from attune_infra.broker.http.management import Management
from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.links import code_url
from attune_infra.settings import TOPOLOGY
from attune_infra.topology.builtin import attune
from attune_infra.topology.diff import diff, undeclared
from support.as_a_user import Command
from support.eventually import eventually
from support.virtual_host import VirtualHost

WORDS = """\
exchange attune.dlx declared as fanout, durable
exchange attune.events declared as topic, durable
exchange attune.executions declared as direct, durable
exchange attune.notifications declared as fanout, durable
queue attune.dlx.queue declared with x-message-ttl 86400000
queue attune.events.queue declared with dead letter exchange attune.dlx
queue attune.executions.queue declared with dead letter exchange attune.dlx
queue attune.notifications.queue declared with dead letter exchange attune.dlx
policy attune-worker-expiry set on queues matching ^worker\\.[0-9]+\\.executions$
binding attune.dlx -> attune.dlx.queue declared with an empty routing key
binding attune.events -> attune.events.queue declared with routing key #
binding attune.executions -> attune.executions.queue declared with routing key execution
binding attune.notifications -> attune.notifications.queue declared with an empty routing key
""".splitlines()


@pytest.mark.parametrize("via", ["amqp", "http"])
def test_setup_makes_the_topology_and_leaves_nothing_to_do(
    attune_infra: Command, broker: RabbitMQ, via: str
) -> None:
    first = attune_infra("setup", "--via", via)
    assert (first.code, first.stderr) == (0, "")
    assert first.lines == [*(f"+ {words}: created" for words in WORDS), "13 objects: 13 created"]

    second = attune_infra("setup", "--via", via)
    assert (second.code, second.stdout, second.stderr) == (0, "13 objects: 13 unchanged\n", "")
    third = attune_infra("setup", "--via", via, "-v")
    assert third.lines == [*(f"  {words}: unchanged" for words in WORDS), "13 objects: 13 unchanged"]

    assert (attune_infra("diff").code, attune_infra("verify").code) == (0, 0)
    assert diff(broker.read(), attune()) == ()
    assert undeclared(broker.read(), attune()) == ()


def test_both_protocols_make_the_same(attune_infra: Command, management: Management, vhost: VirtualHost) -> None:
    listings = []
    for via in ("amqp", "http"):
        assert attune_infra("setup", "--via", via).code == 0
        listings.append(listing(management, vhost))
        for queue in attune().queues:
            management.delete("queues", vhost.name, queue)
        for exchange in attune().exchanges:
            management.delete("exchanges", vhost.name, exchange)

    assert listings[0] == listings[1]


@pytest.mark.parametrize("arguments", [("setup", "--dry-run"), ("diff",)])
def test_looking_changes_nothing(
    attune_infra: Command, management: Management, vhost: VirtualHost, arguments: tuple[str, ...]
) -> None:
    before = listing(management, vhost)

    result = attune_infra(*arguments)

    assert result.code == (2 if arguments == ("diff",) else 0)
    assert "+ exchange attune.events is missing" in result.lines
    assert "      x-dead-letter-exchange: 'attune.dlx' (string)" in result.lines
    assert result.lines[-2] == "13 to create"
    assert listing(management, vhost) == before


@pytest.mark.parametrize("via", ["amqp", "http"])
def test_what_differs_is_named_and_all_else_is_made(
    attune_infra: Command, broker: RabbitMQ, channel: amqp.Channel, via: str
) -> None:
    channel.exchange_declare("attune.executions", "topic", durable=True, auto_delete=False)
    channel.queue_declare(
        "attune.events.queue", durable=True, auto_delete=False, arguments={"x-dead-letter-exchange": "old.dlx"}
    )
    differences = [
        "! exchange attune.executions exists but differs",
        "      type: have 'topic' (string), want 'direct' (string)",
        "! queue attune.events.queue exists but differs",
        "      x-dead-letter-exchange: have 'old.dlx' (string), want 'attune.dlx' (string)",
    ]

    found = attune_infra("diff")
    assert found.code == 2
    assert [line for line in found.lines if line in differences] == differences
    assert attune_infra("setup", "--dry-run").code == 3

    made = attune_infra("setup", "--via", via)
    assert made.code == 3
    assert [line for line in made.lines if line in differences] == differences
    assert made.lines[-1] == "13 objects: 11 created, 2 differs"
    assert [change.want.name for change in diff(broker.read(), attune()) if hasattr(change.want, "name")] == [
        "attune.executions",
        "attune.events.queue",
    ]

    again = attune_infra("setup", "--via", via)
    assert again.code == 4
    assert again.lines[-1] == "13 objects: 11 unchanged, 2 differs"

    verified = attune_infra("verify")
    assert verified.code == 2
    assert "failed   exchange attune.executions: differs" in verified.lines
    assert "failed   queue attune.events.queue: differs" in verified.lines
    assert differences[1] in verified.lines
    assert differences[3] in verified.lines


def test_a_missing_binding_is_drift_until_it_is_made(attune_infra: Command, channel: amqp.Channel) -> None:
    attune_infra("setup")
    channel.queue_unbind("attune.events.queue", "attune.events", "#")

    assert attune_infra("diff").lines[0] == (
        "+ binding attune.events -> attune.events.queue with routing key # is missing"
    )
    verified = attune_infra("verify")
    assert verified.code == 2
    assert "failed   binding attune.events -> attune.events.queue with routing key #: is missing" in verified.lines
    assert attune_infra("setup").lines[-1] == "13 objects: 1 created, 12 unchanged"
    assert attune_infra("verify").code == 0


@pytest.mark.lengthy
def test_fifty_at_once_make_exactly_one_topology(attune_infra: Command, broker: RabbitMQ) -> None:
    # With consent, since the policy would expire a worker's queue that is there before it.
    commands = [("setup", "--allow-destructive", "--yes"), ("worker", "provision", "--id", "1")] * 50

    with ThreadPoolExecutor(len(commands)) as pool:
        results = list(pool.map(lambda command: attune_infra(*command), commands))

    assert [result.stderr for result in results if result.stderr] == []
    assert [result.code for result in results] == [0] * 100
    have = broker.read()
    assert diff(have, attune()) == ()
    assert [item.name for item in undeclared(have, attune()) if hasattr(item, "name")] == ["worker.1.executions"]
    assert len(have.bindings) == 5


def test_json_is_stamped_and_sorted(attune_infra: Command) -> None:
    planned, made = attune_infra("diff", "--output", "json"), attune_infra("setup", "-o", "json")

    assert (planned.json["schema"], planned.json["exit_code"]) == ("attune-infra/diff/1", 2)
    assert len(planned.json["changes"]) == 13
    assert (made.json["schema"], made.json["exit_code"]) == ("attune-infra/setup/1", 0)
    assert {item["status"] for item in made.json["objects"]} == {"created"}
    assert made.json["objects"][0] == {
        "kind": "binding",
        "source": "attune.dlx",
        "destination": "attune.dlx.queue",
        "destination_type": "queue",
        "routing_key": "",
        "arguments": {},
        "status": "created",
    }
    assert list(made.json) == sorted(made.json)


def test_json_carries_both_values_of_a_difference(attune_infra: Command, channel: amqp.Channel) -> None:
    channel.queue_declare("attune.dlx.queue", durable=True, auto_delete=True)

    [change] = [
        change for change in attune_infra("diff", "-o", "json").json["changes"] if change["change"] == "recreate"
    ]

    assert change == {
        "kind": "queue",
        "name": "attune.dlx.queue",
        "change": "recreate",
        "code": "diff-recreate",
        "url": code_url("diff-recreate"),
        "differences": [
            {"attribute": "auto_delete", "have": True, "want": False},
            {"attribute": "x-message-ttl", "want": 86_400_000},
        ],
        "loss": {"messages": 0, "consumers": 0, "bindings": 0, "exchanges": 0},
        "lost": [],
        "created_again": [],
        "migrate": shlex.join(["attune-infra", "migrate", "attune.dlx.queue", *topology_under_test(attune_infra)]),
        **place_under_test(attune_infra, "attune.dlx.queue"),
    }


def topology_under_test(attune_infra: Command) -> list[str]:
    """Return the option that names the document under test; nothing if a built-in topology is under test."""
    file = attune_infra.environment.get(TOPOLOGY.variable)
    return [] if file is None else [TOPOLOGY.flag, file]


def place_under_test(attune_infra: Command, name: str) -> dict[str, Any]:
    """Return the place of an object in the document under test; nothing if a built-in topology is under test."""
    file = attune_infra.environment.get(TOPOLOGY.variable)
    if file is None:
        return {}
    lines = Path(file).read_text(encoding="utf-8").splitlines()
    line = next(number for number, text in enumerate(lines, 1) if text.startswith(f"  {name}:"))
    return {"file": file, "line": line, "column": 3, "end": 3 + len(name)}


def test_a_user_without_permissions_is_told_what_was_refused(
    attune_infra: Command, management: Management, vhost: VirtualHost
) -> None:
    with restricted_user(management, vhost, configure="^attune\\.(events|dlx).*", write=".*", read=".*") as url:
        result = attune_infra("setup", "--amqp-url", url)

    assert result.code == 3
    assert any(
        line.startswith("! exchange attune.executions could not be created: ACCESS_REFUSED")
        for line in result.lines
    )
    assert (
        "! binding attune.executions -> attune.executions.queue with routing key execution skipped:"
        " exchange attune.executions could not be created" in result.lines
    )
    assert result.lines[-1] == "13 objects: 6 created, 5 failed, 2 skipped"


def test_who_may_not_set_policies_is_told_each_time_and_gets_all_else(
    attune_infra: Command, management: Management, vhost: VirtualHost
) -> None:
    with restricted_user(management, vhost, configure=".*", write=".*", read=".*") as url:
        for summary in ("13 objects: 12 created, 1 failed", "13 objects: 12 unchanged, 1 failed"):
            result = attune_infra("setup", "--amqp-url", url)
            assert result.code == 3
            assert (
                f"! policy attune-worker-expiry could not be created:"
                f" user '{urlsplit(url).username}' lacks the tag"
                " policymaker, which setting policies needs" in result.lines
            )
            assert result.lines[-1] == summary

        without = attune_infra("setup", "--amqp-url", url, "--worker-queue-ttl", "off")
        assert (without.code, without.lines[-1]) == (0, "12 objects: 12 unchanged")


@pytest.mark.transient_queues
def test_a_queue_whose_worker_never_came_goes_away(attune_infra: Command, broker: RabbitMQ) -> None:
    hasty = {"ATTUNE__MESSAGE_QUEUE__WORKER_QUEUE_TTL": "3s"}
    assert attune_infra("setup", environment=hasty).code == 0
    assert attune_infra("verify", environment=hasty).code == 0
    assert attune_infra("worker", "provision", "--id", "1").code == 0

    eventually(lambda: set(broker.read().queues), set(attune().queues).__eq__)


def test_an_expiry_that_is_off_can_be_pruned(attune_infra: Command, broker: RabbitMQ) -> None:
    attune_infra("setup")
    off = ("setup", "--worker-queue-ttl", "off")

    assert attune_infra(*off).lines[-1] == "12 objects: 12 unchanged"
    pruned = attune_infra(*off, "--prune", "--allow-destructive", "--yes")

    assert pruned.lines[-2] == "- policy attune-worker-expiry: deleted"
    assert broker.read().policies == {}


def restricted_user(management: Management, vhost: VirtualHost, **permissions: str) -> "RestrictedUser":
    return RestrictedUser(management, vhost, permissions)


class RestrictedUser:
    """A user with the management tag and these permissions, while it is entered; gives its AMQP URL."""

    def __init__(self, management: Management, vhost: VirtualHost, permissions: Mapping[str, str]) -> None:
        self.management, self.vhost, self.permissions = management, vhost, permissions
        self.name = f"user-{vhost.name[-8:]}"

    def __enter__(self) -> str:
        self.management.put("users", self.name, body={"password": "s3cret", "tags": "management"})
        self.management.put("permissions", self.vhost.name, self.name, body=dict(self.permissions))
        return self.vhost.amqp_url.replace("guest:guest", f"{self.name}:s3cret")

    def __exit__(self, *_: object) -> None:
        self.management.delete("users", self.name)


def listing(management: Management, vhost: VirtualHost) -> dict[str, Any]:
    """Return what the management API lists, less what changes by itself."""
    volatile = {"node", "message_stats", "user_who_performed_action", "policy", "exclusive_consumer_tag"}
    return {
        kind: [
            {name: value for name, value in item.items() if name not in volatile}
            for item in management.get(kind, vhost.name, columns=COLUMNS)
        ]
        for kind in ("exchanges", "queues", "bindings")
    }


COLUMNS = (
    "name,type,durable,auto_delete,internal,exclusive,arguments,source,destination,destination_type,routing_key,"
    "properties_key"
)


LACKED = """\
exchanges:
  delayed: {type: x-delayed-message, arguments: {x-delayed-type: direct}}
  plain: {type: fanout}
queues:
  a: {bindings: [{exchange: delayed, routing_key: k}, {exchange: plain}]}
"""


def test_an_exchange_type_that_the_broker_lacks_is_known_before_anything_is_changed(
    attune_infra: Command, broker: RabbitMQ, tmp_path: Path
) -> None:
    document = tmp_path / "lacked.yaml"
    document.write_text(LACKED)

    result = attune_infra("setup", str(document))

    assert (result.code, result.stdout) == (1, "")
    assert "exchange delayed: the broker has no exchange type x-delayed-message" in result.stderr
    assert "rabbitmq-plugins enable rabbitmq_delayed_message_exchange" in result.stderr
    assert broker.read().exchanges == {}


@pytest.mark.parametrize("command", [("setup", "--dry-run"), ("diff",), ("diff", "--explain")])
def test_a_plan_shows_what_the_broker_will_refuse_and_exits_as_setup(
    command: tuple[str, ...], attune_infra: Command, tmp_path: Path
) -> None:
    document = tmp_path / "lacked.yaml"
    document.write_text(LACKED)
    reason = "the broker has no exchange type x-delayed-message"

    shown = attune_infra(*command, str(document))
    data = attune_infra(*command, str(document), "--output", "json")

    assert (shown.code, shown.stderr) == (data.code, data.stderr) == (1, "")
    at = shown.lines.index("+ exchange delayed is missing")
    assert f"      RabbitMQ would refuse it: {reason}" in shown.lines[at:]
    assert "+ queue a is missing" in shown.lines
    assert "5 to create" in shown.lines
    assert "RabbitMQ would refuse 1 object; `setup` would change nothing" in shown.lines
    assert [change["change"] for change in data.json["changes"]] == ["create"] * 5
    [refusal] = data.json["refusals"]
    assert refusal.pop("hint").startswith("enable its plugin with `rabbitmq-plugins enable")
    assert refusal == {
        "object": {"kind": "exchange", "name": "delayed"},
        "code": "exchange-type",
        "reason": reason,
    }


def test_verify_says_which_exchange_type_the_broker_lacks(attune_infra: Command, tmp_path: Path) -> None:
    document = tmp_path / "lacked.yaml"
    document.write_text(LACKED)

    result = attune_infra("verify", "--topology", str(document))

    assert result.code == 2
    assert (
        "failed   exchange delayed: is missing, and the broker has no exchange type x-delayed-message"
        in result.lines
    )
