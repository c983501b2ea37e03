"""`attune-infra worker list` and `worker verify`: registry and broker made to disagree, found and healed."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import amqp
import psycopg
import pytest

from attune_infra.broker.http.management import Management
from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.cli import app
from attune_infra.fleet.register import Registration
from attune_infra.registry.workers import PostgresRegistry
from attune_infra.topology.model import Topology
from attune_infra.worker.provision import active_workers, provision
from support.as_a_user import Command
from support.eventually import eventually
from support.virtual_host import VirtualHost

NAMES = (
    "well",
    "no queue",
    "retired",
    "wrong key",
    "foreign",
    "twice",
    "backlog",
    "cordoned",
    "durable",
    "silent",
)
FAILED_CHECKS = [
    ("1 (well)", ""),
    ("2 (no queue)", "queue missing"),
    ("3 (retired)", "orphan"),
    ("4 (wrong key)", "key extra"),
    ("4 (wrong key)", "key missing"),
    ("5 (foreign)", "foreign consumer"),
    ("6 (twice)", "several consumers"),
    ("7 (backlog)", "consumer missing"),
    ("7 (backlog)", "backlog"),
    ("8 (cordoned)", "cordoned, yet busy"),
    ("9 (durable)", "queue differs"),
    ("10 (silent)", "heartbeat stale"),
    ("77", "orphan"),
]
"""Each worker with a check that it fails; the first worker passes all."""
ACTIVE = [number for number, name in enumerate(NAMES, 1) if name != "retired"]


def queue(worker_id: int) -> str:
    return f"worker.{worker_id}.executions"


class Consumers:
    """Plain AMQP clients that consume workers' queues, as the statistics will know them."""

    def __init__(self, vhost: VirtualHost, management: Management) -> None:
        self._connection, self._vhost, self._management = vhost.client(), vhost, management
        self._channels: dict[tuple[int, str], list[amqp.Channel]] = defaultdict(list)

    def start(self, worker_id: int, tag: str | None = None) -> None:
        tag = tag or f"worker-{worker_id}"
        channel = self._connection.channel()
        channel.basic_qos(0, 1, a_global=False)
        channel.basic_consume(queue(worker_id), tag, callback=lambda _: None)
        self._channels[worker_id, tag].append(channel)

    def stop(self, worker_id: int, tag: str | None = None) -> None:
        self._channels[worker_id, tag or f"worker-{worker_id}"].pop().close()

    def settle(self) -> None:
        """Wait until the statistics know them all."""
        wanted = sorted((queue(each), tag) for (each, tag), open_ in self._channels.items() for _ in open_)
        eventually(self._known, wanted.__eq__, within=20)

    def _known(self) -> list[tuple[str, str]]:
        listing = self._management.get("consumers", self._vhost.name)
        return sorted((each["queue"]["name"], each["consumer_tag"]) for each in listing)

    def close(self) -> None:
        self._connection.close()


@pytest.fixture
def consumers(vhost: VirtualHost, management: Management) -> Iterator[Consumers]:
    consumers = Consumers(vhost, management)
    yield consumers
    consumers.close()


@pytest.mark.lengthy
@pytest.mark.transient_queues
def test_each_disagreement_is_found_named_and_healed(
    run: Command, channel: amqp.Channel, registry: PostgresRegistry, consumers: Consumers, database_url: str
) -> None:
    for name in NAMES:
        registry.register(Registration(name=name))
    assert run("worker", "provision", "--all").code == 0
    _break(channel, consumers)
    registry.deregister(names=["retired"])
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE worker SET cordoned = true WHERE name = 'cordoned'")
        connection.execute("UPDATE worker SET last_heartbeat = now() - interval '1 hour' WHERE name = 'silent'")
    consumers.settle()

    found = run("worker", "verify", "--all", "--settle", "0", "-v")

    assert found.code == 2
    checks = re.findall(r"^(?:failed|passed) +worker ([^:\n]+)(?:: ([^:]+):.*)?$", found.stdout, re.MULTILINE)
    assert checks == FAILED_CHECKS
    assert "worker.5.executions is consumed by somebody-else, not by worker-5" in found.stdout
    assert "worker.7.executions holds 1 message ready, 0 unacknowledged, and has no consumer" in found.stdout
    assert run("worker", "list").lines[-1] == "11 workers: 1 passed, 10 failed"

    _heal(run, registry, consumers, database_url)

    healed = run("worker", "verify", "--all", "--settle", "0")

    assert (healed.code, healed.lines[-1]) == (0, "10 checks: 10 passed")


def _break(channel: amqp.Channel, consumers: Consumers) -> None:
    channel.queue_delete(queue(2))
    channel.queue_unbind(queue(4), "attune.executions", "worker.4")
    channel.queue_bind(queue(4), "attune.executions", "worker.44")
    channel.queue_delete(queue(9))
    channel.queue_declare(queue(9), durable=True, auto_delete=False)
    channel.queue_bind(queue(9), "attune.executions", "worker.9")
    channel.queue_declare(queue(77), durable=False, auto_delete=True)
    for worker_id in (1, 4, 6, 6, 8, 9, 10):
        consumers.start(worker_id)
    consumers.start(5, "somebody-else")
    channel.confirm_select()
    for worker_id in (7, 8, 8):
        channel.basic_publish_confirm(amqp.Message("{}"), "attune.executions", f"worker.{worker_id}")


def _heal(run: Command, registry: PostgresRegistry, consumers: Consumers, database_url: str) -> None:
    for worker_id, tag in ((5, "somebody-else"), (6, "worker-6"), (9, "worker-9")):
        consumers.stop(worker_id, tag)
    assert run("worker", "deprovision", "--id", "9", "--yes").code == 0
    assert run("worker", "prune", "--yes").lines[-1] == "3 objects: 3 deleted"
    assert run("worker", "provision", "--all").code == 0
    registry.heartbeat(10)
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE worker SET cordoned = false")
    for worker_id in (2, 5, 7, 9):
        consumers.start(worker_id)
    consumers.settle()


@pytest.mark.transient_queues
def test_a_worker_that_has_just_begun_is_waited_for(run: Command, consumers: Consumers) -> None:
    run("worker", "enlist", "--name", "w")
    consumers.start(1)

    result = run("worker", "verify", "--id", "1", "--settle", "20s", "-v")

    assert (result.code, result.stdout) == (0, "passed   worker 1 (w)\n1 check: 1 passed\n")


def test_a_list_shows_both_sides(run: Command, registry: PostgresRegistry) -> None:
    run("worker", "enlist", "--name", "first")
    registry.register(Registration(name="second"))

    result = run("worker", "list")

    assert result.code == 0
    assert [[*line.split()[:-4], *line.split()[-3:]] for line in result.lines[:-1]] == [
        ["verdict", "id", "name", "status", "ready", "unack", "cons"],
        ["!", "consumer", "missing", "1", "first", "active", "0", "0", "0"],
        ["!", "queue", "missing", "2", "second", "active", "0", "0", "0"],
    ]
    assert all(len(line) <= 80 for line in result.lines)
    assert result.lines[-1] == "2 workers: 2 failed"

    [first, second] = run("worker", "list", "-o", "json").json["workers"]
    assert (first["name"], first["queue_present"], first["bound"], first["consumers"]) == ("first", True, True, [])
    assert [each["finding"] for each in second["findings"]] == ["queue missing"]


def test_what_nobody_knows_is_said(run: Command) -> None:
    result = run("worker", "verify", "--id", "5")

    assert result.code == 2
    assert result.lines[0] == "failed   worker 5: unregistered: is not in the registry, and has no queue"


@pytest.mark.parametrize("command", [("verify",), ("provision",), ("deprovision",), ("deregister",)])
def test_a_worker_has_to_be_named(attune_infra_alone: Command, command: tuple[str, ...]) -> None:
    result = attune_infra_alone("worker", *command)

    assert result.code == 64
    assert result.stderr.startswith("error: no worker is given\nhint:  give --id 7")


@pytest.mark.parametrize(
    ("command", "option"),
    [
        (("list",), "--max-heartbeat-age"),
        (("verify", "--all"), "--max-heartbeat-age"),
        (("verify", "--all"), "--settle"),
        (("watch",), "--every"),
        (("run",), "--heartbeat"),
    ],
)
@pytest.mark.parametrize("value", ["nan", "inf"])
def test_seconds_are_a_number(
    attune_infra_alone: Command, command: tuple[str, ...], option: str, value: str
) -> None:
    result = attune_infra_alone("worker", *command, option, value)

    assert result.code == 64
    assert result.stderr.startswith(
        f"error: {option}: '{value}' is not a duration: write 90s, 30m, 24h or 7d, or a number of seconds\n"
    )


LOOKING = (("worker", "list"), ("worker", "verify", "--all", "--settle", "0"), ("metrics",))


def test_two_thousand_workers_take_a_handful_of_requests(
    *,
    run: Command,
    registry: PostgresRegistry,
    broker: RabbitMQ,
    topology: Topology,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Each command that looks at all workers is run as `main` runs it, and what it asks is counted."""
    for name, value in run.environment.items():
        monkeypatch.setenv(name, value)
    requests = calls(monkeypatch, Management, "_request")
    statements = calls(monkeypatch, psycopg.Connection, "execute")
    counts = []
    for fleet_size in (1, 1000, 2000):
        with psycopg.connect(database_url) as connection:
            connection.cursor().executemany(
                "INSERT INTO worker (name, worker_type, worker_role) VALUES (%s, 'local', 'action')",
                [(f"{fleet_size} {number}",) for number in range(fleet_size)],
            )
        ids = active_workers(registry)
        provision(broker, None, topology, ids)
        for command in LOOKING:
            requests.clear()
            statements.clear()
            app(command, standalone_mode=False)
            counts.append((len(requests), len(statements)))
            assert len(re.findall(rf"\b{fleet_size} {fleet_size - 1}\b", capsys.readouterr().out)) >= 1

    assert counts[:3] == [(10, 3), (10, 3), (11, 3)]  # metrics also ask for statistics
    assert set(counts[3:]) == {(19, 3), (20, 3)}  # bindings, which are many now, are asked for by exchange


def calls(monkeypatch: pytest.MonkeyPatch, owner: type, method: str) -> list[object]:
    """Return a list that grows by what each call of a method was given."""
    made: list[object] = []
    real = getattr(owner, method)

    def call(*arguments: Any, **named: Any) -> Any:
        made.append(arguments[1:])
        return real(*arguments, **named)

    monkeypatch.setattr(owner, method, call)
    return made
