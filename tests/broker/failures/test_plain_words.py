"""RabbitMQ's reasons in words: from real answers, and asked of the broker under test."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, Final

import pytest

from attune_infra.broker.amqp.connection import Amqp
from attune_infra.broker.failures.plain_words import plain_words
from attune_infra.broker.http.management import Management
from attune_infra.errors import BrokerError
from attune_infra.topology.model import Binding, Exchange, Queue
from support.virtual_host import VirtualHost

CRASHED: Final = "RabbitMQ crashed on this request; its log has the reason"
QUEUE: Final = "invalid arg 'x-a' for queue 'q' in vhost '/'"


def about(name: str) -> str:
    return QUEUE.replace("x-a", name)


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (f"{about('x-message-ttl')}: {{value_negative,-1}}", "an integer from 0 to 315360000000, -1 is too small"),
        (f"{about('x-max-priority')}: {{max_value_exceeded,256}}", "an integer from 0 to 255, 256 is too large"),
        (f"{about('x-expires')}: {{value_zero,0}}", "an integer from 1 to 315360000000, 0 is too small"),
        (
            f"{about('x-overflow')}: invalid_overflow",
            "drop-head, reject-publish or reject-publish-dlx, the value is not known",
        ),
        (
            f"{about('x-overflow')}: {{unacceptable_type,long}}",
            "drop-head, reject-publish or reject-publish-dlx, got integer",
        ),
        (f'{about("x-max-length")}: "expected integer, got longstr"', "integer, got string"),
        (
            f"{about('x-queue-mode')}: \"unsupported queue mode 'no'\"",
            "default or lazy, unsupported queue mode 'no'",
        ),
    ],
)
@pytest.mark.parametrize("prefix", ["", "PRECONDITION_FAILED - "])
def test_an_invalid_argument_is_told_with_the_allowed_values(reason: str, words: str, prefix: str) -> None:
    beginning = reason.partition(": ")[0]

    assert plain_words(prefix + reason) == f"{prefix}{beginning}: expected {words}"


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (f"{QUEUE} of queue type rabbit_quorum_queue", f"{QUEUE}: queues of type quorum cannot have it"),
        (f"{QUEUE}: routing_key_but_no_dlx_defined", f"{QUEUE}: it needs x-dead-letter-exchange as well"),
        ("inequivalent arg 'durable' for queue 'q'", "inequivalent arg 'durable' for queue 'q'"),
        ("invalid type 'long' for arg 'x' in queue 'q'", "invalid type 'integer' for arg 'x' in queue 'q'"),
        ("no queue 'type long' in vhost '{value_zero,0}'", "no queue 'type long' in vhost '{value_zero,0}'"),
        ("no queue '&lt;a&gt;' in vhost '/'", "no queue '&lt;a&gt;' in vhost '/'"),
        ('Invalid x-match field value <<"no">>; expected all', "Invalid x-match field value 'no'; expected all"),
        (
            'Validation failed\n\n&lt;&lt;"it&#39;s"&gt;&gt; is not a valid message TTL\n',
            "Validation failed: 'it's' is not a valid message TTL",
        ),
        (
            'Validation failed\n\n[{&lt;&lt;"a"&gt;&gt;,1},\n {<<"b">>,2}] are not recognised policy settings\n',
            "Validation failed: unknown policy keys: a, b",
        ),
        (
            'Validation failed\n\npattern should be regular expression but is invalid: {"missing )",\n      1}\n',
            "Validation failed: pattern should be regular expression but is invalid: missing ), at character 1",
        ),
        ("[{key_missing,pattern}]", "pattern is missing"),
        ("null_not_allowed", "null is not allowed as a value"),
        ("Request to node a@b failed with {'EXIT',\n   {badarg,\n    [{erlang,", CRASHED),
        ('{badmatch,{error,[{<<"reason">>,<<"x">>}]}}', CRASHED),
        ('[{<<"reason">>,<<"x">>}]', CRASHED),
        ("INTERNAL_ERROR", f"INTERNAL_ERROR - {CRASHED}"),
    ],
)  # fmt: skip
def test_a_reason_is_told_in_words(reason: str, words: str) -> None:
    assert plain_words(reason) == words


ARGUMENTS: Final[tuple[dict[str, Any], ...]] = (
    {"x-queue-type": "nonsense"}, {"x-queue-type": 5}, {"x-message-ttl": -1}, {"x-message-ttl": "it's & \"q\""},
    {"x-message-ttl": 10**15}, {"x-expires": 0}, {"x-max-length": "5"}, {"x-max-length": -5}, {"x-overflow": "no"},
    {"x-overflow": 5}, {"x-max-priority": 256}, {"x-dead-letter-exchange": 5}, {"x-dead-letter-routing-key": "k"},
    {"x-queue-version": 3}, {"x-queue-version": "x"}, {"x-single-active-consumer": "yes"}, {"x-delivery-limit": 5},
    {"x-queue-type": "quorum", "x-max-priority": 5}, {"x-queue-type": "quorum", "x-dead-letter-strategy": "no"},
    {"x-queue-type": "quorum", "x-quorum-initial-group-size": 0}, {"x-queue-type": "stream", "x-max-age": "x"},
    {"x-queue-type": "stream", "x-max-age": 5}, {"x-queue-type": "stream", "x-overflow": "drop-head"},
    {"x-queue-type": "stream", "x-stream-max-segment-size-bytes": 10**12},
    {"x-queue-type": "stream", "x-initial-cluster-size": 0},
    {"x-queue-type": "quorum", "x-queue-leader-locator": "no"},
)  # fmt: skip
DEFINITIONS: Final[tuple[dict[str, Any], ...]] = (
    {}, {"nonsense": 1}, {"a": "it's", "<b>": 2}, {"message-ttl": "a"}, {"message-ttl": -1}, {"expires": 0},
    {"max-length": "<&>"}, {"overflow": "no"}, {"dead-letter-exchange": 5}, {"dead-letter-strategy": "no"},
    {"queue-mode": "no"}, {"ha-mode": "exactly"}, {"delivery-limit": "a"}, {"alternate-exchange": 5},
    {"queue-leader-locator": "no"},
)  # fmt: skip
POLICIES: Final[tuple[dict[str, Any], ...]] = (
    {"pattern": "("}, {"pattern": "[a<b"}, {"pattern": 5}, {"priority": "x"}, {"apply-to": "no"},
)  # fmt: skip


def http_requests(management: Management, vhost: str) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield bad requests."""

    def put(kind: str, name: str, body: Mapping[str, object]) -> Callable[[], object]:
        return lambda: management.put(kind, vhost, name, body=body)

    for arguments in ARGUMENTS:
        yield f"queue {arguments}", put("queues", "q", {"durable": True, "arguments": arguments})
    for definition in DEFINITIONS:
        yield f"policy {definition}", put("policies", "p", {"pattern": "", "definition": definition})
    for policy in POLICIES:
        yield f"policy {policy}", put("policies", "p", {"pattern": "", "definition": {"max-length": 1}, **policy})
    yield "policy", put("policies", "p", {"definition": {"max-length": 1}})
    yield "operator", put("operator-policies", "p", {"pattern": "", "definition": {"dead-letter-exchange": "x"}})
    yield "quorum", put("queues", "q", {"durable": False, "arguments": {"x-queue-type": "quorum"}})
    for body in ({"type": "nonsense"}, {"durable": "yes"}, {"type": 5}, {"arguments": {"a": None}}):
        yield f"exchange {body}", put("exchanges", "e", body)
    yield "null", put("queues", "q", {"arguments": None})
    for value in ("it's", 5):
        yield (
            f"x-match {value}",
            partial(
                management.post,
                *("bindings", vhost, "e", "amq.headers", "q", "there"),
                body={"routing_key": "", "arguments": {"x-match": value}},
            ),
        )


def amqp_refusals(client: Amqp) -> Iterator[tuple[str, str | None]]:
    items: list[Exchange | Queue | Binding] = [
        *(Queue(name="q", arguments=arguments) for arguments in ARGUMENTS),
        Queue(name="q", type="quorum", durable=False),
        Exchange(name="e", type="nonsense"),
        Exchange(name="e", arguments={"alternate-exchange": 5}),
        Binding(source="amq.headers", destination="there", arguments={"x-match": "it's"}),
        Binding(source="amq.headers", destination="there", arguments={"x-match": 5}),
        Binding(source="none", destination="there"),
    ]
    for item in items:
        for _, refusal in client.declare([item]):
            yield str(item), None if refusal is None else refusal.text


UNREADABLE: Final = re.compile(
    r"<<|>>|&\w+;|&#|[{}\[\]]|\\n|\n|\b(longstr|signedint|value_\w+|invalid_\w+|\w+_type)\b"
)


def test_the_broker_under_test_is_put_in_words(management: Management, vhost: VirtualHost) -> None:
    management.put("queues", vhost.name, "there", body={"durable": True})
    said: dict[str, str] = {}
    for what, request in http_requests(management, vhost.name):
        try:
            request()
        except BrokerError as error:
            said[f"HTTP {what}"] = error.sentence
    client = Amqp(vhost.settings())
    said |= {f"AMQP {what}": text for what, text in amqp_refusals(client) if text is not None}
    client.close()

    unreadable = {
        what: text for what, text in said.items() if UNREADABLE.search(text.replace("terminating ]", ""))
    }
    assert len(said) > 75
    assert unreadable == {}
