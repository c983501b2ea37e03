from __future__ import annotations

import pytest

from attune_infra.topology.model import Arguments, Binding, Exchange, Message
from attune_infra.topology.routing.why import why, why_not


@pytest.mark.parametrize(
    ("kind", "key", "words"),
    [
        ("direct", "a.b", "the routing key is 'a.b'"),
        ("topic", "a.b", "the routing key is 'a.b'"),
        ("topic", "a.*", "pattern 'a.*' matches 'a.b'"),
        ("fanout", "", "a fanout exchange matches every message"),
        ("x-consistent-hash", "1", "one of the bound queues is chosen by the hash of the routing key"),
        ("x-modulus-hash", "", "one of the bindings is chosen by the hash of the routing key"),
        ("x-random", "", "one of the bindings is chosen at random"),
        ("x-recent-history", "", "a recent-history exchange matches every message"),
        ("x-jms-topic", "", "the JMS selector of the binding decides, whatever the routing key is"),
        ("", "", "the type of the exchange is not known"),
        ("x-unheard-of", "", "the plugin for type x-unheard-of decides"),
    ],
)
def test_why_a_key_matches(kind: str, key: str, words: str) -> None:
    binding = Binding(source="e", destination="q", routing_key=key)
    message = Message(exchange="e", routing_key="a.b")

    assert why(binding, Exchange(name="e", type=kind), message) == words


@pytest.mark.parametrize(
    ("kind", "key", "words"),
    [
        ("direct", "a", "'a' is not 'a.b.c'"),
        ("direct", "a.#", "'a.#' is not 'a.b.c'; a direct exchange takes '#' literally"),
        ("topic", "a.b", "'a.b' has 2 words, but 'a.b.c' has 3 words"),
        (
            "topic",
            "a.*",
            (
                "'a.*' has 2 words, but 'a.b.c' has 3 words;"
                " '*' stands for exactly one word, '#' for any number of words"
            ),
        ),
        ("topic", "a.*.d", "word 3 of 'a.*.d' is 'd', not 'c'"),
        ("topic", "#.d", "pattern '#.d' does not match 'a.b.c'"),
        (
            "topic",
            "a.b.#c",
            (
                "word 3 of 'a.b.#c' is '#c', not 'c';"
                " '#c' is taken literally: * and # are wildcards only as whole words"
            ),
        ),
    ],
)
def test_why_a_key_does_not_match(kind: str, key: str, words: str) -> None:
    binding = Binding(source="e", destination="q", routing_key=key)
    message = Message(exchange="e", routing_key="a.b.c")

    assert why_not(binding, Exchange(name="e", type=kind), message, (4, 3)) == words


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"x-match": "any"}, "x-match any needs one matching header, and the binding names none"),
        ({"a": 1, "b": "1"}, "header b is 1 (integer), not '1' (string)"),
        (
            {"x-match": "any", "b": 2, "c": True},
            "header b is 1 (integer), not 2 (integer) and header c is missing",
        ),
    ],
)
def test_why_headers_do_not_match(arguments: Arguments, words: str) -> None:
    binding = Binding(source="e", destination="q", arguments=arguments)
    message = Message(exchange="e", headers={"a": 1, "b": 1})

    assert why_not(binding, Exchange(name="e", type="headers"), message, (4, 3)) == words


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "it has no criteria"),
        ({"x-match": "any", "a": 1}, "one of its headers matches"),
        ({"a": 1, "x-b": 2}, "all of its headers match: a 1 (integer)"),
    ],
)
def test_why_headers_match(arguments: Arguments, words: str) -> None:
    binding = Binding(source="e", destination="q", arguments=arguments)
    message = Message(exchange="e", headers={"a": 1})

    assert why(binding, Exchange(name="e", type="headers"), message) == words
