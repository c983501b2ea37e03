"""Topic keys as sets of routing keys, held against what the router says of single ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attune_infra.topology.model import Binding, Exchange, Message, Queue, Topology
from attune_infra.topology.routing import Routing
from attune_infra.topology.topic_keys import covers, example, is_literal, literal, overlap, pattern

WORDS = ("a", "b", "", "*", "#")
keys = st.lists(st.sampled_from(WORDS), max_size=4).map(".".join)
messages = st.lists(st.sampled_from(("a", "b", "c", "")), max_size=5).map(".".join)


def matches(key: str, routing_key: str) -> bool:
    topology = Topology.of(
        [
            Exchange(name="e", type="topic"),
            Queue(name="q"),
            Binding(source="e", destination="q", routing_key=key),
        ]
    )
    return bool(Routing(topology).publish(Message(exchange="e", routing_key=routing_key)).queues)


@given(keys, keys, messages)
def test_what_two_keys_have_in_common_they_overlap_in(one: str, other: str, message: str) -> None:
    both = matches(one, message) and matches(other, message)

    assert overlap(pattern(one), pattern(other)) >= both
    assert overlap(pattern(one), literal(message)) == matches(one, message)


@given(keys, keys, messages)
def test_a_key_covers_another_if_it_matches_all_of_its_messages(wide: str, narrow: str, message: str) -> None:
    if covers(pattern(wide), pattern(narrow)):
        assert matches(wide, message) >= matches(narrow, message)


@given(keys)
def test_an_example_is_one(key: str) -> None:
    assert matches(key, example(pattern(key)))


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [("#", ""), ("#", "*"), ("a.#", "a"), ("a.#", "a.*.b"), ("*.#", "#.*"), ("#.a.#", "a.b"), ("*.#", "#.a")],
)
def test_wider(wide: str, narrow: str) -> None:
    assert covers(pattern(wide), pattern(narrow))
    assert overlap(pattern(wide), pattern(narrow))


@pytest.mark.parametrize(("one", "other"), [("*", "#"), ("a.*", "a.#"), ("#.a", "a.#"), ("a", "*.#.*")])
def test_not_wider(one: str, other: str) -> None:
    assert not covers(pattern(one), pattern(other))


@pytest.mark.parametrize(("one", "other"), [("*", ""), ("a.#", "b.#"), ("a.*", "a"), ("#.a", "#.b"), ("*.*", "a")])
def test_apart(one: str, other: str) -> None:
    assert not overlap(pattern(one), pattern(other))
    assert not overlap(pattern(other), pattern(one))


def test_a_literal_key_has_no_wildcards() -> None:
    assert is_literal(literal("a.*.#"))
    assert not is_literal(pattern("a.*"))
