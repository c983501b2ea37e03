"""Many quorum queues are deleted at once: those in use are kept, and what comes after the count is told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import amqp
import pytest

from attune_infra.broker.amqp.connection import Answered
from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.sandbox import BoundSandbox
from attune_infra.topology.model import Queue
from attune_infra.topology.planning.report import Loss, Status
from support.eventually import eventually
from support.virtual_host import VirtualHost


def publish(channel: amqp.Channel, queue: str) -> None:
    channel.confirm_select()
    channel.basic_publish_confirm(amqp.Message("x"), "", queue, mandatory=True)


def declare_many_quorum_queues(channel: amqp.Channel) -> list[Queue]:
    names = [f"q{number}" for number in range(40)]
    for name in names:
        arguments = {"x-queue-type": "quorum"}
        channel.queue_declare(name, durable=True, auto_delete=False, arguments=arguments, nowait=True)
    channel.queue_declare(names[-1], passive=True)
    return [Queue(name=name, type="quorum") for name in names]


def test_many_quorum_queues_are_deleted_over_amqp_and_those_in_use_are_kept(
    broker: RabbitMQ,
    channel: amqp.Channel,
    sandbox: BoundSandbox,
    vhost: VirtualHost,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    many = declare_many_quorum_queues(channel)
    publish(channel, "q7")
    publish(channel, "q8")
    assert channel.basic_get("q8") is not None
    eventually(lambda: broker.depths()["q8"].total, bool)
    channel.basic_consume("q9")
    server = f'{{list_to_atom("{vhost.name}_q10"), node()}}'
    sandbox.rabbitmqctl("eval", f"ra:stop_server(quorum_queues, {server}).", within=180)
    channel.queue_delete("q11")
    monkeypatch.setattr(broker.connections.http, "delete", None)

    outcomes = list(broker.delete([each for each in many if each.name != "q11"], even_if_used=False))

    stay = {outcome.object: outcome for outcome in outcomes if outcome.status is not Status.DELETED}
    assert {each.status for each in stay.values()} == {Status.KEPT}
    reasons = {item.name: each.reason for item, each in stay.items() if isinstance(item, Queue)}
    assert reasons == {
        "q7": "it holds 1 message and has 0 consumers",
        "q8": reasons["q8"],  # RabbitMQ 3.10 counts whoever has got a message as a consumer
        "q9": "it holds 0 messages and has 1 consumer",
        "q10": "its messages cannot be counted: it has no leader now; start its nodes, and try again",
    }
    assert "1 message" in reasons["q8"]
    assert not any(outcome.loss for outcome in outcomes)
    assert broker.read().queues.keys() == {"q7", "q8", "q9", "q10"}


def test_a_message_between_the_count_and_the_deletion_of_a_quorum_queue_is_told(
    broker: RabbitMQ, channel: amqp.Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = declare_many_quorum_queues(channel)
    delete_counting = broker.connections.amqp.delete_counting

    def publish_before(queues: Iterable[Queue], counts: dict[str, int]) -> Iterator[Answered[Queue]]:
        waiting = list(queues)
        if many[5] in waiting:
            publish(channel, "q5")
            publish(channel, "q5")
        return delete_counting(waiting, counts)

    monkeypatch.setattr(broker.connections.amqp, "delete_counting", publish_before)

    outcomes = list(broker.delete(many, even_if_used=False))

    assert {outcome.status for outcome in outcomes} == {Status.DELETED}
    losses = {each.object: each.loss for each in outcomes if each.loss}
    assert losses == {many[5]: Loss(messages=2, consumers=0, bindings=0)}
