"""Limits, permissions and topic permissions in a document."""

from __future__ import annotations

import json
from dataclasses import replace

import jsonschema
import pytest
import yaml

from attune_infra.errors import InvalidInput
from attune_infra.topology.diff import Create, Update, diff
from attune_infra.topology.document.parse import parse, parse_with_places
from attune_infra.topology.document.problems import InvalidDocument
from attune_infra.topology.document.schema.document import schema
from attune_infra.topology.facts.refusals import Restrictions
from attune_infra.topology.model import (
    CONTROL_KINDS,
    PARAMETER_GROUP,
    Limit,
    OperatorPolicy,
    Permission,
    Policy,
    Queue,
    TopicPermission,
    Topology,
    TopologyObject,
    label,
)
from attune_infra.topology.planning.plan import Plan
from attune_infra.topology.planning.prune import prunable, why_kept

DOCUMENT = """\
manages: [svc.*, max-.*]
exchanges: {events: {type: topic}}
limits: {max-queues: 20}
permissions:
  svc: {configure: '', write: '^events$', read: '.*'}
topic_permissions:
  svc:
    events: {write: '^a\\.', read: '.*'}
"""
SVC = Permission(user="svc", configure="", write="^events$", read=".*")
TOPICS = TopicPermission(user="svc", exchange="events", write="^a\\.", read=".*")


def test_they_are_objects_of_the_topology() -> None:
    topology = parse(DOCUMENT, source="it")

    assert topology.limits == {"max-queues": Limit(name="max-queues", value=20)}
    assert topology.permissions == {"svc": SVC}
    assert topology.topic_permissions == {("svc", "events"): TOPICS}
    assert topology.control_kinds == CONTROL_KINDS - PARAMETER_GROUP - {"user", "virtual_host"}
    assert [*map(label, topology.objects())][1:] == [
        "limit max-queues",
        "permission of user svc",
        "topic permission of user svc on exchange events",
    ]


def test_each_has_its_place_and_those_of_its_parts() -> None:
    _, places = parse_with_places(DOCUMENT, source="it")

    found = [places.of(SVC, "write"), places.of(TOPICS), places.of(Limit(name="max-queues", value=20), "value")]
    assert [(place.line, place.column) for place in found if place] == [(5, 31), (8, 5), (3, 22)]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("limits: {max-channels: 1}", "expected max-connections or max-queues, got 'max-channels'"),
        ("limits: {max-queue: 1}", "did you mean 'max-queues'?"),
        ("limits: {max-queues: -2}", "max-queues expects -1 (no limit) or more, got -2"),
        ("limits: {max-queues: '7'}", "expected an integer, got the string '7'"),
        ("limits: [max-queues]", "limits must be a mapping"),
        ("permissions: {a: {configure: '', write: ''}}", "the permissions of user 'a' lack read"),
        ("permissions: {a: }", "the permissions of user 'a' need configure, write, read"),
        ("permissions: {a: {configure: '(', write: '', read: ''}}", "the pattern is not a regular expression"),
        (
            "permissions: {a: {configure: 5, write: '', read: ''}}",
            "expected a string, got the integer 5",
        ),
        ("permissions: {'': {configure: '', write: '', read: ''}}", "the name of the user is empty"),
        ("permissions: {a: {exchange: '', write: '', read: ''}}", "unknown key 'exchange'"),
        (
            "operator_policies: {o: {pattern: a, definition: {dead-letter-exchange: x}}}",
            "RabbitMQ takes no 'dead-letter-exchange' in an operator policy; it takes delayed-retry-max, ",
        ),
        ("operator_policies: {o: {pattern: a}}", "operator policy 'o' has no definition"),
        ("topic_permissions: {a: {x: {write: '', read: ''}}}", "no exchange 'x' in this document"),
        ("topic_permissions: {a: {'': {write: '', read: ''}}}", "the name of the exchange is empty"),
        ("topic_permissions: {a: {amq.topic: {write: ''}}}", "'a' on exchange 'amq.topic' lack read"),
        ("topic_permissions: {a: {write: '', read: ''}}", "no exchange 'write' in this document"),
    ],
)
def test_a_wrong_one_is_a_problem_with_a_place(text: str, sentence: str) -> None:
    with pytest.raises(InvalidDocument) as caught:
        parse(text, source="it")

    assert sentence in str(caught.value)
    assert str(caught.value).startswith("it:1:")


@pytest.mark.parametrize(
    ("section", "is_right"),
    [
        ({"limits": {"max-queues": -1}}, True),
        ({"limits": {"max-queues": -2}}, False),
        ({"limits": {"max-channels": 1}}, False),
        ({"permissions": {"a": {"configure": "", "write": "", "read": ""}}}, True),
        ({"permissions": {"a": {"configure": "", "write": ""}}}, False),
        ({"permissions": {"a": None}}, False),
        ({"topic_permissions": {"a": {"amq.topic": {"write": "", "read": ""}}}}, True),
        ({"topic_permissions": {"a": {"amq.topic": {"write": "", "read": "", "configure": ""}}}}, False),
        ({"topic_permissions": {"": {}}}, False),
    ],
    ids=str,
)
def test_the_schema_agrees(section: dict[str, object], *, is_right: bool) -> None:
    validator = jsonschema.Draft202012Validator(json.loads(json.dumps(schema())))

    assert validator.is_valid(section) is is_right
    if not is_right and section != {"topic_permissions": {"": {}}}:
        with pytest.raises(InvalidDocument):
            parse(yaml.safe_dump(section), source="it")


def test_they_are_created_and_changed_in_place() -> None:
    want = parse(DOCUMENT, source="it")
    have = Topology.of([*want.exchanges.values(), Limit(name="max-queues", value=3), TOPICS])

    changes = diff(have, want)

    assert [type(change) for change in changes] == [Update, Create]
    assert [change.want for change in changes] == [Limit(name="max-queues", value=20), SVC]
    assert [(each.attribute, each.have, each.want) for each in changes[0].differences] == [("value", 3, 20)]  # type: ignore[union-attr]


def test_one_that_was_not_read_is_never_taken_for_missing() -> None:
    with pytest.raises(InvalidInput, match="limit max-queues cannot be compared"):
        Plan.between(Topology(unread=CONTROL_KINDS), parse(DOCUMENT, source="it"))


@pytest.mark.parametrize(
    ("item", "why"),
    [
        (Permission(user="svc2", configure="", write="", read=""), None),
        (
            Permission(user="admin", configure="", write="", read=""),
            "no `manages` pattern of the document matches",
        ),
        (Permission(user="svc-own", configure="", write="", read=""), "this command itself uses it"),
        (TopicPermission(user="svc2", exchange="x", write="", read=""), None),
        (Limit(name="max-connections", value=1), None),
    ],
)
def test_an_undeclared_one_is_pruned_if_the_document_manages_it(item: TopologyObject, why: str | None) -> None:
    have = Topology.of([item, Queue(name="svc.q")], name="v")
    have = Topology(**{name: getattr(have, name) for name in have.__slots__} | {"own_users": {"svc-own"}})
    want = parse(DOCUMENT, source="it")

    kept = why_kept(item, have, want)

    assert (kept is None) if why is None else (kept or "").startswith(why)
    assert [each.have for each in prunable(have, want)] == [*([item] if why is None else []), Queue(name="svc.q")]


def test_a_limit_that_makes_room_foresees_no_refusal() -> None:
    want = Topology.of([Queue(name="a"), Queue(name="b"), Limit(name="max-queues", value=2)])
    narrow = Topology.of([Queue(name="a"), Queue(name="b"), Limit(name="max-queues", value=1)])
    have, tight = Topology(version=(4, 0)), Restrictions(max_queues=1)

    assert Plan.between(have, want).foreseeing(have, want, tight).refusals == ()
    assert len(Plan.between(have, narrow).foreseeing(have, narrow, Restrictions()).refusals) == 1


def test_an_operator_policy_that_shortens_queues_puts_their_messages_at_stake() -> None:
    queue = Queue(name="q", type="classic")
    limit = OperatorPolicy(name="p", pattern="q", definition={"max-length": 1})
    regular = Policy(name="p", pattern="q", definition={"max-length": 5})
    have, want = Topology.of([queue, regular]), Topology.of([queue, regular, limit])

    plan = Plan.between(have, want).weighing(have, want, {"q": (4, 0)})

    [change] = plan.changes
    [stake] = plan.stakes_of(change)
    assert (change, stake.queue, stake.messages) == (Create(limit), "q", 3)
    assert plan.applicable == ()
    assert Plan.between(want, have).changes == ()


def test_a_regular_policy_that_an_operator_policy_limits_puts_nothing_at_stake() -> None:
    queue = Queue(name="q", type="classic")
    limit = OperatorPolicy(name="o", pattern="q", definition={"max-length": 5})
    have = Topology.of([queue, limit])
    want = Topology.of([queue, limit, Policy(name="p", pattern="q", definition={"max-length": 9})])

    assert Plan.between(have, want).weighing(have, want, {"q": (5, 0)}).stakes == {}


def test_undeclared_operator_policies_are_left_alone_where_none_is_wanted() -> None:
    mine, other = (
        OperatorPolicy(name=name, pattern="q", definition={"expires": 1}) for name in ("svc.a", "svc.b")
    )
    have = Topology.of([mine, other])

    assert prunable(have, Topology(manages=(".*",))) == ()
    assert [each.have for each in prunable(have, replace(Topology.of([mine]), manages=(".*",)))] == [other]


@pytest.mark.parametrize(("version", "count"), [((3, 10), 1), ((3, 12), 0), ((4, 0), 0), (None, 0)])
def test_a_key_that_a_tried_release_refuses_is_foreseen(version: tuple[int, int] | None, count: int) -> None:
    want = Topology.of([OperatorPolicy(name="o", pattern="q", definition={"overflow": "drop-head"})])
    have = Topology(version=version)

    assert len(Plan.between(have, want).foreseeing(have, want, Restrictions()).refusals) == count
