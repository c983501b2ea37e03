import pytest
import yaml
from hypothesis import given, settings

from attune_infra.render.words import visible
from attune_infra.topology.builtin import attune
from attune_infra.topology.document.parse import parse
from attune_infra.topology.document.write import policy_line, write
from attune_infra.topology.model import (
    Argument,
    Binding,
    Exchange,
    Message,
    Policy,
    Queue,
    Route,
    Topology,
    WorkerFamily,
    freeze,
)
from support.strategies import NASTY_NAMES, topologies


def types_too(topology: Topology) -> list[object]:
    """Return the arguments of a topology so that 1, 1.0 and True differ in them."""
    return [
        freeze(item.definition if isinstance(item, Policy) else item.arguments)
        for item in topology.objects()
        if isinstance(item, Exchange | Queue | Binding | Policy)
    ]


@given(topologies(with_parameters=True))
@settings(deadline=None)
def test_what_is_written_is_read_back(topology: Topology) -> None:
    text = write(topology)

    again = parse(text, source="x.yaml")

    assert again == topology
    assert types_too(again) == types_too(topology)
    assert write(again) == text
    assert all(visible(line) == line for line in text.splitlines())


@pytest.mark.parametrize("name", NASTY_NAMES)
def test_a_nasty_name_is_read_back_wherever_it_stands(name: str) -> None:
    topology = Topology.of(
        [
            Exchange(name=name, type="topic", arguments={name: {name: [name]}}),
            Queue(name=name),
            Binding(source=name, destination=name, routing_key=name, arguments={name: name}),
        ],
        name=name,
    )

    assert parse(write(topology), source="x.yaml") == topology
    assert yaml.safe_load(write(topology))["topology"] == name


ATTUNE = """\
topology: attune

exchanges:
  attune.dlx: {type: fanout}
  attune.events: {type: topic}
  attune.executions: {}
  attune.notifications: {type: fanout}

queues:
  attune.dlx.queue:
    arguments: {x-message-ttl: 86400000}
    bindings:
      - {exchange: attune.dlx}
  attune.events.queue:
    arguments: {x-dead-letter-exchange: attune.dlx}
    bindings:
      - {exchange: attune.events, routing_key: '#'}
  attune.executions.queue:
    arguments: {x-dead-letter-exchange: attune.dlx}
    bindings:
      - {exchange: attune.executions, routing_key: execution}
  attune.notifications.queue:
    arguments: {x-dead-letter-exchange: attune.dlx}
    bindings:
      - {exchange: attune.notifications}

policies:
  attune-worker-expiry:
    pattern: '^worker\\.[0-9]+\\.executions$'
    apply_to: queues
    definition: {expires: 86400000}

workers:
  consumer_tag: 'worker-{worker_id}'
  queues:
    'worker.{worker_id}.executions':
      durable: false
      auto_delete: true
      bindings:
        - {exchange: attune.executions, routing_key: 'worker.{worker_id}'}

routes:
  - {publish: {exchange: attune.events, routing_key: event.created}, reaches: [attune.events.queue]}
  - publish: {exchange: attune.executions, routing_key: execution}
    reaches: [attune.executions.queue]
  - {publish: {exchange: attune.executions, routing_key: worker.1}, reaches: [worker.1.executions]}
  - {publish: {exchange: attune.notifications}, reaches: [attune.notifications.queue]}
  - {publish: {exchange: attune.dlx, routing_key: event.created}, reaches: [attune.dlx.queue]}
"""


def test_the_platforms_own_topology_looks_as_one_would_write_it() -> None:
    assert write(attune()) == ATTUNE


EVERYTHING = """\
manages:
  - '^a'

exchanges:
  amq.fanout:
    bindings:
      - {exchange: outer}
  inner:
    type: headers
    durable: false
    auto_delete: true
    internal: true
    bindings:
      - {exchange: outer, routing_key: k}
  outer: {}

queues:
  q:
    type: quorum
    arguments: {x-delivery-limit: 3, x-note: 'yes'}
    bindings:
      - {exchange: amq.match, arguments: {n: 1.5, of: {a: []}, x-match: any}}

policies:
  p: {pattern: '', priority: 1, definition: {max-length: 5}}

routes:
  - {publish: {exchange: amq.default, routing_key: q}, reaches: [q]}
  - {publish: {exchange: outer, headers: {CC: [k], n: 1.0}}, reaches: []}
"""


def test_everything_there_is_stands_in_its_place() -> None:
    topology = Topology.of(
        [
            Exchange(name="inner", type="headers", durable=False, auto_delete=True, internal=True),
            Exchange(name="outer"),
            Binding(source="outer", destination="inner", destination_type="exchange", routing_key="k"),
            Binding(source="outer", destination="amq.fanout", destination_type="exchange"),
            Queue(name="q", type="quorum", arguments={"x-delivery-limit": 3, "x-note": "yes"}),
            Binding(source="amq.match", destination="q", arguments={"x-match": "any", "n": 1.5, "of": {"a": []}}),
            Policy(name="p", pattern="", definition={"max-length": 5}, priority=1),
        ],
        manages=("^a",),
        routes=(
            Route(publish=Message(exchange="", routing_key="q"), reaches=("q",)),
            Route(publish=Message(exchange="outer", headers={"n": 1.0, "CC": ["k"]}), reaches=()),
        ),
    )

    assert write(topology) == EVERYTHING


def test_what_is_too_long_for_a_line_gets_more_of_them() -> None:
    long: dict[str, Argument] = {f"header-number-{number}": "of a certain length" for number in range(4)}
    topology = Topology.of([Queue(name="q"), Binding(source="amq.headers", destination="q", arguments=long)])

    assert (
        write(topology)
        == """\
queues:
  q:
    bindings:
      - exchange: amq.headers
        arguments:
          header-number-0: of a certain length
          header-number-1: of a certain length
          header-number-2: of a certain length
          header-number-3: of a certain length
"""
    )


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("plain words, no", "'plain words, no'"),
        ("two words", "two words"),
        ("don't", "'don''t'"),
        ("yes", "'yes'"),
        ("1.0", "'1.0'"),
        ("größe", "größe"),
        ("🐰", "'🐰'"),
        ("\x1b[2J", '"\\x1b[2J"'),
        ('a\t"b"\\', '"a\\t\\"b\\"\\\\"'),
        ("\u202egpj.exe", '"\\u202egpj.exe"'),
        (True, "true"),
        (10**18, "1000000000000000000"),
        (1e20, "1.0e+20"),
        ([], "[]"),
        ([1, "a", []], "[1, a, []]"),
    ],
)
def test_a_value_is_written_as_plainly_as_yaml_lets_it(value: Argument, written: str) -> None:
    topology = Topology.of([Queue(name="q", arguments={"x": value})])

    assert f"arguments: {{x: {written}}}" in write(topology)


@pytest.mark.parametrize("name", ["a: b", "🐰", "\x1b"])
def test_a_policy_can_be_pasted_into_a_document(name: str) -> None:
    policy = Policy(name=name, pattern=r"^a\.b$", apply_to="queues", definition={"message-ttl": 5})

    document = f"policies:\n  {policy_line(policy)}\n"

    assert parse(document, source="x").policies == {name: policy}


def test_nothing_at_all_is_a_document_too() -> None:
    assert write(Topology()) == "{}\n"
    assert parse("{}\n", source="x.yaml") == Topology()


@pytest.mark.parametrize(
    "topology",
    [
        Topology.of([Exchange(name="e"), Binding(source="e", destination="q")]),
        Topology.of([Exchange(name="e"), Binding(source="e", destination="f", destination_type="exchange")]),
        Topology(
            workers=WorkerFamily(
                consumer_tag="{worker_id}", queues=(), bindings=(Binding(source="amq.topic", destination="q"),)
            )
        ),
    ],
)
def test_a_binding_to_nothing_cannot_be_written(topology: Topology) -> None:
    with pytest.raises(ValueError, match="bindings end at something that the topology lacks"):
        write(topology)
