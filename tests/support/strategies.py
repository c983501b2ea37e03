"""Topologies for Hypothesis, in every shape of a document; names are legal, and as nasty as that allows."""

from __future__ import annotations

import re
from base64 import b64encode
from typing import Any

from hypothesis import strategies as st

from attune_infra.topology.document.judge import judge_with_values
from attune_infra.topology.facts.arguments import QUEUE_TYPES
from attune_infra.topology.facts.controls import LIMITS
from attune_infra.topology.facts.exchanges import PREDECLARED_EXCHANGES
from attune_infra.topology.facts.names import MAX_NAME_BYTES, name_problem, routing_key_problem
from attune_infra.topology.facts.users import ALGORITHMS, USER_LIMITS
from attune_infra.topology.model import (
    NO_PASSWORD,
    Argument,
    Binding,
    Exchange,
    FederationUpstream,
    FederationUpstreamSet,
    GlobalParameter,
    Limit,
    Message,
    OperatorPolicy,
    Parameter,
    PasswordHash,
    Permission,
    Policy,
    Queue,
    Route,
    SecretKind,
    SecretReference,
    Shovel,
    Suppression,
    TopicPermission,
    Topology,
    TopologyObject,
    User,
    VirtualHost,
    WorkerFamily,
    holding,
)

NASTY_NAMES = (
    "a/b", "100%", "a+b", "#", "a?b", "a&b", ";", ":", "a: b", "a #b", " a ", "a  b", "'", '"', "\\", "\\n",
    "%2F", "[red]x[/red]", "{a}", "{worker_id}", "-", "- a", "?", "? a", "|", ">", "*a", "&a", "!a", "@a", "`a",
    "<<", "=", "~", "yes", "NO", "null", "true", "1", "1.0", "1e3", "0x1f", ".inf", "12:30:45", "2026-01-01", "_",
    "---", "...", "undefined", "amq", "AMQ.x", ":rabbit:", "\t", "\x1b[31m", "\x7f", "\x85", "\u00a0", "\u200d",
    "\u2028", "\u202e", "\ufeff", "\ue000", "\U000e0001", "🐰", "👩\u200d🚀", "é", "e\u0301", "שלום", "日本",
    "\x01" * 255, "🐰" * 63,
)  # fmt: skip

_characters = st.characters(codec="utf-8")
_short_text = st.text(_characters, max_size=20)


def _fits(text: str) -> bool:
    return len(text.encode()) <= MAX_NAME_BYTES


names = (st.sampled_from(NASTY_NAMES) | st.text(_characters, min_size=1, max_size=20)).filter(
    lambda name: name_problem(name) is None
)
routing_keys = (st.sampled_from(NASTY_NAMES) | _short_text).filter(lambda key: routing_key_problem(key) is None)
values: st.SearchStrategy[Argument] = st.recursive(
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(NASTY_NAMES)
    | _short_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_short_text.filter(_fits), inner, max_size=3),
    max_leaves=8,
)
"""Values of every type that both an AMQP table and JSON can hold; RabbitMQ has no null."""

arguments = st.dictionaries(st.sampled_from(NASTY_NAMES) | _short_text.filter(_fits), values, max_size=4)


def _is_good(item: TopologyObject) -> bool:
    """Return whether a document may hold an object; by chance a name is like that of an argument of RabbitMQ's."""
    return next(judge_with_values(item), None) is None


exchanges = st.builds(
    Exchange,
    name=names,
    type=st.sampled_from(("direct", "topic", "fanout", "headers", "x-delayed-message")) | names,
    durable=st.booleans(),
    auto_delete=st.booleans(),
    internal=st.booleans(),
    arguments=arguments,
).filter(_is_good)
queues = (
    st.builds(
        Queue,
        name=names,
        type=st.sampled_from((None, "classic")),
        durable=st.booleans(),
        auto_delete=st.booleans(),
        arguments=arguments,
    )
    | st.builds(Queue, name=names, type=st.sampled_from(("quorum", "stream")), arguments=arguments)
).filter(_is_good)
policies = st.builds(
    Policy,
    name=names,
    pattern=st.sampled_from(("", ".*", "^a\\.", "#", "^(?!amq\\.).*", "'", "🐰")) | names.map(re.escape),
    definition=st.dictionaries(_short_text, values, min_size=1, max_size=3),
    apply_to=st.sampled_from(("queues", "exchanges", "all", "classic_queues", "quorum_queues", "streams")),
    priority=st.integers(-100, 100),
).filter(_is_good)


def bindings_to(
    sources: st.SearchStrategy[str], destinations: st.SearchStrategy[tuple[str, str]]
) -> st.SearchStrategy[Binding]:
    """Return a strategy for bindings from these exchanges to these destinations, given as (type, name)."""
    return st.builds(
        lambda end, **rest: Binding(destination_type=end[0], destination=end[1], **rest),
        destinations,
        source=sources,
        routing_key=routing_keys,
        arguments=arguments,
    ).filter(lambda binding: next(judge_with_values(binding, from_headers=True), None) is None)


_words = (st.sampled_from(NASTY_NAMES) | st.text(_characters, min_size=1, max_size=20)).filter(
    lambda text: "\0" not in text
)
references = (
    st.builds(SecretReference, st.just(SecretKind.ENV), st.sampled_from([("A",), ("_b1",)]))
    | st.builds(SecretReference, st.just(SecretKind.FILE), _words.map(lambda word: (word,)))
    | st.builds(SecretReference, st.just(SecretKind.COMMAND), st.lists(_words, min_size=1, max_size=3).map(tuple))
)


def parameters() -> st.SearchStrategy[Parameter | GlobalParameter]:
    """Return a strategy for federation upstreams, sets of them, shovels, and parameters with any value."""
    uri = st.sampled_from(("amqp://", "amqps://h:5671/a%2Fb", "AMQP://user@[::1]")) | references
    uris = uri | st.lists(uri, min_size=1, max_size=2)
    keys: dict[str, st.SearchStrategy[Any]] = {
        "exchange": _short_text,
        "expires": st.integers(0, 2**63 - 1),
        "trust-user-id": st.booleans(),
        "ack-mode": st.sampled_from(("on-confirm", "no-ack")),
    }
    ends = {"src-uri": uris, "dest-uri": uris, "src-queue": _short_text}
    more = {
        "src-queue-args": arguments,
        "src-delete-after": st.sampled_from(("never", 5)),
        "dest-predeclared": st.booleans(),
    }
    of_sets = st.fixed_dictionaries({"upstream": _short_text}, optional=keys)
    return (
        _holding(FederationUpstream, st.fixed_dictionaries({"uri": uris}, optional=keys))
        | _holding(Shovel, st.fixed_dictionaries(ends, optional=more))
        | _holding(FederationUpstreamSet, st.lists(of_sets, max_size=2))
        | st.builds(Parameter, component=names, name=names, value=values)
        | st.builds(GlobalParameter, name=names, value=values)
    )


def _holding(kind: type[Any], held: st.SearchStrategy[Any]) -> st.SearchStrategy[Parameter]:
    return st.builds(lambda name, value: holding(kind(name=name, value=None), value), names, held)


def users() -> st.SearchStrategy[User]:
    """Return a strategy for users, with passwords of every form."""
    sizes = dict(zip(ALGORITHMS, (32, 64, 16), strict=True))
    hashes = st.sampled_from(ALGORITHMS).flatmap(
        lambda algorithm: st.binary(min_size=4 + sizes[algorithm], max_size=4 + sizes[algorithm]).map(
            lambda raw: PasswordHash(b64encode(raw).decode(), algorithm)
        )
    )
    return st.builds(
        User,
        name=names,
        tags=st.frozensets(st.sampled_from(("monitoring", "a b", "'", "yes", "1", "x,y", "\t")), max_size=3),
        password=st.none() | st.just(NO_PASSWORD) | references | hashes,
        limits=st.dictionaries(st.sampled_from(USER_LIMITS), st.integers(-1, 2**63 - 1)),
    )


def controls(exchanges: list[str]) -> st.SearchStrategy[TopologyObject]:
    """Return a strategy for operator policies, users, limits, permissions, and those on topics of exchanges."""
    patterns = st.sampled_from(("", ".*", "^a\\.", "'", "🐰", "{username}")) | names.map(re.escape)
    limits = st.builds(Limit, name=st.sampled_from(LIMITS), value=st.integers(-1, 2**63 - 1))
    permissions = st.builds(Permission, user=names, configure=patterns, write=patterns, read=patterns)
    topic_permissions = st.builds(
        TopicPermission, user=names, exchange=st.sampled_from(exchanges), write=patterns, read=patterns
    )
    operator_policies = st.builds(
        OperatorPolicy,
        name=names,
        pattern=patterns,
        definition=st.dictionaries(
            st.sampled_from(("expires", "max-length", "message-ttl")), st.integers(1, 2**31), min_size=1
        ),
        apply_to=st.sampled_from(("queues", "all", "streams")),
        priority=st.integers(-100, 100),
    )
    return (users() | limits | permissions | topic_permissions | operator_policies).filter(_is_good)


suppressions = st.builds(
    Suppression,
    rule=st.sampled_from(("AI001", "AI999")),
    reason=names.filter(str.strip),
    object=st.none() | names,
)


@st.composite
def topologies(
    draw: st.DrawFn,
    *,
    with_workers: bool = True,
    from_a_document: bool = True,
    with_parameters: bool = False,
) -> Topology:
    """Return a strategy for whole topologies; the ends of each binding exist, or are RabbitMQ's own exchanges."""
    objects: list[TopologyObject] = [
        *draw(st.lists(exchanges, max_size=3)),
        *draw(st.lists(queues, max_size=3)),
        *draw(st.lists(policies, max_size=2)),
    ]
    own = sorted(PREDECLARED_EXCHANGES)
    sources = [item.name for item in objects if isinstance(item, Exchange)] + own
    ends = [("queue", item.name) for item in objects if isinstance(item, Queue)]
    ends += [("exchange", name) for name in sources]
    objects += draw(st.lists(bindings_to(st.sampled_from(sources), st.sampled_from(ends)), max_size=5))
    workers = draw(st.none() | worker_families(sources)) if with_workers else None
    manages = draw(st.lists(st.sampled_from(("^a\\.", ".*", "#")), max_size=2 * from_a_document))
    if from_a_document:
        objects += draw(
            st.lists(controls([item.name for item in objects if isinstance(item, Exchange)] + own), max_size=4)
        )
    if with_parameters:
        objects += draw(st.lists(parameters().filter(_is_good), max_size=3))
    routes = draw(
        st.lists(
            routes_in(sources, [name for kind, name in ends if kind == "queue"]), max_size=2 * from_a_document
        )
    )
    ignored = draw(st.lists(suppressions, max_size=2 * from_a_document))
    return Topology.of(
        objects,
        name=draw(st.just("") | names),
        workers=workers,
        manages=tuple(manages),
        routes=tuple({route.publish.routing_key: route for route in routes}.values()),
        suppressions=tuple(ignored),
    )


@st.composite
def several(draw: st.DrawFn) -> Topology:
    """Return a strategy for topologies of several virtual hosts, sorted; without users, whose names are secret."""
    found: dict[str, Topology] = {}
    for name in sorted(draw(st.lists(_virtual_host_names, min_size=2, max_size=3, unique=True))):
        made = draw(topologies(with_workers=False, from_a_document=False))
        kind = draw(st.none() | st.sampled_from(QUEUE_TYPES))
        tags = draw(st.none() | st.sampled_from((("a",), ("a", "b"))))
        settings = VirtualHost(name=name, tags=tags, default_queue_type=kind)
        here = [settings, *made.objects(), *draw(st.lists(_limits, max_size=1))]
        found[name] = Topology.of(here, default_queue_type=kind or "classic")
    return Topology(virtual_hosts=found)


_virtual_host_names = st.sampled_from(("/", "shop", "a b", "é/ü", "x-0123456789", "Shop"))
_limits = st.builds(Limit, name=st.sampled_from(("max-queues", "max-connections")), value=st.integers(-1, 9))


def routes_in(exchanges: list[str], queues: list[str]) -> st.SearchStrategy[Route]:
    """Return a strategy for routes between these exchanges and queues, which may hold or not."""
    return st.builds(
        Route,
        publish=st.builds(
            Message,
            exchange=st.sampled_from([*exchanges, ""]),
            routing_key=routing_keys,
            headers=arguments,
        ),
        reaches=(st.lists(st.sampled_from(queues), max_size=2) if queues else st.just([])).map(tuple),
    )


@st.composite
def worker_families(draw: st.DrawFn, sources: list[str]) -> WorkerFamily:
    """Return a strategy for worker families; their bindings have the order of their queues, as in a document."""
    suffixes = st.text("ab /#'é", max_size=3)
    templates = draw(
        st.lists(suffixes.map(lambda suffix: f"w.{{worker_id}}{suffix}"), unique=True, min_size=1, max_size=2)
    )
    made: list[Any] = [draw(st.builds(Queue, name=st.just(name), durable=st.booleans())) for name in templates]
    bindings = [
        draw(bindings_to(st.sampled_from(sources), st.just(("queue", name))))
        for name in templates
        for _ in range(draw(st.integers(0, 1)))
    ]
    tag = draw(st.sampled_from(("worker-{worker_id}", "{worker_id}", "a {worker_id} #")))
    return WorkerFamily(consumer_tag=tag, queues=tuple(made), bindings=tuple(bindings))
