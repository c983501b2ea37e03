import pytest

from attune_infra.topology.document.parse import parse
from attune_infra.topology.document.write import write
from support.problems import document_problems

TEN_YEARS = 315_360_000_000
DURATIONS = "a duration is written 90s, 30m, 24h or 7d"


@pytest.mark.parametrize(
    ("queue", "problem"),
    [
        (
            "{type: quorun}",
            "type expects classic, quorum or stream, got the string 'quorun'; did you mean 'quorum'?",
        ),
        (
            "{type: Classic}",
            "type expects classic, quorum or stream, got the string 'Classic'; did you mean 'classic'?",
        ),
        (
            "{arguments: {x-queue-type: lazy}}",
            "type expects classic, quorum or stream, got the string 'lazy'",
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
            "x-dead-letter-routing-key needs x-dead-letter-exchange as well",
        ),
        ("{arguments: {x-mesage-ttl: 5}}", "unknown argument 'x-mesage-ttl'; did you mean 'x-message-ttl'?"),
        (
            "{arguments: {x-message-ttl: 60000.0}}",
            "x-message-ttl expects an integer from 0 to 315360000000, got the number 60000.0",
        ),
    ],
)
def test_what_no_version_takes_is_refused(queue: str, problem: str) -> None:
    [found] = document_problems(f"queues: {{q: {queue}}}")

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
        assert len(document_problems(text)) == 1


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        (
            "message-ttl: '5'",
            f"message-ttl expects an integer from 0 to {TEN_YEARS}, got the string '5'; {DURATIONS}",
        ),
        ("x-message-ttl: 5", "unknown policy key 'x-message-ttl'; did you mean 'message-ttl'?"),
        ("mesage-ttl: 5", "unknown policy key 'mesage-ttl'; did you mean 'message-ttl'?"),
        (
            "max-priority: 5",
            "a policy cannot set max-priority; only the queue can, by the argument x-max-priority",
        ),
        ("alternate-exchange: 5", "alternate-exchange expects a string, got the integer 5; quote it"),
    ],
)
def test_a_policy_is_held_against_the_same_table(entry: str, problem: str) -> None:
    [found] = document_problems(f"policies: {{p: {{pattern: a, definition: {{{entry}}}}}}}")

    assert found.partition(": ")[2] == problem


def test_a_policy_may_have_what_a_plugin_understands() -> None:
    text = "policies: {p: {pattern: a, definition: {federation-upstream-set: all, ha-mode: all}}}"

    assert parse(text, source="x.yaml").policies["p"].definition["ha-mode"] == "all"


def test_the_presence_of_a_header_comes_back() -> None:
    criteria = "{a: {present: true}, b: [{present: true}]}"
    text = f"queues: {{q: {{bindings: [{{exchange: amq.headers, arguments: {criteria}}}]}}}}"

    topology = parse(text, source="x.yaml")

    [binding] = topology.bindings
    assert binding.arguments == {"a": None, "b": [{"present": True}]}
    assert "a: {present: true}" in write(topology)
    assert parse(write(topology), source="x.yaml") == topology


@pytest.mark.parametrize(
    ("exchange", "arguments", "problem"),
    [
        ("topic", "a: {present: true}", "'a' is {present: true}, which only headers exchanges match"),
        ("match", "a: {present: false}", "'a' is {present: false}; RabbitMQ cannot match the absence of a header"),
        (
            "match",
            "a: undefined",
            "'a' is 'undefined', which RabbitMQ lists for any value; write {present: true} or another text",
        ),
        ("match", "a: null", "'a' holds null, which RabbitMQ cannot store"),
        ("match", "x-match: {present: true}", "x-match expects all, any, all-with-x or any-with-x, got null"),
    ],
)
def test_presence_is_for_headers(exchange: str, arguments: str, problem: str) -> None:
    text = f"queues: {{q: {{bindings: [{{exchange: amq.{exchange}, arguments: {{{arguments}}}}}]}}}}"

    [found] = document_problems(text)

    assert found.partition(": ")[2] == problem


@pytest.mark.parametrize("name", ["a" * 255, "é" * 127, "a/b c%+#?&;:'\"[red]🐰", "שלום", "amqp", "AMQ.x"])
def test_names_that_rabbitmq_accepts_are_accepted(name: str) -> None:
    topology = parse(with_queue(name), source="x.yaml")

    assert list(topology.queues) == [name]


@pytest.mark.parametrize("name", ["a" * 256, "é" * 128, "a\nb", "a\rb", "a\0b", "amq.x", ".", "..", ""])
def test_names_that_would_be_a_trap_are_refused(name: str) -> None:
    assert "the name " in document_problems(with_queue(name))[0]


def with_queue(name: str) -> str:
    """Return a document with a queue of any name, however long or odd."""
    escaped = "".join(f"\\U{ord(character):08x}" for character in name)
    return f'queues:\n  ? "{escaped}"\n  : {{}}\n'
