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
        ("fanout", "", "a fanout exchange takes every message"),
        ("x-consistent-hash", "1", "the type x-consistent-hash decides by itself"),
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
        ("topic", "a.b", "'a.b' has 2 words, and 'a.b.c' has 3 words"),
        (
            "topic",
            "a.*",
            "'a.*' has 2 words, and 'a.b.c' has 3 words; '*' is exactly one word; '#' is any number of them",
        ),
        ("topic", "a.*.d", "word 3 of 'a.*.d' is 'd', not 'c'"),
        ("topic", "#.d", "pattern '#.d' does not match 'a.b.c'"),
        (
            "topic",
            "a.b.#c",
            "word 3 of 'a.b.#c' is '#c', not 'c'; '#c' is taken literally: * and # are wild only as whole words",
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
        ({"x-match": "any"}, "x-match any demands one of its headers, and it names none"),
        ({"a": 1, "b": "1"}, "header b is 1 (integer), not '1' (string)"),
        (
            {"x-match": "any", "b": 2, "c": True},
            "header b is 1 (integer), not 2 (integer) and header c is not there",
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
        ({}, "it demands no header"),
        ({"x-match": "any", "a": 1}, "one of its headers is there"),
        ({"a": 1, "x-b": 2}, "its headers are there: a 1 (integer)"),
    ],
)
def test_why_headers_match(arguments: Arguments, words: str) -> None:
    binding = Binding(source="e", destination="q", arguments=arguments)
    message = Message(exchange="e", headers={"a": 1})

    assert why(binding, Exchange(name="e", type="headers"), message) == words
