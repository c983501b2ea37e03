import pytest

from attune_infra.topology.model import Binding, Exchange, Policy, Queue
from attune_infra.topology.parse import InvalidDocument, parse


def problems(text: str) -> list[str]:
    with pytest.raises(InvalidDocument) as caught:
        parse(text, source="x.yaml")
    return caught.value.sentence.splitlines()


def test_a_document_becomes_a_topology() -> None:
    topology = parse(
        """
topology: shop
exchanges:
  orders: {type: topic, arguments: {alternate-exchange: lost}}
  lost: {type: fanout, internal: true, bindings: [{exchange: orders, routing_key: 'a.#'}]}
queues:
  jobs:
    arguments: {x-queue-type: quorum, x-delivery-limit: 3}
    bindings:
      - {exchange: orders, routing_key: new, arguments: {x: 1}}
      - {exchange: amq.topic}
policies:
  short: {pattern: '^j', apply_to: queues, priority: 2, definition: {max-length: 5}}
""",
        source="x.yaml",
    )

    assert topology.name == "shop"
    assert set(topology.objects()) == {
        Exchange(name="orders", type="topic", arguments={"alternate-exchange": "lost"}),
        Exchange(name="lost", type="fanout", internal=True),
        Queue(name="jobs", type="quorum", arguments={"x-delivery-limit": 3}),
        Policy(name="short", pattern="^j", apply_to="queues", priority=2, definition={"max-length": 5}),
        Binding(source="orders", destination="lost", destination_type="exchange", routing_key="a.#"),
        Binding(source="orders", destination="jobs", routing_key="new", arguments={"x": 1}),
        Binding(source="amq.topic", destination="jobs"),
    }


def test_every_problem_is_named_at_once_with_its_place() -> None:
    assert problems(
        """\
topology: 3
exchange: {}
exchanges:
  amq.mine: {type: direct}
queues:
  jobs:
    durable: yep
    arguments: {x-expires: null}
    bindings:
      - {exchange: nope}
      - {routing_key: k}
policies:
  p: {pattern: x, apply_to: queue, definition: {}}
workers:
  consumer_tag: w
  queues:
    fixed: {}
"""
    ) == [
        "x.yaml:1:11: must be a string, is 3 (int)",
        "x.yaml:2:1: unknown key 'exchange' in the document; did you mean 'exchanges'?",
        "x.yaml:4:3: the name starts with 'amq.', which RabbitMQ keeps for itself",
        "x.yaml:7:14: must be true or false, is 'yep' (str)",
        "x.yaml:8:17: argument 'x-expires' is a NoneType; RabbitMQ cannot store that",
        "x.yaml:10:20: no exchange 'nope' in this document",
        "x.yaml:11:9: a binding of 'jobs' names no exchange",
        (
            "x.yaml:13:29: apply_to is 'queue'; RabbitMQ knows queues, exchanges, all, classic_queues,"
            " quorum_queues, streams"
        ),
        "x.yaml:15:17: consumer_tag 'w' does not hold {worker_id}",
        "x.yaml:17:5: worker queue 'fixed' must hold {worker_id} once",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: [", "x.yaml:2:1: is not YAML: did not find expected node content"),
        ("", "x.yaml:1:1: the document is empty"),
        ("- a", "x.yaml:1:1: the document must be a mapping"),
        ("a: 1\nb: \x07", "x.yaml:2:4: is not YAML: "),
        ("queues: []", "x.yaml:1:9: queues must be a mapping"),
        ("queues: {a: {bindings: {}}}", "x.yaml:1:24: bindings must be a list"),
        ("queues:\n  a: {}\n  a: {}", "x.yaml:3:3: 'a' is there twice in queues"),
        ("queues: {'': {}}", "x.yaml:1:10: the name is empty"),
        ("queues: {'..': {}}", "x.yaml:1:10: the name is '..', which no HTTP client can address"),
        (
            "exchanges: {e: {}}\nqueues: {q: {bindings: [{exchange: f}]}}",
            "x.yaml:2:36: no exchange 'f' in this document",
        ),
        ("policies: {p: {}}", "x.yaml:1:12: policy 'p' has no definition"),
        (
            "policies: {p: {pattern: a, definition: {}, priority: 1.5}}",
            "x.yaml:1:54: must be an integer, is 1.5 (float)",
        ),
        (
            "queues: {a: {arguments: {x: 2026-01-01}}}",
            "x.yaml:1:26: argument 'x' is a date; RabbitMQ cannot store that",
        ),
    ],
)
def test_a_problem_has_its_place(text: str, problem: str) -> None:
    assert problems(text)[0].startswith(problem)


@pytest.mark.parametrize("name", ["a" * 255, "é" * 127, "a/b c%+#?&;:'\"[red]🐰", "שלום", "amqp", "AMQ.x"])
def test_names_that_rabbitmq_accepts_are_accepted(name: str) -> None:
    topology = parse(with_queue(name), source="x.yaml")

    assert list(topology.queues) == [name]


@pytest.mark.parametrize("name", ["a" * 256, "é" * 128, "a\nb", "a\rb", "a\0b", "amq.x", ".", "..", ""])
def test_names_that_would_be_a_trap_are_refused(name: str) -> None:
    assert "the name " in problems(with_queue(name))[0]


def with_queue(name: str) -> str:
    """Return a document with a queue of any name, however long or odd."""
    escaped = "".join(f"\\U{ord(character):08x}" for character in name)
    return f'queues:\n  ? "{escaped}"\n  : {{}}\n'
