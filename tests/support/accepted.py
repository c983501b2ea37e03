"""Topologies for Hypothesis that RabbitMQ 3.10 to 4.3 accept, with everything that they may hold."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from attune_infra.topology.model import (
    Argument,
    Binding,
    Exchange,
    Policy,
    Queue,
    Topology,
    TopologyObject,
    as_read,
)
from support.strategies import names, routing_keys

_MILLISECONDS = st.integers(60_000, 2**32)
_COUNTS = st.integers(1, 2**31)
_short_names = names.filter(lambda name: len(name.encode()) <= 80)
"""Quorum queues and streams make longer names from these, which some file systems and releases refuse."""


def _optional(choices: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Argument]]:
    """Return a strategy for any few of these arguments."""
    return st.fixed_dictionaries({}, optional=choices).filter(
        lambda found: "x-dead-letter-routing-key" not in found or "x-dead-letter-exchange" in found
    )


_EVERY_QUEUE: dict[str, st.SearchStrategy[Any]] = {
    "x-message-ttl": st.integers(0, 2**32),
    "x-expires": _MILLISECONDS,
    "x-max-length": st.integers(0, 2**31),
    "x-max-length-bytes": _COUNTS,
    "x-overflow": st.sampled_from(("drop-head", "reject-publish")),
    "x-dead-letter-exchange": st.just("") | names,
    "x-dead-letter-routing-key": routing_keys,
    "x-single-active-consumer": st.booleans(),
    "x-own": st.booleans() | st.integers(-5, 2**40) | names,
}
_classic = st.builds(
    Queue,
    name=names,
    type=st.sampled_from((None, "classic")),
    durable=st.just(True),  # a value, not a flag
    auto_delete=st.booleans(),
    arguments=_optional({**_EVERY_QUEUE, "x-max-priority": st.integers(1, 10)}),
)
_transient = st.builds(
    Queue, name=names, durable=st.just(False), auto_delete=st.booleans(), arguments=_optional(_EVERY_QUEUE)
)
_quorum = st.builds(
    Queue,
    name=_short_names,
    type=st.just("quorum"),
    arguments=_optional(
        {
            "x-delivery-limit": _COUNTS,
            "x-max-length": _COUNTS,
            "x-dead-letter-exchange": names,
            "x-dead-letter-strategy": st.just("at-most-once"),
        }
    ),
)
_stream = st.builds(
    Queue,
    name=_short_names,
    type=st.just("stream"),
    arguments=_optional({"x-max-length-bytes": _COUNTS, "x-max-age": st.sampled_from(("1D", "2h", "30s"))}),
)
_exchanges = st.builds(
    Exchange,
    name=names,
    type=st.sampled_from(("direct", "topic", "fanout", "headers")),
    durable=st.booleans(),
    internal=st.booleans(),
    arguments=_optional({"alternate-exchange": names, "x-own": st.booleans() | names}),
)
_policies = st.builds(
    Policy,
    name=names,
    pattern=st.sampled_from(("^never$", "^a", "z$", "")),
    definition=st.sampled_from(({"max-length": 10}, {"message-ttl": 60_000, "overflow": "reject-publish"})),
    apply_to=st.sampled_from(("queues", "all")),
    priority=st.integers(-5, 5),
)
_criteria: st.SearchStrategy[dict[str, Argument]] = st.dictionaries(
    names.filter(lambda name: not name.startswith("x-")),
    st.booleans() | st.integers(-(2**63), 2**63 - 1) | names | st.lists(st.integers(0, 3), max_size=2),
    max_size=3,
)


@st.composite
def _bindings(draw: st.DrawFn, exchanges: list[Exchange], queues: list[Queue]) -> list[Binding]:
    types = {exchange.name: exchange.type for exchange in exchanges} | {"amq.topic": "topic"}
    ends = [("queue", queue.name) for queue in queues] + [("exchange", exchange.name) for exchange in exchanges]
    bindings = []
    for _ in range(draw(st.integers(0, 6)) if ends else 0):
        source, (kind, name) = draw(st.sampled_from(sorted(types))), draw(st.sampled_from(ends))
        routing_key = draw(routing_keys)
        # RabbitMQ answers 500 to any listing of bindings once one has a `~` in its key, and arguments.
        arguments = {} if "~" in routing_key else {**draw(_criteria)}
        if types[source] == "headers" and "~" not in routing_key and draw(st.booleans()):
            arguments["x-match"] = draw(st.sampled_from(("all", "any")))
        binding = Binding(
            source=source, destination=name, destination_type=kind, routing_key=routing_key, arguments=arguments
        )
        bindings.append(as_read(binding) if types[source] == "headers" else binding)
    return bindings


@st.composite
def accepted_topologies(draw: st.DrawFn, *, transient_queues: bool = True) -> Topology:
    """Return a strategy for whole topologies; quorum queues and streams are rare, as they are slow to declare."""
    exchanges = draw(st.lists(_exchanges, max_size=4, unique_by=lambda item: item.name))
    common = _classic | _transient if transient_queues else _classic
    queues = draw(st.lists(common, max_size=4, unique_by=lambda item: item.name))
    if draw(st.integers(0, 9)) == 0:
        queues = [queue for queue in queues if len(queue.name) > 1] + [draw(_quorum | _stream)]
    objects: list[TopologyObject] = [*exchanges, *{queue.name: queue for queue in queues}.values()]
    objects += draw(st.lists(_policies, max_size=1))
    return Topology.of([*objects, *draw(_bindings(exchanges, list({q.name: q for q in queues}.values())))])
