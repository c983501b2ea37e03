"""`--deadline`: a command that waits for a server ends in time, says what it did, and goes on when run again."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import amqp
import psycopg
import pytest

from attune_infra.broker.http.management import Management
from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.settings import AMQP_URL, MANAGEMENT_URL
from attune_infra.topology.diff import diff
from attune_infra.topology.model import Topology
from support.as_a_user import Command, Result
from support.eventually import eventually
from support.faulty import Answer, answering_instead
from support.proxy import Proxy
from support.servers import closed_port
from support.virtual_host import VirtualHost

pytestmark = pytest.mark.any_broker

DEADLINE = ("--deadline", "1", "--timeout", "50", "--output", "json")


@pytest.fixture(autouse=True)
def ready(attune_infra_alone: Command) -> None:
    """The first command starts the server that forks all others, which takes long on a busy machine."""
    attune_infra_alone("--version")


def end_in_time(command: Command, *arguments: str, **environment: str) -> Result:
    """Run a command that cannot end by itself, and return its result."""
    began = time.monotonic()
    result = command(*arguments, *DEADLINE, environment=environment)
    assert 0.9 < time.monotonic() - began < 30, result
    assert (result.code, result.json["code"]) == (1, "deadline-passed")
    assert result.stderr.startswith("error: the command did not end within 1 s (--deadline)")
    return result


@contextmanager
def stalling(vhost: VirtualHost, after: int) -> Iterator[str]:
    """Yield the URL of a management API that answers no more once so many objects were put."""
    ends, puts = threading.Event(), [0]

    def choose(method: str, _: str) -> Answer | None:
        puts[0] += method in {"PUT", "POST"}
        if puts[0] > after:
            ends.wait(60)
            return Answer(503)
        return None

    with answering_instead(vhost.management_url, choose) as (url, _):
        yield url
        ends.set()


def test_the_management_api_stops_answering(
    attune_infra: Command, vhost: VirtualHost, broker: RabbitMQ, topology: Topology
) -> None:
    with stalling(vhost, after=5) as url:
        result = end_in_time(attune_infra, "setup", "--via", "http", **{MANAGEMENT_URL.variable: url})

    assert "; before, the command had created " in result.stderr
    assert len(broker.read().objects()) == 5
    assert attune_infra("setup").code == 0
    assert diff(broker.read(), topology) == ()


def test_nothing_is_changed_if_nothing_answers(attune_infra: Command, vhost: VirtualHost) -> None:
    with stalling(vhost, after=-1) as url:
        result = end_in_time(attune_infra, "verify", **{MANAGEMENT_URL.variable: url})

    assert ", and it had changed nothing;" in result.stderr


@pytest.mark.parametrize("arguments", [("setup",), ("queue", "peek", "q")])
def test_amqp_stops_answering(
    attune_infra: Command, vhost: VirtualHost, channel: amqp.Channel, arguments: tuple[str, ...]
) -> None:
    channel.queue_declare("q", durable=True, auto_delete=False)
    channel.basic_publish(amqp.Message("m"), "", "q")
    port = int(vhost.amqp_url.rpartition("/")[0].rpartition(":")[2])

    with Proxy(port, hold_after=300) as proxy:
        end_in_time(attune_infra, *arguments, **{AMQP_URL.variable: vhost.amqp_url_through(proxy.port)})
        assert proxy.holds


def test_a_lock_of_the_database_is_not_waited_for(attune_infra_with_registry: Command, database_url: str) -> None:
    assert attune_infra_with_registry("registry", "init").code == 0
    with psycopg.connect(database_url) as connection:
        connection.execute("LOCK TABLE worker")

        end_in_time(attune_infra_with_registry, "worker", "register", "--name", "w")

    assert attune_infra_with_registry("worker", "list", "-o", "json").json["workers"] == []


def test_a_server_that_does_not_come_up_is_not_waited_for(attune_infra: Command) -> None:
    url = f"http://127.0.0.1:{closed_port()}"

    end_in_time(attune_infra, "diff", "--wait", "50", **{MANAGEMENT_URL.variable: url})


def test_a_move_goes_on_where_the_deadline_has_cut_it(
    attune_infra: Command, channel: amqp.Channel, broker: RabbitMQ
) -> None:
    for queue in ("a", "b"):
        channel.queue_declare(queue, durable=True, auto_delete=False)
    for number in range(400):
        channel.basic_publish(amqp.Message(str(number), delivery_mode=2), "", "a")
    words = ("queue", "move", "a", "b")

    result = end_in_time(attune_infra, *words, "--pause-above", "10", "--yes")

    assert re.search(r"; before, the command had created .*; moved \d+ messages$", result.stderr, re.MULTILINE)
    assert attune_infra(*words, "--yes").code == 0
    assert eventually(lambda: channel.queue_declare("b", passive=True).message_count, (400).__eq__) == 400
    assert (set(broker.read().queues), set(broker.read().exchanges)) == ({"a", "b"}, set())


def test_a_load_says_where_to_go_on(
    attune_infra: Command, vhost: VirtualHost, channel: amqp.Channel, tmp_path: Path
) -> None:
    channel.queue_declare("q", durable=True, auto_delete=False)
    file = tmp_path / "messages.jsonl"
    file.write_text(f'{{"body": "{"x" * 1000}"}}\n' * 3000)
    port = int(vhost.amqp_url.rpartition("/")[0].rpartition(":")[2])

    with Proxy(port, hold_after=1_000_000) as proxy:
        url = {AMQP_URL.variable: vhost.amqp_url_through(proxy.port)}
        result = attune_infra("queue", "load", str(file), "q", *DEADLINE, environment=url)

    assert (result.code, result.json["failure"]) == (3, "it did not end within --deadline")
    assert 0 < result.json["next_line"] <= 1001


def test_what_was_made_for_a_proof_is_removed(
    attune_infra: Command, vhost: VirtualHost, management: Management
) -> None:
    """The virtual host for `--probe` is there when the deadline passes."""
    assert attune_infra("setup").code == 0
    ends = threading.Event()

    def choose(method: str, path: str) -> Answer | None:
        is_made = method == "PUT" and "attune-infra%20probe" in path
        return Answer(wait=lambda: ends.wait(60)) if is_made else None

    with answering_instead(vhost.management_url, choose) as (url, requests):
        end_in_time(attune_infra, "verify", "--probe", **{MANAGEMENT_URL.variable: url})
        ends.set()

    assert any(method == "DELETE" and "attune-infra%20probe" in path for method, path, _ in requests.seen)
    assert not [each for each in management.get("vhosts") if each["name"].startswith("attune-infra probe")]


def test_a_result_in_time_is_the_result(attune_infra: Command) -> None:
    assert attune_infra("setup", "--deadline", "50s").code == 0


@pytest.mark.parametrize("words", ["watch", "worker watch", "tap amq.topic", "worker run --name w"])
def test_a_command_that_stays_has_no_deadline(attune_infra_alone: Command, words: str) -> None:
    result = attune_infra_alone(*words.split(), "--deadline", "5")

    assert result.code == 64
    assert "--deadline" in result.stderr


def test_metrics_that_are_served_have_no_deadline(attune_infra_alone: Command) -> None:
    result = attune_infra_alone("metrics", "--listen", "127.0.0.1:0", "--deadline", "5")

    assert result.code == 64
    assert result.stderr.startswith(
        "error: --deadline ends a command, and --listen lets it run until it is stopped"
    )
