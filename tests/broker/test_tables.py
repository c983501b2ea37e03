"""Arguments at the limits of AMQP, on a real broker."""

from __future__ import annotations

from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.topology.diff import Create, diff
from attune_infra.topology.facts.tables import MAX_TABLE_BYTES, table_problems
from attune_infra.topology.model import Argument, Binding, Exchange, Queue, Topology
from attune_infra.topology.planning.report import Status


def test_the_broker_takes_the_largest_arguments_and_longest_names(broker: RabbitMQ) -> None:
    arguments: dict[str, Argument] = {"a" * 255: [{"b" * 255: True}], "c": ""}
    overhead = 9 + sum(9 + len(each) for each in arguments) + 9 + 9 + 9 + 255 + 9 + 9 + 9
    arguments["c"] = "x" * (MAX_TABLE_BYTES - overhead)
    assert list(table_problems(arguments)) == []
    assert [found.argument for found in table_problems(arguments | {"d": "x" * 100})] == [None]
    exchange = Exchange(name="e" * 255, type="headers", arguments=arguments)
    queue = Queue(name="q" * 255, type="classic", arguments=arguments)
    binding = Binding(source=exchange.name, destination=queue.name, routing_key="k" * 255, arguments=arguments)

    outcomes = list(broker.apply([Create(exchange), Create(queue), Create(binding)]))

    assert [outcome.status for outcome in outcomes] == [Status.CREATED] * 3
    assert diff(broker.read(), Topology.of([exchange, queue, binding])) == ()
