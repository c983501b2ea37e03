"""The table of compared and kept arguments, against the broker under test."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace

import amqp
import pytest

from attune_infra.sandbox import BoundSandbox
from attune_infra.topology.facts.arguments import QUEUE_ARGUMENTS, QUEUE_TYPES
from attune_infra.topology.facts.redeclaration import (
    EXCHANGE_ROWS,
    QUEUE_ROWS,
    Row,
    Treatment,
    are_equal,
    exchange_treatments,
    queue_treatments,
    treatments_by,
)
from attune_infra.topology.facts.releases import Version
from support.redeclaring import Client, Redeclaration, redeclare_exchanges, redeclare_queues
from support.under_test import BrokerUnderTest
from support.virtual_host import VirtualHost

_OTHER = {Treatment.COMPARED: Treatment.KEPT, Treatment.KEPT: Treatment.COMPARED}


def disagreements(
    cases: Iterable[Redeclaration], version: Version, rows: Sequence[Row] = QUEUE_ROWS
) -> list[Redeclaration]:
    """Return the declarations that the broker takes and the table says it refuses, or the other way round."""
    return [case for case in cases if case.is_accepted == is_refused(case, version, rows)]


def is_refused(case: Redeclaration, version: Version, rows: Sequence[Row]) -> bool:
    if case.kind == "exchange":
        treatments = exchange_treatments(case.type, version)
    else:
        treatments = treatments_by(rows, case.type, version)
    is_compared = treatments.get(case.argument) is Treatment.COMPARED
    return is_compared and not are_equal(case.argument, case.have, case.want, version)


def mutations(version: Version) -> Iterator[tuple[Row, ...]]:
    """Yield tables with one mistake: a wrong treatment, a type or a name left out, an argument too many."""
    for number, row in enumerate(QUEUE_ROWS):
        wrong = [replace(row, treatment=_OTHER[row.treatment])]
        if row.treatment is Treatment.COMPARED:
            wrong += [replace(row, types=tuple(set(row.types) - {left_out})) for left_out in row.types]
            wrong += [replace(row, names=tuple(set(row.names) - {left_out})) for left_out in row.names]
        if row.holds(version):
            for each in wrong:
                yield (*QUEUE_ROWS[:number], each, *QUEUE_ROWS[number + 1 :])
    for kind in QUEUE_TYPES:
        for name in QUEUE_ARGUMENTS.keys() - queue_treatments(kind, version).keys() - {"x-queue-type"}:
            yield (*QUEUE_ROWS, Row(treatment=Treatment.COMPARED, types=(kind,), names=(name,)))


@pytest.mark.lengthy
def test_the_broker_under_test_agrees_and_a_wrong_table_is_found_out(
    vhost: VirtualHost, under_test: BrokerUnderTest
) -> None:
    client = Client(vhost)
    cases = [*redeclare_queues(client), *redeclare_exchanges(client)]
    client.close()

    assert len(cases) > 900
    assert disagreements(cases, under_test.release) == []
    wrong = list(mutations(under_test.release))
    assert len(wrong) > 70
    assert [table for table in wrong if not disagreements(cases, under_test.release, table)] == []


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("1D", "24h", [False, True]),
        ("1Y", "365D", [False, True]),
        ("12M", "360D", [False, True]),
        ("07D", "7D", [False, True]),
        ("1Y", "12M", [False, False]),
        ("7D", "7D", [True, True]),
        ("7D", 7, [False, False]),
        ("week", "7D", [False, False]),
    ],
)
def test_ages_are_compared_by_their_length_since_4_3(one: str, other: object, equal: list[bool]) -> None:
    assert [are_equal("x-max-age", one, other, version) for version in ((4, 0), (4, 3))] == equal


def test_other_values_are_compared_with_their_types() -> None:
    assert are_equal("x-message-ttl", 1, 1, (4, 3))
    assert not are_equal("x-message-ttl", 1, 1.0, (4, 3))
    assert not are_equal("x-message-ttl", "1D", "24h", (4, 3))


def test_a_consumer_timeout_has_an_effect_where_the_table_says_so(
    sandbox: BoundSandbox, vhost: VirtualHost, under_test: BrokerUnderTest
) -> None:
    sandbox.rabbitmqctl("eval", "application:set_env(rabbit, channel_tick_interval, 500).")
    with ExitStack() as stack:
        connections = {kind: stack.enter_context(vhost.client()) for kind in QUEUE_TYPES}
        consuming = {kind: client for kind, client in connections.items() if consume_late(client.channel(), kind)}
        interrupted = {kind for kind, client in consuming.items() if is_interrupted(client)}

    version = under_test.release
    assert consuming
    assert interrupted == {kind for kind in QUEUE_TYPES if "x-consumer-timeout" in queue_treatments(kind, version)}


def consume_late(channel: amqp.Channel, queue_type: str) -> bool:
    """Consume a message and do not acknowledge it; return false if the broker refuses such a queue."""
    arguments = {"x-queue-type": queue_type, "x-consumer-timeout": 1000}
    try:
        channel.queue_declare(queue_type, durable=True, auto_delete=False, arguments=arguments)
    except amqp.PreconditionFailed:
        return False
    channel.confirm_select()
    channel.basic_publish_confirm(amqp.Message("x"), "", queue_type, mandatory=True)
    channel.basic_qos(0, 1, a_global=False)
    offset = {"x-stream-offset": "first"} if queue_type == "stream" else None
    channel.basic_consume(queue_type, callback=lambda _: None, arguments=offset)
    return True


def is_interrupted(client: amqp.Connection, within: float = 4.0) -> bool:
    """Return whether the broker cancels the consumer or closes its channel."""
    with suppress(TimeoutError):
        while True:
            try:
                client.drain_events(timeout=within)
            except (amqp.ConsumerCancelled, amqp.PreconditionFailed):
                return True
    return False


def test_a_row_names_each_argument_once() -> None:
    for rows in (QUEUE_ROWS, EXCHANGE_ROWS):
        for version in ((3, 10), (3, 12), (3, 13), (4, 0), (4, 3)):
            cells = [
                (kind, name) for row in rows if row.holds(version) for kind in row.types for name in row.names
            ]
            assert len(cells) == len(set(cells))
