"""`attune-infra worker register`, `provision`, `enlist` and `deregister`, as a user runs them."""

import os
import pty
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import amqp
import psycopg
import pytest

from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.topology.builtin import attune
from attune_infra.topology.diff import diff
from attune_infra.topology.model import Topology
from attune_infra.topology.worker import topology_of_workers
from support.as_a_user import Command, clean_environment
from support.virtual_host import VirtualHost


@pytest.mark.transient_queues
def test_provision_says_line_by_line_what_it_did(attune_infra: Command, broker: RabbitMQ) -> None:
    first = attune_infra("worker", "provision", "--id", "1")

    assert (first.code, first.stderr) == (0, "")
    assert first.lines == [
        "  registry not checked: no database is configured",
        "+ exchange attune.executions declared as direct, durable: created",
        "+ queue worker.1.executions declared (not durable, auto-delete): created",
        "+ binding attune.executions -> worker.1.executions declared with routing key worker.1: created",
        "  worker 1 provisioned: its queue and binding match",
    ]
    assert diff(broker.read(), topology_of_workers(attune(), [1])) == ()
    assert attune_infra("worker", "provision", "--id", "1").lines[2].endswith(": unchanged")


@pytest.mark.transient_queues
def test_the_worker_itself_can_declare_its_queue_and_is_reached(
    attune_infra: Command, channel: amqp.Channel
) -> None:
    attune_infra("setup")
    attune_infra("worker", "provision", "--id", "1")

    channel.queue_declare("worker.1.executions", durable=False, exclusive=False, auto_delete=True, arguments={})
    channel.queue_bind("worker.1.executions", "attune.executions", "worker.1")
    channel.confirm_select()
    channel.basic_publish_confirm(
        amqp.Message("run", delivery_mode=2), "attune.executions", "worker.1", mandatory=True
    )

    message = channel.basic_get("worker.1.executions", no_ack=True)
    assert message is not None
    assert message.body == "run"
    assert channel.basic_get("attune.executions.queue") is None


def test_ids_repeat_and_take_ranges(attune_infra: Command, broker: RabbitMQ) -> None:
    result = attune_infra("worker", "provision", "--id", "3-5", "--id", "9", "--id", "4", "-o", "json")

    assert result.code == 0
    assert result.json["workers"] == [3, 4, 5, 9]
    assert set(broker.read().queues) == {f"worker.{worker_id}.executions" for worker_id in (3, 4, 5, 9)}


@pytest.mark.transient_queues
def test_many_workers_are_registered_and_then_provisioned(
    attune_infra_with_registry: Command, broker: RabbitMQ, tmp_path: Path
) -> None:
    run = attune_infra_with_registry
    assert run("registry", "init").code == 0
    many = ("worker", "register", "--count", "300", "--name-pattern", "node-{n}")

    first, again = run(*many, "--capability", "slots=2"), run(*many)

    assert (first.code, first.stderr) == (0, "")
    assert first.lines == ["300 workers registered with IDs: 1-300"]
    assert (again.code, again.stdout) == (1, "")
    assert again.stderr.startswith(
        "error: 300 of the names have a worker already: node-1, node-10, node-100, node-101, node-102 and 295"
        " more; nothing was registered\nhint:  give names that are new"
    )
    more = run(*many[:3], "2", "--name-pattern", "more-{n}", "-o", "json").json
    assert [(worker["id"], worker["name"]) for worker in more["workers"]] == [(301, "more-1"), (302, "more-2")]
    named = tmp_path / "names"
    named.write_text("\ufeffone\r\n\n two\n", encoding="utf-8")
    assert run("worker", "register", "--names-file", str(named)).lines == [
        "2 workers registered with IDs: 303-304"
    ]
    assert run("worker", "provision", "--all").code == 0
    assert {f"worker.{number}.executions" for number in range(1, 305)} == set(broker.read().queues)


def test_two_thousand_workers_at_once(attune_infra: Command, topology: Topology, broker: RabbitMQ) -> None:
    result = attune_infra("worker", "provision", "--id", "1-2000")

    assert result.code == 0
    assert result.lines[-1] == "2000 workers, 4001 objects: 4001 created"
    assert diff(broker.read(), topology_of_workers(topology, range(1, 2001))) == ()


@pytest.mark.transient_queues
def test_a_terminal_shows_how_far_it_is(vhost: VirtualHost) -> None:
    seen = on_a_terminal(vhost, "worker", "provision", "--id", "1-600")
    alone = on_a_terminal(vhost, "worker", "provision", "--id", "601")

    assert re.search(r"provisioning .* 1201/1201 .*[0-9]+/s .*[0-9]:[0-9]{2}", seen)
    assert "provisioning" not in alone


def on_a_terminal(vhost: VirtualHost, *arguments: str) -> str:
    """Return what a command writes to a terminal of 100 columns as talk."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "attune_infra", *arguments],
        env=clean_environment() | vhost.environment | {"TERM": "xterm", "COLUMNS": "100"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
    )
    os.close(theirs)
    written = bytearray()
    with suppress(OSError):  # how Linux says that the other end is closed
        while part := os.read(ours, 4096):
            written += part
    os.close(ours)
    assert process.wait(timeout=60) == 0
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", written.decode())


def test_one_refusal_among_many_is_named_and_the_others_are_made(
    attune_infra: Command, channel: amqp.Channel
) -> None:
    channel.queue_declare("worker.33.executions", durable=True, auto_delete=False, arguments={"x-max-length": 5})

    result = attune_infra("worker", "provision", "--id", "1-100")

    assert result.code == 3
    assert "! queue worker.33.executions exists but differs" in result.lines
    assert "      x-max-length: have 5 (integer), want none" in result.lines
    assert "! worker 33 is not provisioned" in result.lines
    assert result.lines[-1] == "100 workers, 201 objects: 200 created, 1 differs"


@pytest.mark.any_broker
@pytest.mark.parametrize(
    "word", ["0", "-1", "x", "1.5", "5-2", "1-", "", "٣", "9223372036854775808", "1-999999999"]
)
def test_what_is_no_id_is_refused_and_changes_nothing(attune_infra: Command, broker: RabbitMQ, word: str) -> None:
    result = attune_infra("worker", "provision", f"--id={word}")

    assert result.code == 64
    assert result.stderr.startswith("error: --worker or --id")
    assert broker.read().queues == {}


def test_a_registered_worker_is_provisioned_and_another_is_not(
    attune_infra_with_registry: Command, broker: RabbitMQ
) -> None:
    run = attune_infra_with_registry
    assert run("registry", "init").stdout == "+ table worker: created\n"
    assert run("registry", "init").stdout == "  table worker: unchanged\n"

    assert run("worker", "register").stdout == "Worker registered with ID: 1\n"
    assert run("worker", "provision", "--id", "1").code == 0

    refused = run("worker", "provision", "--id", "1-3")
    assert refused.code == 1
    assert refused.stdout == ""
    assert refused.stderr.startswith(
        "error: workers 2, 3 are not in the registry; nothing was provisioned\nhint: "
    )
    assert set(broker.read().queues) == {"worker.1.executions"}


def test_provision_needs_a_table_if_a_registry_is_configured(
    attune_infra_with_registry: Command, broker: RabbitMQ
) -> None:
    result = attune_infra_with_registry("worker", "provision", "--id", "1")

    assert result.code == 1
    assert result.stderr.startswith("error: there is no table `worker` on the search path")
    assert "attune-infra registry init" in result.stderr
    assert broker.read().queues == {}


def test_register_takes_what_a_worker_says_of_itself(
    attune_infra_with_registry: Command, database_url: str
) -> None:
    run = attune_infra_with_registry
    run("registry", "init")

    result = run(
        *("worker", "register", "--name", "w", "--type", "container", "--host", "h", "--port", "8080"),
        *("--capability", 'runtimes=["python"]', "--capability", "slots=10", "--capability", "zone=a=b"),
    )

    assert (result.code, result.stdout) == (0, "Worker registered with ID: 1\n")
    with psycopg.connect(database_url) as connection:
        row = connection.execute("SELECT worker_type, host, port, capabilities, status FROM worker").fetchone()
    assert row == ("container", "h", 8080, {"runtimes": ["python"], "slots": 10, "zone": "a=b"}, "active")


def test_register_in_json(attune_infra_with_registry: Command) -> None:
    attune_infra_with_registry("registry", "init")

    result = attune_infra_with_registry("worker", "register", "--name", "w", "--output", "json")

    assert {key: result.json[key] for key in ("schema", "id", "name", "new")} == {
        "schema": "attune-infra/worker-register/1",
        "id": 1,
        "name": "w",
        "new": True,
    }


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--capability", "x"), "capability 'x' is not KEY=VALUE"),
        (("--capability", "=x"), "capability '=x' is not KEY=VALUE"),
        (("--name", " "), "--name is empty"),
        (("--port", "0"), "--port"),
        (("--port", "65536"), "--port"),
        (("--type", "cloud"), "--type"),
    ],
)
def test_register_refuses_what_cannot_be(
    attune_infra_alone: Command, arguments: tuple[str, ...], sentence: str
) -> None:
    result = attune_infra_alone("worker", "register", *arguments)

    assert result.code == 64
    assert result.stderr.startswith(f"error: {sentence}")


def test_without_a_database_there_is_no_registering(attune_infra_alone: Command) -> None:
    result = attune_infra_alone("worker", "register")

    assert result.code == 1
    assert result.stderr == (
        "error: no database is configured, so there is no registry of workers\n"
        "hint:  give --database-url, or set ATTUNE__DATABASE__URL\n"
    )


def statuses(database_url: str) -> list[tuple[str, str]]:
    with psycopg.connect(database_url) as connection:
        return connection.execute("SELECT name, status::text FROM worker ORDER BY id").fetchall()


def test_enlist_registers_many_at_once_and_provisions_them(
    attune_infra_with_registry: Command, broker: RabbitMQ, database_url: str
) -> None:
    run = attune_infra_with_registry
    run("registry", "init")
    many = ("worker", "enlist", "--count", "7", "--name-pattern", "w{n}")

    result = run(*many, "--output", "json")

    assert (result.code, result.json["workers"]) == (0, [*range(1, 8)])
    assert [row["name"] for row in result.json["rows"]] == [f"w{number}" for number in range(1, 8)]
    assert {f"worker.{each}.executions" for each in range(1, 8)} <= broker.read().queues.keys()
    again = run(*many)
    assert (again.code, len(statuses(database_url))) == (1, 7)
    assert "7 of the names have a worker already" in again.stderr


def test_many_workers_stay_registered_if_the_broker_refuses_one(
    attune_infra_with_registry: Command, channel: amqp.Channel, database_url: str, tmp_path: Path
) -> None:
    run, names = attune_infra_with_registry, tmp_path / "names"
    names.write_text("a\nb\nc\n")
    run("registry", "init")
    channel.queue_declare("worker.2.executions", durable=True, auto_delete=False)

    result = run("worker", "enlist", "--names-file", str(names))

    assert result.code == 3
    assert result.lines[-2:] == [
        "3 workers registered with IDs: 1-3",
        "! all of them stay registered: `attune-infra worker provision --id 1-3` goes on from here",
    ]
    assert "! worker 2 is not provisioned" in result.lines
    assert len(statuses(database_url)) == 3
    channel.queue_delete("worker.2.executions")
    assert run("worker", "provision", "--id", "1-3").code == 0


def test_enlist_registers_and_provisions(
    attune_infra_with_registry: Command, broker: RabbitMQ, database_url: str
) -> None:
    run = attune_infra_with_registry
    run("registry", "init")

    result = run("worker", "enlist", "--name", "w")

    assert result.code == 0
    assert result.lines[-1] == "Worker registered with ID: 1"
    assert statuses(database_url) == [("w", "active")]
    assert set(broker.read().queues) == {"worker.1.executions"}
    assert run("worker", "enlist", "--name", "w", "-o", "json").json["new"] is False


def test_enlist_is_undone_if_the_broker_refuses(
    attune_infra_with_registry: Command, channel: amqp.Channel, database_url: str
) -> None:
    run = attune_infra_with_registry
    run("registry", "init")
    run("worker", "register", "--name", "old")
    run("worker", "deregister", "--name", "old")
    for worker_id in (1, 2):
        channel.queue_declare(f"worker.{worker_id}.executions", durable=True, arguments={"x-max-length": 1})

    for name in ("old", "new"):
        result = run("worker", "enlist", "--name", name)
        assert result.code == 1
        assert result.lines[-1] == f"! worker {name} is not registered: everything was undone"

    assert statuses(database_url) == [("old", "inactive")]


REFUSED = """\
exchanges: {jobs: {type: x-delayed-message, arguments: {x-delayed-type: direct}}}
workers:
  consumer_tag: worker-{worker_id}
  queues: {'worker.{worker_id}': {bindings: [{exchange: jobs, routing_key: '{worker_id}'}]}}
"""


def test_a_certain_refusal_stops_worker_commands_before_anything_is_changed(
    attune_infra_with_registry: Command, broker: RabbitMQ, tmp_path: Path
) -> None:
    document = tmp_path / "refused.yaml"
    document.write_text(REFUSED)
    command = attune_infra_with_registry
    assert command("registry", "init").code == 0
    worker_id = command("worker", "register", "--name", "ann", "-o", "json").json["id"]

    provisioned = command("worker", "provision", "--id", str(worker_id), "--topology", str(document))
    enlisted = command("worker", "enlist", "--name", "bob", "--topology", str(document))
    planned = command("diff", str(document), "--worker", str(worker_id))

    assert (provisioned.code, enlisted.code, planned.code) == (1, 1, 1)
    for result in (provisioned, enlisted):
        assert "exchange jobs: the broker has no exchange type x-delayed-message" in result.stderr
        assert "rabbitmq-plugins enable rabbitmq_delayed_message_exchange" in result.stderr
    assert "bob" not in command("worker", "list").stdout
    assert broker.read().objects() == ()


def test_enlist_is_undone_if_the_broker_is_away(attune_infra_with_registry: Command, database_url: str) -> None:
    run = attune_infra_with_registry
    run("registry", "init")

    result = run("worker", "enlist", "--name", "w", "--amqp-url", "amqp://guest:guest@127.0.0.1:1/%2F")

    assert result.code == 1
    assert "; the worker was not registered\n" in result.stderr
    assert statuses(database_url) == []


def test_deregister_keeps_the_row(attune_infra_with_registry: Command, database_url: str) -> None:
    run = attune_infra_with_registry
    run("registry", "init")
    for name in ("a", "b", "c"):
        run("worker", "register", "--name", name)

    unknown = run("worker", "deregister", "--id", "1", "--id", "9", "--name", "x")
    assert unknown.code == 1
    assert unknown.stderr.startswith("error: not in the registry: 9, x; nothing was changed\n")
    assert run("worker", "deregister", "--id", "1", "--name", "c").lines == [
        "~ worker 1 (a): inactive",
        "~ worker 3 (c): inactive",
    ]
    assert statuses(database_url) == [("a", "inactive"), ("b", "active"), ("c", "inactive")]


def test_all_active_workers_are_provisioned(attune_infra_with_registry: Command, broker: RabbitMQ) -> None:
    run = attune_infra_with_registry
    run("registry", "init")
    for name in ("a", "b", "c"):
        run("worker", "register", "--name", name)
    run("worker", "deregister", "--name", "b")

    assert run("worker", "provision", "--all", "-o", "json").json["workers"] == [1, 3]
    assert set(broker.read().queues) == {"worker.1.executions", "worker.3.executions"}


def test_all_needs_a_registry(attune_infra: Command) -> None:
    assert attune_infra("worker", "provision", "--all").stderr.startswith("error: no database is configured")
