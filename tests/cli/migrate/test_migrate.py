"""`attune-infra migrate`, as a user meets it. Migrations under traffic are in `tests/operations`."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from subprocess import Popen
from typing import Any

import amqp
import pytest

from attune_infra.broker.http.management import Management
from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.errors import ExitCode
from attune_infra.topology.facts.between import PREFIX
from attune_infra.topology.model import Binding, TopologyObject
from support.as_a_user import Command
from support.eventually import eventually
from support.orders import COUNT, Document, bodies, declare, left_behind, publish
from support.virtual_host import VirtualHost


def objects(broker: RabbitMQ) -> set[TopologyObject]:
    """Return all objects; two queues are the same if their attributes are."""
    return set(broker.read(private=True).objects())


def test_a_dry_run_shows_steps_and_notes_and_changes_nothing(
    attune_infra: Command, broker: RabbitMQ, channel: amqp.Channel, document: Document, orders: str
) -> None:
    before = objects(broker)

    shown = attune_infra("migrate", orders, "--topology", document(), "--dry-run")

    assert shown.code == ExitCode.DONE
    assert shown.lines[:2] == [
        f"queue orders would be migrated to the wanted quorum queue, with {COUNT} messages",
        "   1. prepare: create queue attune-infra.held.orders, and a switch for the publishers",
    ]
    assert [line.split()[1] for line in shown.lines if line[2:4].strip().isdigit()] == [
        *("prepare:", "empty:", "delete:", "create:", "empty:", "delete:", "clean"),
    ]
    assert "  note: delivery counts start anew, and moved messages are not marked as redelivered" in shown.lines
    assert shown.lines[-1].startswith("plan ")
    assert objects(broker) == before
    assert bodies(channel, orders) == [str(number) for number in range(COUNT)]


@pytest.mark.parametrize(("answer", "code", "kind"), [("y", 0, "quorum"), ("n", 4, "classic")])
def test_on_a_terminal_it_asks(
    *, attune_infra: Command, broker: RabbitMQ, document: Document, orders: str, answer: str, code: int, kind: str
) -> None:
    shown = attune_infra.at_terminal("migrate", orders, "--topology", document(), typed=f"{answer}\n")

    assert shown.code == code
    assert "migrate orders, and keep every message" in shown.stdout
    assert broker.read().queues[orders].type == kind


def test_consumers_are_cancelled_once_the_queue_is_empty(
    attune_infra: Command, broker: RabbitMQ, vhost: VirtualHost, document: Document, orders: str
) -> None:
    connection = vhost.client()
    channel, cancelled = connection.channel(), list[str]()
    held: list[amqp.Message] = []
    channel.basic_qos(0, 1, a_global=False)
    channel.basic_consume(orders, "slow", callback=held.append, on_cancel=cancelled.append)
    connection.drain_events(timeout=10)
    line = ("migrate", orders, "--topology", document(), "--yes", "--consumers", "cancel")

    with attune_infra.start(*line) as process:
        eventually(lambda: broker.contents(f"{PREFIX}held.orders")[0], lambda count: count == COUNT - 1)
        assert not cancelled  # it still holds a message
        assert process.poll() is None
        channel.basic_ack(held[0].delivery_tag)
        while not cancelled:
            connection.drain_events(timeout=30)
        output = process.communicate()
    connection.close()

    assert process.returncode == ExitCode.DONE, output
    assert cancelled == ["slow"]
    assert broker.read().queues[orders].type == "quorum"
    assert broker.contents(orders)[0] == COUNT - len(held)


def test_it_waits_until_consumers_have_gone(
    attune_infra: Command, broker: RabbitMQ, vhost: VirtualHost, document: Document
) -> None:
    connection = vhost.client()
    channel = connection.channel()
    declare(channel, "orders")
    channel.basic_consume("orders", "busy")
    line = ("migrate", "orders", "--topology", document(), "--yes", "--consumers", "wait")

    with attune_infra.start(*line) as process:
        told = _read_until(process, "waiting for 1 consumer of queue orders to finish")
        assert broker.read().queues["orders"].type == "classic"
        connection.close()
        output = process.communicate()

    assert process.returncode == ExitCode.DONE, (told, output)
    assert broker.read().queues["orders"].type == "quorum"


def _read_until(process: Popen[str], wanted: str) -> str:
    assert process.stderr is not None
    told = ""
    for line in process.stderr:
        told += line
        if wanted in line:
            return told
    raise AssertionError(f"it never said '{wanted}':\n{told}")


@pytest.mark.since((4, 0), "older releases have no default queue type")
def test_a_queue_without_a_wanted_type_is_wanted_as_the_virtual_host_makes_it(
    attune_infra: Command, management: Management, vhost: VirtualHost, tmp_path: Path
) -> None:
    management.put("vhosts", vhost.name, body={"default_queue_type": "quorum"})
    path = tmp_path / "orders.yaml"
    path.write_text("queues: {orders: {}}\n")
    assert attune_infra("setup", str(path)).code == ExitCode.DONE

    result = attune_infra("migrate", "orders", "--topology", str(path), "--dry-run")

    assert result.lines == ["queue orders: nothing to migrate"]


def test_a_queue_as_it_is_wanted_has_nothing_to_migrate(
    attune_infra: Command, document: Document, orders: str
) -> None:
    result = attune_infra("migrate", orders, "--topology", document("classic"))

    assert (result.code, result.lines) == (ExitCode.DONE, ["queue orders: nothing to migrate"])


def test_the_same_command_goes_on_after_a_limit(
    attune_infra: Command, broker: RabbitMQ, channel: amqp.Channel, document: Document, orders: str
) -> None:
    line = ("migrate", orders, "--topology", document(), "--yes", "--limit", "3")
    codes = [attune_infra(*line).code for _ in range(5)]

    assert codes[0] != ExitCode.DONE
    assert codes[-1] == ExitCode.DONE
    assert bodies(channel, orders) == [str(number) for number in range(COUNT)]
    assert not left_behind(broker)


BINDINGS: list[tuple[str, str, Mapping[str, Any]]] = [
    ("topic", "order.#", {}),
    ("topic", "", {}),
    ("topic", "a", {"note": "an argument", "number": 1.0}),
    ("headers", "", {"x-match": "any", "kind": "order", "number": 1}),
    ("headers", "", {"x-match": "all", "kind": "order", "list": [1, "two"]}),
    ("behind", "", {}),
]


@pytest.mark.parametrize("to", ["orders", "renamed"])
def test_every_binding_is_kept_as_it_is(
    *, attune_infra: Command, broker: RabbitMQ, channel: Any, document: Document, orders: str, to: str
) -> None:
    for name, kind in (("topic", "topic"), ("headers", "headers"), ("front", "direct"), ("behind", "fanout")):
        channel.exchange_declare(name, kind, durable=True, auto_delete=False)
    channel.exchange_bind("behind", "front", "k")
    for source, key, arguments in BINDINGS:
        channel.queue_bind(orders, source, key, arguments=arguments)
    before = objects(broker)

    line = ("migrate", orders, "--to", to, "--topology", document(name=to), "--yes")
    done = attune_infra(*line)

    assert done.code == ExitCode.DONE, done.stderr
    after = objects(broker)
    wanted = {_moved(each, to) for each in before if isinstance(each, Binding)}
    assert {each for each in after if isinstance(each, Binding)} == wanted
    assert {each for each in after - before if not isinstance(each, Binding)} == {broker.read().queues[to]}
    assert bodies(channel, to) == [str(number) for number in range(COUNT)]
    channel.basic_publish(amqp.Message("through"), "front", "k")
    eventually(lambda: bodies(channel, to), lambda found: found == ["through"])


def _moved(binding: Binding, to: str) -> Binding:
    return replace(binding, destination=to) if binding.destination == "orders" else binding


def test_dead_letters_go_on_to_their_exchange(
    attune_infra: Command, broker: RabbitMQ, channel: Any, document: Document
) -> None:
    channel.exchange_declare("dlx", "fanout", durable=True, auto_delete=False)
    declare(channel, "dead")
    channel.queue_bind("dead", "dlx")
    letters: dict[str, Any] = {"x-dead-letter-exchange": "dlx", "x-dead-letter-routing-key": "orders.dead"}
    declare(channel, "orders", **letters)
    publish(channel, "orders", COUNT)
    path = document(more=f", arguments: {{{', '.join(f'{name}: {value}' for name, value in letters.items())}}}")

    assert attune_infra("migrate", "orders", "--topology", path, "--yes").code == ExitCode.DONE

    assert bodies(channel, "dead") == []  # no move made a dead letter
    first = channel.basic_get("orders")
    channel.basic_reject(first.delivery_tag, requeue=False)
    [dead] = eventually(lambda: [*filter(None, [channel.basic_get("dead")])], lambda found: len(found) == 1)
    assert (dead.body, dead.delivery_info["routing_key"]) == ("0", "orders.dead")
    assert broker.read().queues["orders"].arguments.items() >= letters.items()


def test_an_auto_delete_queue_is_not_deleted_by_its_own_migration(
    attune_infra: Command, broker: RabbitMQ, channel: Any, document: Document
) -> None:
    declare(channel, "orders", auto_delete=True)
    publish(channel, "orders", COUNT)

    assert attune_infra("migrate", "orders", "--topology", document(), "--yes").code == ExitCode.DONE

    assert not broker.read().queues["orders"].auto_delete
    assert bodies(channel, "orders") == [str(number) for number in range(COUNT)]


def test_json_has_the_steps_and_the_numbers(attune_infra: Command, document: Document, orders: str) -> None:
    line = ("migrate", orders, "--topology", document(), "--output", "json")

    [planned] = attune_infra(*line, "--dry-run").json["queues"]
    [done] = attune_infra(*line, "--yes").json["queues"]

    assert (planned["state"], planned["messages"], planned["consumers"]) == ("planned", COUNT, 0)
    assert [step["stage"] for step in planned["steps"]] == [step["stage"] for step in done["steps"]]
    assert planned["result"] is None
    assert done["state"] == "migrated"
    others = {"recovered": 0, "maybe_doubled": 0, "without_user": 0, "taken": 0}
    assert done["result"] == {"moved": 2 * COUNT, **others}
    assert (done["late"], done["obstacles"]) == (0, [])


def test_the_line_that_setup_names_makes_the_change(
    attune_infra: Command, channel: amqp.Channel, document: Document, orders: str
) -> None:
    path = document()
    told = f"      `attune-infra migrate orders --topology '{path}'` does it and keeps every message"

    for command in (("setup", path), ("setup", path, "--dry-run"), ("diff", path), ("diff", path, "--explain")):
        assert told in attune_infra(*command).lines
    assert told in attune_infra("setup", path, "--allow-destructive").stderr.splitlines()  # with the question
    [outcome] = attune_infra("setup", path, "--output", "json").json["objects"]
    [change] = attune_infra("diff", path, "--output", "json").json["changes"]
    assert outcome["migrate"] == change["migrate"] == f"attune-infra migrate orders --topology '{path}'"
    assert attune_infra(*shlex.split(change["migrate"])[1:], "--yes").code == ExitCode.DONE
    assert attune_infra("diff", path).code == ExitCode.DONE
    assert len(bodies(channel, orders)) == COUNT
