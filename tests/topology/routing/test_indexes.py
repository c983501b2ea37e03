"""The indexes of topic and headers exchanges find what a look at each binding finds."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import pytest

from attune_infra.topology.facts.releases import Version
from attune_infra.topology.model import Argument, Binding, Exchange, Message, Queue, Topology
from attune_infra.topology.routing.headers import comparable, criteria_of, demands_any
from attune_infra.topology.routing.route import Routing
from attune_infra.topology.routing.topic_keys import words_of

WORDS = ("a", "b", "", "a#", "ab")
NAMES = ("h", "k", "x-h", "BCC")
VALUES: tuple[Argument, ...] = (1, 1.0, True, 0, False, "1", "", None, ["a"], [1], [1.0], {"t": 1}, {})
MATCHES: tuple[Argument, ...] = ("all", "any", "all-with-x", "any-with-x", "other", 1, ["any"])
SEEDS = range(30)
BINDINGS, MESSAGES = 60, 60


def matches_key(pattern: Sequence[str], words: Sequence[str]) -> bool:
    if not pattern:
        return not words
    if pattern[0] == "#":
        return any(matches_key(pattern[1:], words[skipped:]) for skipped in range(len(words) + 1))
    return bool(words) and pattern[0] in {"*", words[0]} and matches_key(pattern[1:], words[1:])


def matches_headers(binding: Binding, message: Message, version: Version) -> bool:
    headers = {name: value for name, value in message.headers.items() if name != "BCC"}
    met = [
        name in headers
        and comparable(value, version) in (comparable(headers[name], version), comparable(None, version))
        for name, value in criteria_of(binding.arguments).items()
    ]
    return any(met) if demands_any(binding.arguments) else all(met)


def key(random: Random, words: Sequence[str]) -> str:
    return ".".join(random.choices(words, k=random.randrange(4)))


def arguments(random: Random) -> dict[str, Argument]:
    found = {name: random.choice(VALUES) for name in NAMES if random.random() < 0.4}
    if random.random() < 0.7:
        found["x-match"] = random.choice(MATCHES)
    return dict(random.sample([*found.items()], len(found)))


def routing(kind: str, bindings: Sequence[Binding], version: Version) -> Routing:
    queues = [Queue(name=binding.destination) for binding in bindings]
    return Routing(Topology.of([Exchange(name="e", type=kind), *queues, *bindings]), version=version)


@pytest.mark.parametrize("seed", SEEDS)
def test_topic_keys_are_found_as_by_a_look_at_each(seed: int) -> None:
    random = Random(seed)  # noqa: S311 - no secret
    bindings = [
        Binding(
            source="e",
            destination=f"q{number}",
            routing_key=key(random, (*WORDS, "*", "#")),
            key_is_text=random.random() < 0.9,
        )
        for number in range(BINDINGS)
    ]
    index = routing("topic", bindings, (4, 3))
    for _ in range(MESSAGES):
        keys = [key(random, (*WORDS, "*", "#")) for _ in range(random.choice((1, 1, 3)))]
        message = Message(exchange="e", routing_key=keys[0], headers={"CC": [*keys[1:]]} if keys[1:] else {})
        expected = {
            each.destination
            for each in bindings
            if each.key_is_text and any(matches_key(words_of(each.routing_key), words_of(one)) for one in keys)
        }

        assert set(index.route(message).queues) == expected
        assert len(index.route(message).hops[0].matched) == len(expected)


@pytest.mark.parametrize("version", [(3, 10), (4, 0)], ids=str)
@pytest.mark.parametrize("seed", SEEDS)
def test_headers_are_found_as_by_a_look_at_each(seed: int, version: Version) -> None:
    random = Random(seed)  # noqa: S311 - no secret
    bindings = [
        Binding(source="e", destination=f"q{number}", arguments=arguments(random)) for number in range(BINDINGS)
    ]
    index = routing("headers", bindings, version)
    for _ in range(MESSAGES):
        headers: dict[str, Argument] = {name: random.choice(VALUES) for name in NAMES[:3] if random.random() < 0.6}
        if random.random() < 0.2:
            headers["BCC"] = ["a"]
        message = Message(exchange="e", headers=headers)
        expected = {each.destination for each in bindings if matches_headers(each, message, version)}

        assert set(index.route(message).queues) == expected
        assert len(index.route(message).hops[0].matched) == len(expected)
        if not headers:
            assert index.queues("e", "") == expected


@pytest.mark.parametrize("is_indexed", [True, False])
@pytest.mark.parametrize(("kind", "match", "sees"), [("headers", "all-with-x", True), ("headers", "all", False)])
def test_headers_of_deaths_count_only_where_bindings_look_at_them(
    kind: str, match: str, *, sees: bool, is_indexed: bool
) -> None:
    binding = Binding(source="e", destination="q", arguments={"x-match": match, "x-first-death-reason": "expired"})
    index = routing(kind, [binding, Binding(source="e", destination="r")], (4, 3))
    if is_indexed:
        index.route(Message(exchange="e"))

    assert index.sees_deaths is sees
