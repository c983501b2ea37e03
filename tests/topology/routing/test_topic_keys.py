"""Topic keys as sets of routing keys, held against what the router says of single ones."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attune_infra.topology.model import Binding, Exchange, Message, Queue, Topology
from attune_infra.topology.routing.route import Routing
from attune_infra.topology.routing.topic_keys import (
    KeyIndex,
    KeyTree,
    example_key,
    find_covered,
    is_literal,
    overlap,
    parse_literal_key,
    parse_topic_key,
)

WORDS = ("a", "b", "", "*", "#")
keys = st.lists(st.sampled_from(WORDS), max_size=4).map(".".join)
few_words = st.lists(st.sampled_from(("a", "*", "#")), max_size=4).map(".".join)
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

    assert overlap(parse_topic_key(one), parse_topic_key(other)) >= both
    assert overlap(parse_topic_key(one), parse_literal_key(message)) == matches(one, message)


def matched_by(patterns: list[str]) -> dict[str, set[str]]:
    """Return which of the routing keys, of all that could tell these patterns apart, each of them matches."""
    ends = {key: f"queue {number}" for number, key in enumerate(dict.fromkeys(patterns))}
    routing = Routing(
        Topology.of(
            [
                Exchange(name="e", type="topic"),
                *(Queue(name=name) for name in ends.values()),
                *(Binding(source="e", destination=name, routing_key=key) for key, name in ends.items()),
            ]
        )
    )
    tried = [".".join(words) for length in range(9) for words in product(("a", "-"), repeat=length)]
    reached = {key: set(routing.publish(Message(exchange="e", routing_key=key)).queues) for key in tried}
    return {key: {each for each in tried if name in reached[each]} for key, name in ends.items()}


@settings(deadline=None)
@given(st.lists(few_words, min_size=2, max_size=5, unique=True))
def test_a_key_is_wider_if_it_matches_all_that_another_does(patterns: list[str]) -> None:
    found, matched = dict(KeyTree(patterns).find_covered()), matched_by(patterns)

    for key in patterns:
        equal = [other for other in patterns if matched[other] == matched[key]]
        wider = {other for other in patterns if matched[other] > matched[key]} | ({equal[0]} - {key})
        assert (found[key] in wider) if wider else (key not in found)


@given(st.lists(keys, max_size=3, unique=True))
def test_few_keys_are_judged_as_many(few: list[str]) -> None:
    assert dict(find_covered(few)) == dict(KeyTree(few).find_covered())


@given(st.lists(keys, max_size=8), keys)
def test_an_index_finds_the_keys_that_overlap_and_no_others(known: list[str], key: str) -> None:
    patterns = {parse_topic_key(each) for each in known}

    found = list(KeyIndex(patterns).overlapping(parse_topic_key(key)))

    assert len(found) == len(set(found))
    assert set(found) == {each for each in patterns if overlap(each, parse_topic_key(key))}


@given(keys)
def test_an_example_is_one(key: str) -> None:
    assert matches(key, example_key(parse_topic_key(key)))


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        ("#", ""),
        ("#", "*"),
        ("a.#", "a"),
        ("a.#", "a.*.b"),
        ("*.#", "#.*"),
        ("#.a.#", "a.b"),
        ("*.#", "#.a"),
        ("a.*.#", "a.#.b"),
        ("#.a.*.#.b.#", "a.#.a.c.b"),
    ],
)
def test_wider(wide: str, narrow: str) -> None:
    assert (narrow, wide) in KeyTree([wide, narrow]).find_covered()
    assert overlap(parse_topic_key(wide), parse_topic_key(narrow))


@pytest.mark.parametrize(("one", "other"), [("*", "#"), ("a.*", "a.#"), ("#.a", "a.#"), ("a", "*.#.*")])
def test_not_wider(one: str, other: str) -> None:
    assert (other, one) not in KeyTree([one, other]).find_covered()


@pytest.mark.parametrize(("one", "other"), [("*", ""), ("a.#", "b.#"), ("a.*", "a"), ("#.a", "#.b"), ("*.*", "a")])
def test_apart(one: str, other: str) -> None:
    assert not overlap(parse_topic_key(one), parse_topic_key(other))
    assert not overlap(parse_topic_key(other), parse_topic_key(one))


def test_a_literal_key_has_no_wildcards() -> None:
    assert is_literal(parse_literal_key("a.*.#"))
    assert not is_literal(parse_topic_key("a.*"))
