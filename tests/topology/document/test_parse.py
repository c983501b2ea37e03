from contextlib import suppress

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from attune_infra.topology.document.keys import (
    BINDING_KEYS,
    DOCUMENT_KEYS,
    EXCHANGE_KEYS,
    POLICY_KEYS,
    PUBLISH_KEYS,
    QUEUE_KEYS,
    ROUTE_KEYS,
    WORKERS_KEYS,
)
from attune_infra.topology.document.parse import parse
from attune_infra.topology.document.problems import InvalidDocument
from attune_infra.topology.model import Binding, Exchange, Policy, Queue, WorkerFamily
from support.problems import document_problems

DOCUMENT = """
topology: shop
manages: ['^shop\\.']
exchanges:
  orders: {type: topic, arguments: {alternate-exchange: lost}}
  lost: {type: fanout, internal: true, bindings: [{exchange: orders, routing_key: 'a.#'}]}
  amq.fanout: {bindings: [{exchange: orders}]}
queues:
  jobs:
    arguments: {x-queue-type: quorum, x-delivery-limit: 3}
    bindings:
      - {exchange: orders, routing_key: new, arguments: {x: 1}}
      - {exchange: amq.topic}
  log: {type: stream, arguments: {x-max-age: 7D, x-queue-type: stream}}
policies:
  short: {pattern: '^j', apply_to: queues, priority: 2, definition: {max-length: 5}}
workers:
  queues:
    'worker.{worker_id}': {durable: false, bindings: [{exchange: orders, routing_key: 'w.{worker_id}'}]}
"""


def test_a_document_becomes_a_topology() -> None:
    topology = parse(DOCUMENT, source="x.yaml")

    assert topology.name == "shop"
    assert topology.manages == (r"^shop\.",)
    assert set(topology.objects()) == {
        Exchange(name="orders", type="topic", arguments={"alternate-exchange": "lost"}),
        Exchange(name="lost", type="fanout", internal=True),
        Queue(name="jobs", type="quorum", arguments={"x-delivery-limit": 3}),
        Queue(name="log", type="stream", arguments={"x-max-age": "7D"}),
        Policy(name="short", pattern="^j", apply_to="queues", priority=2, definition={"max-length": 5}),
        Binding(source="orders", destination="lost", destination_type="exchange", routing_key="a.#"),
        Binding(source="orders", destination="amq.fanout", destination_type="exchange"),
        Binding(source="orders", destination="jobs", routing_key="new", arguments={"x": 1}),
        Binding(source="amq.topic", destination="jobs"),
    }
    assert topology.workers == WorkerFamily(
        consumer_tag="worker-{worker_id}",
        queues=(Queue(name="worker.{worker_id}", durable=False),),
        bindings=(Binding(source="orders", destination="worker.{worker_id}", routing_key="w.{worker_id}"),),
    )


def test_words_that_yaml_reads_otherwise_are_names_as_they_are_written() -> None:
    document = """
exchanges: {on: {type: topic}, 12:30: {}, 1.10: {}, 1e6: {}}
queues:
  no: {bindings: [{exchange: 1e6, routing_key: 1e6}, {exchange: "on", routing_key: "12:30"}]}
policies: {yes: {pattern: ^a, definition: {max-length: 5}}}
"""

    topology = parse(document, source="x.yaml")

    assert (sorted(topology.exchanges), list(topology.queues)) == (["1.10", "12:30", "1e6", "on"], ["no"])
    assert list(topology.policies) == ["yes"]
    assert sorted(binding.routing_key for binding in topology.bindings) == ["12:30", "1e6"]


def test_words_that_yaml_reads_otherwise_have_one_problem_each_as_values() -> None:
    document = """
exchanges: {on: {type: topic}, 12:30: {}, 1.10: {}}
queues:
  q:
    bindings:
      - {exchange: on, routing_key: no}
      - {exchange: 12:30, routing_key: 1.10}
      - {exchange: 12:30, routing_key: 007}
"""

    assert document_problems(document) == [
        "x.yaml:6:20: expected a string, got the boolean true; YAML reads `on` as true: quote it",
        "x.yaml:6:37: expected a string, got the boolean false; YAML reads `no` as false: quote it",
        "x.yaml:7:20: expected a string, got the integer 750; YAML reads `12:30` as 750: quote it",
        "x.yaml:7:40: expected a string, got the number 1.1; YAML reads `1.10` as 1.1: quote it",
        "x.yaml:8:20: expected a string, got the integer 750; YAML reads `12:30` as 750: quote it",
        "x.yaml:8:40: expected a string, got the integer 7; YAML reads `007` as 7: quote it",
    ]


def test_words_and_numbers_as_arguments_have_the_advice_to_quote_them_if_that_helps() -> None:
    text = """
queues:
  12:30:
    arguments: {x-dead-letter-exchange: on, x-dead-letter-routing-key: 1e6, x-overflow: no, x-max-length: yes}
policies:
  1.10: {pattern: a, definition: {dead-letter-routing-key: 1.10}}
"""

    assert [(found.partition(": ")[0], found.partition("; ")[2]) for found in document_problems(text)] == [
        ("x.yaml:4:41", "YAML reads `on` as true: quote it"),
        ("x.yaml:4:89", ""),
        ("x.yaml:4:107", ""),
        ("x.yaml:6:60", "YAML reads `1.10` as 1.1: quote it"),
    ]


def test_every_problem_is_named_at_once_with_its_place() -> None:
    assert document_problems(
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
        "x.yaml:1:11: expected a string, got the integer 3; quote it",
        "x.yaml:2:1: unknown key 'exchange' in the document; did you mean 'exchanges'?",
        "x.yaml:4:3: the name starts with 'amq.', which RabbitMQ reserves for itself",
        "x.yaml:7:14: expected true or false, got the string 'yep'",
        "x.yaml:8:28: 'x-expires' holds null, which RabbitMQ cannot store",
        (
            "x.yaml:10:20: no exchange 'nope' in this document;"
            " if another one declares it, add it with external: true"
        ),
        "x.yaml:11:9: a binding of 'jobs' has no exchange",
        (
            "x.yaml:13:29: a policy cannot apply to 'queue'; expected queues, exchanges, all,"
            " classic_queues, quorum_queues, streams"
        ),
        "x.yaml:13:48: the definition is empty; RabbitMQ refuses that",
        "x.yaml:15:17: consumer_tag 'w' does not hold {worker_id}",
        "x.yaml:17:5: worker queue 'fixed' must hold {worker_id} once",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "1:1: the document is empty"),
        ("- a", "1:1: the document must be a mapping"),
        ("queues: []", "1:9: queues must be a mapping"),
        ("queues: {a: {bindings: {}}}", "1:24: bindings must be a list"),
        ("queues: {a: {bindings: [amq.topic]}}", "1:25: a binding must be a mapping"),
        ("queues:\n  a: {}\n  a: {}", "3:3: duplicate key 'a' in queues"),
        ("queues: {? [a] : {}}", "1:12: a key in queues must be a string"),
        ("queues: {'': {}}", "1:10: the name is empty"),
        ("queues: {'..': {}}", "1:10: the name is '..', which no HTTP client can address"),
        ("queues: {q: {exclusive: true}}", "1:14: unknown key 'exclusive' in queue 'q'"),
        (
            "exchanges: {orders: {}}\nqueues: {q: {bindings: [{exchange: ordres}]}}",
            "2:36: no exchange 'ordres' in this document; did you mean 'orders'?",
        ),
        (
            "queues: {q: {bindings: [{exchange: ''}]}}",
            "1:36: the default exchange takes no bindings; its routing keys are names of queues",
        ),
        (
            "queues:\n  q: {bindings: [&a {exchange: amq.topic},\n      {exchange: amq.topic, routing_key: ''}]}",
            "3:7: duplicate binding; the first one is in line 2",
        ),
        ("exchanges: {e: {type: ''}}", "1:23: the type is empty; RabbitMQ has direct, topic, fanout and headers"),
        (
            "exchanges: {amq.topic: {durable: true}}",
            "1:25: unknown key 'durable' in exchange 'amq.topic', which is RabbitMQ's own",
        ),
        ("policies: {p: {definition: {max-length: 1}}}", "1:12: policy 'p' has no pattern"),
        ("policies: {p: {pattern: a}}", "1:12: policy 'p' has no definition"),
        (
            "policies: {p: {pattern: a, definition: {max-length: 1}, priority: 1.5}}",
            "1:67: expected an integer, got the number 1.5",
        ),
        (
            "policies: {p: {pattern: '(a', definition: {max-length: 1}}}",
            "1:25: the pattern is not a regular expression: missing closing parenthesis at position 2",
        ),
        (
            "manages: ['a{99999999999}']",
            "1:11: the pattern is not a regular expression: the repetition number is too large",
        ),
        ("manages: [5]", "1:11: expected a string, got the integer 5; quote it"),
        ("workers: {}", "1:10: workers have no queues"),
        ("workers: {queues: {}}", "1:10: workers have no queues"),
    ],
)
def test_a_problem_has_its_place(text: str, problem: str) -> None:
    assert document_problems(text) == [f"x.yaml:{problem}"]


def test_all_must_fit_when_the_highest_worker_id_is_filled_in() -> None:
    def document(length: int) -> str:
        word = "w" * (length - 19) + "{worker_id}"
        return (
            f"workers: {{consumer_tag: '{word}', queues: {{'{word}': "
            f"{{bindings: [{{exchange: amq.direct, routing_key: '{word}'}}]}}}}}}"
        )

    assert parse(document(255), source="x.yaml").workers
    assert [found.partition(": ")[2] for found in document_problems(document(256))] == [
        "the consumer tag is 256 bytes long; at most 255 fit",
        "the name is 256 bytes long; at most 255 fit",
        "the routing key is 256 bytes long; at most 255 fit",
    ]


WORDS = st.sampled_from([
    *DOCUMENT_KEYS, *EXCHANGE_KEYS, *QUEUE_KEYS, *BINDING_KEYS, *POLICY_KEYS, *WORKERS_KEYS, *ROUTE_KEYS,
    *PUBLISH_KEYS, "x-message-ttl", "x-queue-type", "x-match", "quorum", "stream", "amq.headers",
    "worker.{worker_id}", "direct", "<<", "=", "(a", "1:1", "0b_", "2026-13-01",
])  # fmt: skip

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.dates() | st.binary() | st.text() | WORDS

NESTED = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS | st.text(max_size=4), inner, max_size=4),
)

TOKENS = (
    "topology", "queues", "workers", "arguments", "<<", "a", "5", "~", ".inf", "!!int", "!!float", "!!bool",
    "!!str", "!!null", "!!timestamp", "!!binary", "!!map", "!x", "&a ", "*a", ": ", ":", "- ", "? ", "{", "}", "[",
    "]", ", ", "\n", "\n  ", "'", '"', "|", ">", "#", "---\n", "...\n", "%YAML 1.1\n", "\\", "\t",
)  # fmt: skip

SNIPPETS = st.lists(st.sampled_from(TOKENS)).map("".join)

DOCUMENTS = NESTED.map(lambda value: yaml.safe_dump(value, allow_unicode=True))


@given(st.text() | SNIPPETS | DOCUMENTS)
@settings(max_examples=500, deadline=None)
def test_whatever_the_text_it_is_a_topology_or_an_invalid_document(text: str) -> None:
    with suppress(InvalidDocument):
        parse(text, source="x.yaml")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("workers: {queue: {}}", "x.yaml:1:11: unknown key 'queue' in workers; did you mean 'queues'?"),
        (
            "exchanges: {e: {}}\nroutes: [{publish: {exchange: e, key: k}, reaches: []}]",
            "x.yaml:2:34: unknown key 'key' in publish",
        ),
    ],
)
def test_an_unknown_key_is_told_with_the_entry_that_it_is_in(text: str, problem: str) -> None:
    assert problem in document_problems(text)


def test_only_a_headers_exchange_matches_the_presence_of_a_header() -> None:
    bound = "queues: {q: {bindings: [{exchange: e, arguments: {kind: {present: true}}}]}}"
    by_headers, by_topic = (f"exchanges: {{e: {{type: {kind}}}}}\n{bound}" for kind in ("headers", "topic"))

    [problem] = document_problems(by_topic)

    assert problem.endswith("'kind' is {present: true}, which only headers exchanges match")
    assert parse(by_headers, source="x").bindings == {
        Binding(source="e", destination="q", arguments={"kind": None})
    }
