"""Topologies for Hypothesis in which many keys match, since they use few words, and messages go on in all ways.

Every queue has a fate, which decides about its dead letters: a message stays, expires at once, finds the queue
full, is rejected by a consumer, or is requeued until it reaches the delivery limit.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from hypothesis import strategies as st

from attune_infra.topology.facts.plugin_exchanges import CONSISTENT_HASH, LOCAL_RANDOM
from attune_infra.topology.model import (
    Argument,
    Binding,
    Exchange,
    Message,
    Policy,
    Queue,
    Topology,
    TopologyObject,
)
from attune_infra.topology.routing.trace import Reason

_OWN = {"amq.topic": "topic", "amq.direct": "direct", "amq.fanout": "fanout", "amq.headers": "headers"}
_EXCHANGES = tuple(f"e{number}" for number in range(6))
_QUEUES = tuple(f"q{number}" for number in range(6))
_WORDS = ("a", "b", "", "*")
_PATTERN_WORDS = (*_WORDS, "*", "#", "a#")
_HEADERS = ("h", "k", "x-h", "x-first-death-reason", "x-last-death-reason")
_VALUES: tuple[Argument, ...] = (1, 2, 1.0, "1", True, "a", "", "expired", ["a"], {"t": "a"})
PLUGIN_TYPES = (CONSISTENT_HASH, LOCAL_RANDOM, "x-modulus-hash", "x-random", "x-recent-history")
"""Exchange types of plugins that need no argument; a release may lack some of them."""

_MAX_HASHES = 2
"""The number of words `#` in a pattern; more can stall an old broker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Routable:
    """A topology, the fate of messages in each queue, and a seed for messages to publish."""

    topology: Topology
    fates: dict[str, Reason | None]
    seed: int

    def messages(self, count: int) -> Iterator[Message]:
        """Yield messages that the broker accepts."""
        chance = random.Random(self.seed)  # noqa: S311 # no secrets here
        open_to_clients = [name for name, exchange in self.topology.exchanges.items() if not exchange.internal]
        exchanges = ["", *_OWN, *open_to_clients * 4]
        for _ in range(count):
            yield Message(
                exchange=chance.choice(exchanges),
                routing_key=_key(chance, (*_QUEUES, *_EXCHANGES)),
                headers=_headers(chance),
            )


def _key(chance: random.Random, names: Sequence[str]) -> str:
    if chance.random() < 0.2:
        return chance.choice(names)
    return ".".join(chance.choice(_WORDS) for _ in range(chance.randrange(5)))


def _headers(chance: random.Random) -> dict[str, Argument]:
    headers = {name: chance.choice(_VALUES) for name in chance.sample(_HEADERS, chance.randrange(4))}
    for name in ("CC", "BCC"):
        if chance.random() < 0.1:
            headers[name] = [_key(chance, _QUEUES) for _ in range(chance.randrange(3))]
    return headers


_keys = st.lists(st.sampled_from(_PATTERN_WORDS), max_size=4).map(".".join).filter(
    lambda key: key.split(".").count("#") <= _MAX_HASHES
) | st.sampled_from(_QUEUES)
_criteria = st.dictionaries(st.sampled_from(_HEADERS), st.sampled_from((*_VALUES, None)), max_size=3)
_matches = st.sampled_from(("all", "any", "all-with-x", "any-with-x"))


def _exchanges(
    names: Sequence[str], anywhere: st.SearchStrategy[str], plugin_types: Sequence[str]
) -> st.SearchStrategy[list[Exchange]]:
    kinds = st.builds(
        Exchange,
        name=st.just(""),
        type=st.sampled_from(("direct", "topic", "topic", "fanout", "headers", "headers", *plugin_types)),
        internal=st.sampled_from((False, False, True)),
        arguments=st.just({}) | st.fixed_dictionaries({"alternate-exchange": anywhere}),
    )
    return st.tuples(*(kinds for _ in names)).map(
        lambda kinds: [replace(exchange, name=name) for exchange, name in zip(kinds, names, strict=True)]
    )


@st.composite
def _queues(draw: st.DrawFn, anywhere: st.SearchStrategy[str]) -> tuple[Queue, Reason | None]:
    fate = draw(st.sampled_from((None, None, None, *Reason)))
    arguments: dict[str, Argument] = {}
    if draw(st.booleans()):
        arguments["x-dead-letter-exchange"] = draw(anywhere)
        if draw(st.booleans()):
            arguments["x-dead-letter-routing-key"] = draw(_keys)
    match fate:
        case Reason.EXPIRED:
            arguments["x-message-ttl"] = draw(st.integers(0, 2))
        case Reason.MAXLEN:
            arguments["x-max-length"] = 0
            arguments["x-overflow"] = draw(st.sampled_from(("drop-head", "reject-publish-dlx")))
        case Reason.DELIVERY_LIMIT:
            arguments["x-delivery-limit"] = 0
    kind = "quorum" if fate is Reason.DELIVERY_LIMIT else "classic"
    return Queue(name=draw(st.sampled_from(_QUEUES)), type=kind, arguments=arguments), fate


_UNSUPPORTED_SOMEWHERE: tuple[dict[str, Argument], ...] = (
    {"delivery-limit": 5},
    {"max-age": "1h"},
    {"queue-mode": "lazy"},
)
"""Keys that keep a policy off classic queues, off classic and quorum queues, and off quorum queues."""


@st.composite
def _policies(draw: st.DrawFn, anywhere: st.SearchStrategy[str]) -> Policy:
    definition: dict[str, Argument] = {}
    if draw(st.booleans()):
        definition["alternate-exchange"] = draw(anywhere)
    else:
        definition["dead-letter-exchange"] = draw(anywhere)
        if draw(st.booleans()):
            definition["dead-letter-routing-key"] = draw(_keys)
        definition |= draw(st.sampled_from(({}, *_UNSUPPORTED_SOMEWHERE)))
    return Policy(
        name=draw(st.sampled_from(("p1", "p2"))),
        pattern=draw(st.sampled_from(("1", "2", "^q", "^e", "^[eq]"))),
        definition=definition,
        priority=draw(st.integers(0, 1)),
    )


@st.composite
def _bindings(draw: st.DrawFn, source: str, exchange_type: str, end: tuple[str, str]) -> Binding:
    arguments: dict[str, Argument] = draw(_criteria) if exchange_type == "headers" else {}
    if draw(st.booleans()):
        arguments["x-match"] = draw(_matches)
    own_keys = {CONSISTENT_HASH: st.sampled_from(("1", "2")), LOCAL_RANDOM: st.just("")}
    return Binding(
        source=source,
        destination_type=end[0],
        destination=end[1],
        routing_key=draw(own_keys.get(exchange_type, _keys)),
        arguments=arguments,
    )


@st.composite
def routables(draw: st.DrawFn, plugin_types: Sequence[str] = ()) -> Routable:
    """Return a strategy for topologies that RabbitMQ accepts, with these exchange types of plugins."""
    named = _EXCHANGES[: draw(st.integers(2, len(_EXCHANGES)))]
    anywhere = st.sampled_from((*named * 3, *_OWN, "missing", ""))
    exchanges = draw(_exchanges(named, anywhere, plugin_types))
    queues = draw(st.lists(_queues(anywhere), min_size=1, max_size=6, unique_by=lambda item: item[0].name))
    types = {exchange.name: exchange.type for exchange in exchanges} | _OWN
    ends = [("queue", queue.name) for queue, _ in queues] * 2 + [("exchange", item.name) for item in exchanges]
    classic = [("queue", queue.name) for queue, _ in queues if queue.type == "classic"]
    sources = [exchange.name for exchange in exchanges] * 3 + list(_OWN)
    objects: list[TopologyObject] = [*exchanges, *(queue for queue, _ in queues)]
    for _ in range(draw(st.integers(3, 20))):
        source, end = draw(st.sampled_from(sources)), draw(st.sampled_from(ends))
        if types[source] != LOCAL_RANDOM or end in classic:
            objects.append(draw(_bindings(source, types[source], end)))
    policies = draw(st.lists(_policies(anywhere), max_size=2, unique_by=lambda policy: policy.priority))
    return Routable(
        topology=Topology.of([*objects, *policies]),
        fates={queue.name: fate for queue, fate in queues},
        seed=draw(st.integers(0, 2**32)),
    )
