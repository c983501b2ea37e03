"""The reasons for which a queue cannot be migrated now."""

from __future__ import annotations

from dataclasses import replace

import pytest

from attune_infra.topology.facts.refusals import Restrictions
from attune_infra.topology.model import Binding, Exchange, Policy, Queue, Topology, TopologyObject
from attune_infra.topology.planning.migration import Migration
from attune_infra.topology.planning.obstacles import Contents, obstacles_to

OLD, WANT = Queue(name="q", type="classic"), Queue(name="q", type="quorum")
EMPTY = Contents(messages=0, consumers=0)


def obstacles(
    *have: TopologyObject,
    want: Queue = WANT,
    contents: Contents = EMPTY,
    restrictions: Restrictions | None = None,
) -> list[str]:
    migration = Migration("q", want, replace(Topology.of(have), version=(4, 3)))
    found = obstacles_to(migration, contents, restrictions or Restrictions(), ledgers=("attune-infra.ledger.q",))
    return [obstacle.sentence for obstacle in found]


def test_nothing_stands_in_the_way_of_a_plain_queue() -> None:
    bound = (Exchange(name="e"), Binding(source="e", destination="q", routing_key="k"))

    assert obstacles(OLD, *bound) == []
    assert obstacles(WANT) == [], "it is as wanted"
    assert obstacles(OLD, want=replace(WANT, name="new")) == []


@pytest.mark.parametrize(
    ("old", "sentence"),
    [
        (replace(OLD, exclusive=True), "queue q is exclusive: only its own connection may use it"),
        (replace(OLD, state="down", node="rabbit@a"), "queue q is down, on node rabbit@a"),
        (Queue(name="other"), "there is no queue q"),
    ],
)
def test_the_old_queue_must_be_one_that_can_be_emptied(old: Queue, sentence: str) -> None:
    assert sentence in obstacles(old)


def test_the_wanted_queue_must_be_ours_and_not_yet_another_one() -> None:
    assert obstacles(OLD, want=replace(WANT, name="new", external=True)) == [
        "queue new is external: only its owner can change it"
    ]
    other = Queue(name="new", type="classic")
    assert obstacles(OLD, other, want=replace(WANT, name="new")) == [
        "queue new exists, and differs from the wanted one"
    ]


@pytest.mark.parametrize(("messages", "fits"), [(4, True), (5, True), (6, False), (None, True)])
def test_the_messages_must_fit(messages: int | None, *, fits: bool) -> None:
    want = replace(WANT, arguments={"x-max-length": 5})

    found = obstacles(OLD, want=want, contents=Contents(messages=messages, consumers=0))

    assert found == ([] if fits else ["queue q holds 6 messages, and the wanted one at most 5"])


def test_bindings_that_cannot_be_made_again_stand_in_the_way() -> None:
    odd = Binding(source="e", destination="q", routing_key="undefined", key_is_text=False)
    replaying = Exchange(name="e", type="x-recent-history")

    assert [each.split(" binding ")[0] for each in obstacles(OLD, Exchange(name="e"), odd)] == [
        "no client can make"
    ]
    assert obstacles(OLD, replaying, Binding(source="e", destination="q")) == [
        "exchange e of type x-recent-history sends its last messages again to each new binding"
    ]


@pytest.mark.parametrize(
    ("definition", "setting"),
    [
        ({"message-ttl": 5}, "message-ttl"),
        ({"max-length": 5, "expires": 9}, "expires, max-length"),
        ({"queue-version": 2}, None),
    ],
)
def test_a_policy_must_not_touch_what_stands_between(definition: dict[str, int], setting: str | None) -> None:
    policy = Policy(name="all", pattern=".*", definition=definition)

    found = obstacles(OLD, policy)

    assert found == (
        []
        if setting is None
        else [f"a policy sets {setting} on queue attune-infra.ledger.q, which must lose nothing"]
    )


def test_a_refusal_that_is_certain_is_told_before() -> None:
    found = obstacles(OLD, restrictions=Restrictions(max_queues=1))

    assert found
    assert all("would be refused" in each for each in found)


@pytest.mark.parametrize(
    ("contents", "sentence"),
    [
        (replace(EMPTY, alarm="disk"), "the broker takes no messages now: disk"),
        (replace(EMPTY, bytes=9, disk_left=9), None),
        (
            replace(EMPTY, bytes=10, disk_left=9),
            "the messages take 10 bytes; the broker has 9 until its disk alarm",
        ),
        (replace(EMPTY, bytes=10, disk_left=None), None),
    ],
)
def test_the_broker_must_have_room(contents: Contents, sentence: str | None) -> None:
    assert obstacles(OLD, contents=contents) == ([] if sentence is None else [sentence])


def test_a_mean_is_known_only_of_messages_that_are_there() -> None:
    assert replace(EMPTY, messages=4, bytes=10).mean_bytes == 2
    assert replace(EMPTY, messages=0, bytes=10).mean_bytes is None
    assert replace(EMPTY, messages=4, bytes=None).mean_bytes is None


@pytest.mark.parametrize(("name", "found"), [("q", 1), ("new", 0)])
def test_a_policy_on_the_queue_in_between_matters_only_if_there_is_one(name: str, found: int) -> None:
    policy = Policy(name="p", pattern="^attune-infra[.]held", definition={"max-length": 5})

    assert len(obstacles(OLD, policy, want=replace(WANT, name=name))) == found
