"""An alarm: RabbitMQ takes no messages. Commands that publish say so in time; all others do their work."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import amqp
import pytest

from support.as_a_user import Command
from support.patients import Patient
from support.virtual_host import VirtualHost, create_virtual_host

pytestmark = pytest.mark.xdist_group("doctor")  # they share a broker

ALARM = "rabbitmqctl set_vm_memory_high_watermark absolute 1"
NO_ALARM = "rabbitmqctl set_vm_memory_high_watermark 0.6"
NUMBER = 300
TIMEOUT = ("--timeout", "1", "--output", "json")
DOCUMENT = """
queues: {new: {}}
policies: {p: {pattern: "^new", definition: {max-length: 5}, apply_to: queues}}
"""


@pytest.fixture
def alarmed(patient: Patient) -> Iterator[VirtualHost]:
    """A virtual host with a topology and messages, on a broker with an alarm."""
    with create_virtual_host(patient.vhost, "alarmed") as vhost:
        command = Command({**patient.topology, **vhost.environment})
        assert command("setup").code == command("worker", "provision", "--id", "1").code == 0
        connection = vhost.client()
        channel = connection.channel()
        dying = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"}
        for queue in ("a", "b", "c", "dead", "source"):
            arguments = dying if queue == "source" else {}
            channel.queue_declare(queue, durable=True, auto_delete=False, arguments=arguments)
        for number in range(NUMBER):
            channel.basic_publish(amqp.Message(str(number), delivery_mode=2), "", "a")
        channel.basic_publish_confirm(amqp.Message("dies", delivery_mode=2), "", "source")
        channel.basic_reject(channel.basic_get("source").delivery_tag, requeue=False)
        connection.close()
        patient.run(ALARM)
        try:
            yield vhost
        finally:
            patient.run(NO_ALARM)


def test_what_publishes_names_the_alarm_and_the_rest_works(
    patient: Patient, alarmed: VirtualHost, tmp_path: Path
) -> None:
    file, document = tmp_path / "messages.jsonl", tmp_path / "topology.yaml"
    file.write_text('{"body": "loaded"}\n' * 20)
    document.write_text(DOCUMENT)
    command = Command({**patient.topology, **alarmed.environment})

    for words in (
        "worker dispatch --id 1",
        "queue move a b --yes",
        "dlq replay dead --yes",
    ):
        began = time.monotonic()
        result = command(*words.split(), *TIMEOUT)
        assert time.monotonic() - began < 8, words
        assert (result.code, result.json.get("code")) == (1, "broker-blocked"), (words, result)
        assert "RabbitMQ takes no messages now, because of an alarm: low on memory;" in result.stderr
        assert "`attune-infra doctor` names the node" in result.stderr
    loading = command("queue", "load", str(file), "c", *TIMEOUT)
    assert "because of an alarm: low on memory" in loading.json["failure"]
    proof = command("verify", "--probe", *TIMEOUT)
    assert (proof.code, "because of an alarm: low on memory" in proof.stdout) == (1, True)
    waiting = command("queue", "move", "a", "b", "--yes", *TIMEOUT)
    assert "because of an alarm" in waiting.stderr
    for words in (
        f"setup --topology {document}",
        f"setup --topology {document} --via http",
        "worker provision --id 2",
        "worker deprovision --id 2 --yes",
        "queue purge b --yes",
    ):
        assert command(*words.split(), *TIMEOUT).code == 0, words

    patient.run(NO_ALARM)

    assert command("queue", "move", "a", "b", "--yes").code == 0
    connection = alarmed.client()
    assert connection.channel().queue_declare("b", passive=True).message_count == NUMBER
    connection.close()
