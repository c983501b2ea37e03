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
from attune_infra.topology.model import Binding, Exchange, Message, Policy, Queue, Route, WorkerFamily


def problems(text: str) -> list[str]:
    with pytest.raises(InvalidDocument) as caught:
        parse(text, source="x.yaml")
    return caught.value.sentence.splitlines()


def test_a_document_becomes_a_topology() -> None:
    topology = parse(
        """
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
""",
        source="x.yaml",
    )

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


def test_routes_are_read_with_their_places() -> None:
    topology = parse(
        """\
exchanges: {e: {}}
queues: {q: {}}
workers: {queues: {'w.{worker_id}': {}}}
routes:
  - {publish: {exchange: e, routing_key: k, headers: {n: 1, CC: [a]}}, reaches: [q, w.7]}
  - publish: {exchange: amq.default}
    reaches: []
""",
        source="x.yaml",
    )

    message = Message(exchange="e", routing_key="k", headers={"n": 1, "CC": ["a"]})
    assert topology.routes == (
        Route(publish=message, reaches=("q", "w.7")),
        Route(publish=Message(exchange=""), reaches=()),
    )
    assert [route.place for route in topology.routes] == [(5, 5), (6, 5)]


@pytest.mark.parametrize(
    ("route", "problem"),
    [
        ("{publish: {exchange: e}}", "4:10: a route has no reaches"),
        ("{reaches: []}", "4:10: a route has no publish"),
        ("null", "4:10: a route has no publish"),
        ("{publish: {}, reaches: []}", "4:20: publish names no exchange; the default exchange is amq.default"),
        ("{publish: {exchange: ex}, reaches: []}", "4:31: no exchange 'ex' in this document; did you mean 'e'?"),
        ("{publish: {exchange: e}, reaches: [qu]}", "4:45: no queue 'qu' in this document; did you mean 'q'?"),
        ("{publish: {exchange: e}, reaches: [w.0]}", "4:45: no queue 'w.0' in this document"),
        (
            "{publish: {exchange: e}, reaches: null}",
            "4:44: reaches must be a list; [] if the message is to reach no queue",
        ),
        (
            "{publish: {exchange: e}, reaches: []}, {publish: {exchange: e}, reaches: [q]}",
            "4:49: the same message is published already, in line 4",
        ),
    ],
)
def test_what_is_wrong_with_a_route_is_named(route: str, problem: str) -> None:
    around = "exchanges: {e: {}}\nqueues: {q: {}}\nworkers: {queues: {'w.{worker_id}': {}}}\n"

    assert f"x.yaml:{problem}" in problems(f"{around}routes: [{route}]\n")


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
        "x.yaml:1:11: must be a string, is 3 (integer)",
        "x.yaml:2:1: unknown key 'exchange' in the document; did you mean 'exchanges'?",
        "x.yaml:4:3: the name starts with 'amq.', which RabbitMQ keeps for itself",
        "x.yaml:7:14: must be true or false, is 'yep' (string)",
        "x.yaml:8:28: 'x-expires' holds null; RabbitMQ cannot store that",
        "x.yaml:10:20: no exchange 'nope' in this document",
        "x.yaml:11:9: a binding of 'jobs' names no exchange",
        (
            "x.yaml:13:29: a policy cannot apply to 'queue'; RabbitMQ knows queues, exchanges, all,"
            " classic_queues, quorum_queues, streams"
        ),
        "x.yaml:13:48: the definition is empty, which RabbitMQ refuses",
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
        ("queues:\n  a: {}\n  a: {}", "3:3: 'a' is there twice in queues"),
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
            "1:36: nothing can be bound to the default exchange; it knows each queue by its name",
        ),
        (
            "queues:\n  q: {bindings: [&a {exchange: amq.topic},\n      {exchange: amq.topic, routing_key: ''}]}",
            "3:7: the same binding is there already, in line 2",
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
            "1:67: must be an integer, is 1.5 (number)",
        ),
        (
            "policies: {p: {pattern: '(a', definition: {max-length: 1}}}",
            "1:25: is no regular expression: missing ), unterminated subpattern at position 0",
        ),
        ("manages: ['a{99999999999}']", "1:11: is no regular expression: the repetition number is too large"),
        ("manages: [5]", "1:11: must be a string, is 5 (integer)"),
        ("workers: {}", "1:10: workers have no queues"),
        ("workers: {queues: {}}", "1:10: workers have no queues"),
    ],
)
def test_a_problem_has_its_place(text: str, problem: str) -> None:
    assert problems(text) == [f"x.yaml:{problem}"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: [", "2:1: is not YAML: did not find expected node content"),
        ("a: 1\nb: \x07", "2:4: is not YAML: '\\x07' must be written as an escape"),
        ("é: '\ud800'", "1:5: is not YAML: '\\ud800' must be written as an escape"),
        ("topology: *a", "1:11: is not YAML: found undefined alias"),
        ("topology: a\n---\ntopology: b", "2:1: is not YAML: but found another document"),
        ("topology: !!float 5", "1:11: has the tag float, which does not fit; leave it out"),
        ("topology: !mine a", "1:11: has the tag !mine, which does not fit; leave it out"),
        ("queues: !!set {a, b}", "1:9: queues must be a mapping"),
        ("topology: 2026-02-30", "1:11: cannot be read: day is out of range for month"),
    ],
)
def test_what_is_not_yaml_has_its_place(text: str, problem: str) -> None:
    assert problems(text) == [f"x.yaml:{problem}"]


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("null", "'a' holds null; RabbitMQ cannot store that"),
        ("[1, {b: ~}]", "'a' holds null; RabbitMQ cannot store that"),
        ("2026-01-01", "'a' holds 2026-01-01 (date); RabbitMQ cannot store that"),
        (".nan", "'a' holds nan (number); RabbitMQ cannot store that"),
        ("-.inf", "'a' holds -inf (number); RabbitMQ cannot store that"),
        ("9223372036854775808", "is an integer of more than 64 bits, which AMQP cannot carry"),
        ("-9223372036854775809", "is an integer of more than 64 bits, which AMQP cannot carry"),
        ("9" * 5000, "is too long for a number"),
        ("1:" * 100_000 + "1", "is too long for a number"),
        ("{b: 1, b: 2}", "'b' is there twice in 'a'"),
    ],
)
def test_what_amqp_cannot_carry_is_no_argument(value: str, problem: str) -> None:
    [found] = problems(f"queues: {{q: {{arguments: {{a: {value}}}}}}}")

    assert found.partition(": ")[2] == problem


def test_arguments_keep_their_types() -> None:
    text = "queues: {q: {arguments: {a: [true, 1, 1.5, '1', {b: []}], b: -9223372036854775808, c: =, d: <<}}}"

    arguments = parse(text, source="x.yaml").queues["q"].arguments

    assert arguments == {"a": [True, 1, 1.5, "1", {"b": []}], "b": -(2**63), "c": "=", "d": "<<"}


@pytest.mark.parametrize(
    ("queue", "problem"),
    [
        ("{type: quorun}", "type must be classic, quorum or stream, is 'quorun'; did you mean 'quorum'?"),
        ("{type: Classic}", "type must be classic, quorum or stream, is 'Classic'; did you mean 'classic'?"),
        (
            "{arguments: {x-queue-type: lazy}}",
            "type must be classic, quorum or stream, is 'lazy'",
        ),
        (
            "{type: classic, arguments: {x-queue-type: quorum}}",
            "x-queue-type is 'quorum', but the type is 'classic'",
        ),
        ("{type: quorum, durable: false}", "a quorum queue must be durable"),
        ("{type: stream, durable: false}", "a stream must be durable"),
        ("{type: quorum, auto_delete: true}", "a quorum queue cannot be auto-delete"),
        ("{arguments: {x-queue-type: stream}, auto_delete: true}", "a stream cannot be auto-delete"),
        (
            "{type: quorum, arguments: {x-max-priority: 5}}",
            "a quorum queue cannot have x-max-priority; only classic queues can",
        ),
        (
            "{type: stream, arguments: {x-max-length: 5}}",
            "a stream cannot have x-max-length; only classic or quorum queues can",
        ),
        (
            "{type: classic, arguments: {x-delivery-limit: 5}}",
            "a classic queue cannot have x-delivery-limit; only quorum queues can",
        ),
        (
            "{durable: false, arguments: {x-delivery-limit: 5}}",
            "a classic queue cannot have x-delivery-limit; only quorum queues can",
        ),
        (
            "{arguments: {x-dead-letter-routing-key: k}}",
            "x-dead-letter-routing-key needs x-dead-letter-exchange beside it",
        ),
        ("{arguments: {x-mesage-ttl: 5}}", "unknown argument 'x-mesage-ttl'; did you mean 'x-message-ttl'?"),
        (
            "{arguments: {x-message-ttl: 60000.0}}",
            "x-message-ttl must be an integer from 0 to 315360000000, is 60000.0 (number)",
        ),
    ],
)
def test_what_no_version_takes_is_refused(queue: str, problem: str) -> None:
    [found] = problems(f"queues: {{q: {queue}}}")

    assert found.partition(": ")[2] == problem


@pytest.mark.parametrize(
    "queue",
    [
        "{}",
        "",
        "{type: quorum, arguments: {x-queue-type: quorum}}",
        "{arguments: {x-delivery-limit: 5}}",  # a virtual host may make it a quorum queue
        "{type: classic, arguments: {x-consumer-timeout: 5}}",  # 3.10 to 4.2 take it
        "{type: classic, arguments: {x-queue-leader-locator: balanced}}",  # since 4.0
        "{type: quorum, arguments: {x-overflow: reject-publish-dlx}}",  # unwise, but taken
        "{arguments: {x-dead-letter-exchange: not.here}}",
        "{arguments: {x-dead-letter-exchange: '', x-dead-letter-routing-key: ''}}",
        "{arguments: {mine: 1, x-mine: {a: [1]}, x-priority: 5, mesage-ttl: 1}}",
    ],
)
def test_what_some_version_takes_is_taken(queue: str) -> None:
    assert list(parse(f"queues: {{q: {queue}}}", source="x.yaml").queues) == ["q"]


@pytest.mark.parametrize(
    ("source", "arguments", "accepted"),
    [
        ("amq.headers", "{x-match: any-with-x, a: 1}", True),
        ("amq.headers", "{x-match: some}", False),
        ("amq.match", "{x-match: 1}", False),
        ("mine", "{x-match: some}", False),
        ("mine", "{x-mach: any}", False),
        ("amq.topic", "{x-match: some}", True),
    ],
)
def test_only_a_headers_exchange_looks_at_x_match(source: str, arguments: str, accepted: bool) -> None:
    text = (
        f"exchanges: {{mine: {{type: headers}}}}\n"
        f"queues: {{q: {{bindings: [{{exchange: {source}, arguments: {arguments}}}]}}}}"
    )

    if accepted:
        assert len(parse(text, source="x.yaml").bindings) == 1
    else:
        assert len(problems(text)) == 1


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ("message-ttl: '5'", "message-ttl must be an integer from 0 to 315360000000, is '5' (string)"),
        ("x-message-ttl: 5", "unknown policy key 'x-message-ttl'; did you mean 'message-ttl'?"),
        ("mesage-ttl: 5", "unknown policy key 'mesage-ttl'; did you mean 'message-ttl'?"),
        ("max-priority: 5", "a policy cannot set max-priority; it is an argument of the queue, x-max-priority"),
        ("alternate-exchange: 5", "alternate-exchange must be a string, is 5 (integer)"),
    ],
)
def test_a_policy_is_held_against_the_same_table(entry: str, problem: str) -> None:
    [found] = problems(f"policies: {{p: {{pattern: a, definition: {{{entry}}}}}}}")

    assert found.partition(": ")[2] == problem


def test_a_policy_may_have_what_a_plugin_understands() -> None:
    text = "policies: {p: {pattern: a, definition: {federation-upstream-set: all, ha-mode: all}}}"

    assert parse(text, source="x.yaml").policies["p"].definition["ha-mode"] == "all"


def test_all_must_fit_when_the_highest_worker_id_is_filled_in() -> None:
    def document(length: int) -> str:
        word = "w" * (length - 19) + "{worker_id}"
        return (
            f"workers: {{consumer_tag: '{word}', queues: {{'{word}': "
            f"{{bindings: [{{exchange: amq.direct, routing_key: '{word}'}}]}}}}}}"
        )

    assert parse(document(255), source="x.yaml").workers
    assert [found.partition(": ")[2] for found in problems(document(256))] == [
        "the consumer tag is 256 bytes long; at most 255 fit",
        "the name is 256 bytes long; at most 255 fit",
        "the routing key is 256 bytes long; at most 255 fit",
    ]


def test_anchors_aliases_and_merge_keys() -> None:
    topology = parse(
        """
topology: &name shop
queues:
  a: &quorum
    type: quorum
    arguments: &limits {x-max-length: 5, x-expires: 6}
  b: {<<: *quorum, arguments: {<<: [{x-max-length: 7}, *limits], x-expires: 8}}
  c: *quorum
  *name : {}
""",
        source="x.yaml",
    )

    limits = {"x-max-length": 5, "x-expires": 6}
    assert set(topology.queues.values()) == {
        Queue(name="a", type="quorum", arguments=limits),
        Queue(name="b", type="quorum", arguments={"x-max-length": 7, "x-expires": 8}),
        Queue(name="c", type="quorum", arguments=limits),
        Queue(name="shop"),
    }


def test_a_merge_key_merges_mappings_only() -> None:
    assert problems("queues: {a: {<<: [5]}}") == ["x.yaml:1:19: << merges a mapping, or a list of mappings"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[" * 300, "1:51: is nested more than 50 levels deep"),
        ("{a: " * 300_000, "1:201: is nested more than 50 levels deep"),
        ("topology: &a [*a]", "1:11: contains itself"),
        ("queues: &a {<<: *a}", "1:9: contains itself"),
        (
            "a0: &a0 [x, x]\n" + "".join(f"a{level}: &a{level} [*a{level - 1}]\n" for level in range(1, 60)),
            "50:6: is nested more than 50 levels deep",
        ),
        (
            "a0: &a0 [x, x]\n"
            + "".join(f"a{level}: &a{level} [*a{level - 1}, *a{level - 1}]\n" for level in range(1, 40)),
            "19:6: becomes more than 1000000 values when all aliases are followed",
        ),
    ],
)
def test_what_would_never_end_is_refused_at_once(text: str, problem: str) -> None:
    assert problems(text)[-1] == f"x.yaml:{problem}"


def test_the_deepest_nesting_is_refused_as_such_wherever_the_library_gives_up() -> None:
    [found] = problems("[" * 300_000)

    assert found.endswith(": is nested more than 50 levels deep")


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
