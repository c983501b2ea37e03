"""Super streams in a document: read, written, and made as RabbitMQ's own command makes them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.operations.setup import setup
from attune_infra.sandbox import BoundSandbox
from attune_infra.topology.diff import diff, undeclared
from attune_infra.topology.document.export import as_document
from attune_infra.topology.document.parse import parse
from attune_infra.topology.document.sections.super_streams import SuperStream, split_super_streams
from attune_infra.topology.document.write import write
from attune_infra.topology.lint.linter import lint
from attune_infra.topology.model import Binding, Exchange, Message, Queue, Topology
from attune_infra.topology.routing.route import Routing
from support.plugins import enable_plugins
from support.problems import document_problems
from support.under_test import BrokerUnderTest
from support.virtual_host import VirtualHost

NUMBERED = "super_streams: {invoices: {partitions: 3}}"
BALANCED = "{partitions: 3, arguments: {x-queue-leader-locator: balanced}}"
"""As RabbitMQ's own command makes one since 4.0."""

KEYED = "super_streams: {invoices: {keys: [eu, us], arguments: {x-max-age: 7D}}}"


def test_a_number_of_partitions_becomes_an_exchange_streams_and_bindings() -> None:
    topology = parse(NUMBERED, source="x.yaml")

    assert topology.exchanges == {
        "invoices": Exchange(name="invoices", type="direct", arguments={"x-super-stream": True})
    }
    assert list(topology.queues.values()) == [Queue(name=f"invoices-{n}", type="stream") for n in range(3)]
    assert topology.bindings == {
        Binding(
            source="invoices",
            destination=f"invoices-{n}",
            routing_key=str(n),
            arguments={"x-stream-partition-order": n},
        )
        for n in range(3)
    }


def test_a_message_goes_to_the_partition_of_its_key() -> None:
    routing = Routing(parse(KEYED, source="x.yaml"))

    assert routing.publish(Message(exchange="invoices", routing_key="us")).queues == ("invoices-us",)
    assert lint(routing.topology).findings == ()


@pytest.mark.parametrize("text", [NUMBERED, KEYED])
def test_a_super_stream_is_written_as_one(text: str) -> None:
    topology = parse(text, source="x.yaml")

    assert "super_streams:\n  invoices: {" in write(topology)
    assert "queues:" not in write(topology)
    assert parse(write(topology), source="written") == topology


@given(
    keys=st.lists(st.text("ab1-é", min_size=1, max_size=3), min_size=1, max_size=4, unique=True).map(tuple),
    arguments=st.sampled_from([{}, {"x-max-age": "1D"}]),
    more=st.sampled_from(
        [
            Binding(source="s", destination="q", routing_key="more"),
            Binding(source="amq.topic", destination="s", destination_type="exchange"),
            Queue(name="q"),
            Exchange(name="e", type="fanout"),
        ]
    ),
)
def test_any_super_stream_comes_back(
    keys: tuple[str, ...], arguments: dict[str, str], more: Binding | Queue | Exchange
) -> None:
    made = SuperStream("s", keys, dict(arguments))
    topology = Topology.of([*made.objects(), more, Queue(name="q")])

    assert parse(write(topology), source="written") == topology
    assert split_super_streams(topology)[0] == ([] if isinstance(more, Binding) else [made])


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ("{partitions: 0}", "2:19: expected 1 to 1000 partitions, got 0"),
        ("{partitions: 1001}", "2:19: expected 1 to 1000 partitions, got 1001"),
        ("{}", "2:3: super stream 's' needs either partitions or keys"),
        ("{partitions: 1, keys: [a]}", "2:3: super stream 's' needs either partitions or keys"),
        ("{keys: [a, a]}", "2:17: duplicate key 'a'"),
        ("{keys: []}", "2:13: a super stream needs at least one key"),
        ("{partitions: 1, arguments: {x-max-length: 5}}", "2:34: a stream cannot have x-max-length"),
    ],
)
def test_what_is_no_super_stream_has_a_problem_at_its_place(entry: str, problem: str) -> None:
    [first, *_] = document_problems(f"super_streams:\n  s: {entry}")

    assert first.startswith(f"x.yaml:{problem}")


def test_a_queue_cannot_stand_in_a_super_stream_and_alone() -> None:
    assert document_problems("super_streams:\n  s: {partitions: 1}\nqueues: {s-0: {}}") == [
        "x.yaml:2:3: queue s-0 of a super stream is declared on its own too"
    ]


@pytest.fixture(scope="module")
def sandbox(under_test: BrokerUnderTest) -> Iterator[BoundSandbox]:
    with under_test.sandbox(postgres=False) as sandbox:
        enable_plugins(sandbox, "rabbitmq_stream")
        yield sandbox


def test_rabbitmqs_own_command_makes_the_same(
    sandbox: BoundSandbox, vhost: VirtualHost, broker: RabbitMQ, under_test: BrokerUnderTest
) -> None:
    streams = ", ".join(f'<<"invoices-{number}">>' for number in range(3))
    keys = ", ".join(f'<<"{number}">>' for number in range(3))
    answer = sandbox.rabbitmqctl(
        "eval",
        f'rabbit_stream_manager:create_super_stream(<<"{vhost.name}">>, <<"invoices">>, [{streams}],'
        f' #{{}}, [{keys}], <<"guest">>).',
    )
    assert answer.strip() == "ok"

    entry = "{partitions: 3}" if under_test.release < (4, 0) else BALANCED
    have, want = broker.read(), parse(f"super_streams: {{invoices: {entry}}}", source="x.yaml")

    assert diff(have, want) == ()
    assert undeclared(have, want) == ()
    assert f"invoices: {entry}" in as_document(have).text
    assert setup(broker, replace(want, name=have.name)).exit_code == 0


def test_bindings_of_the_document_are_no_part_of_a_super_stream() -> None:
    topology = parse(
        "exchanges: {e: {}}\nqueues: {q: {bindings: [{exchange: e}]}}\nsuper_streams: {s: {partitions: 1}}",
        source="x",
    )

    assert set(topology.queues) == {"q", "s-0"}
