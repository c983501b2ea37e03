"""The things that messages cannot keep when their queue is migrated."""

from __future__ import annotations

from dataclasses import replace

import pytest

from attune_infra.topology.model import Argument, Queue, Topology
from attune_infra.topology.planning.keeping import notes_on
from attune_infra.topology.planning.migration import Migration

VERSION = (4, 3)
ALWAYS = 3
"""The exchange in the header, the counts of deliveries, and publishers that name the queue."""


def queue(kind: str, name: str = "q", /, **arguments: Argument) -> Queue:
    return Queue(
        name=name, type=kind, arguments={f"x-{key.replace('_', '-')}": value for key, value in arguments.items()}
    )


def notes(old: Queue, want: Queue, *others: Queue, version: tuple[int, int] = VERSION) -> list[str]:
    have = replace(Topology.of([old, *others]), version=version)
    return [note.sentence for note in notes_on(Migration("q", want, have))]


def more(found: list[str]) -> list[str]:
    """Return the notes that not every migration has."""
    common = ("moved messages name", "delivery counts start anew", "publishers that name queue q")
    assert sum(each.startswith(common) for each in found) == ALWAYS
    return [each.split(":")[0] for each in found if not each.startswith(common)]


@pytest.mark.parametrize(
    ("old", "want", "beginnings"),
    [
        (queue("classic"), queue("quorum", delivery_limit=-1), []),
        (queue("classic"), queue("quorum"), ["a quorum queue counts deliveries"]),
        (queue("classic"), queue("quorum", delivery_limit=5), ["a quorum queue counts deliveries"]),
        (queue("quorum"), queue("classic"), []),
        (queue("classic"), queue("stream"), ["a stream keeps no priority", "a stream drops headers"]),
        (queue("stream"), queue("classic"), ["all messages that the stream retains are moved"]),
        (queue("classic", max_priority=9), queue("classic"), ["the new queue has no priorities"]),
        (queue("classic", max_priority=9), queue("classic", max_priority=5), []),
        (queue("classic", max_priority=9), queue("quorum", delivery_limit=-1), []),
        (queue("classic", message_ttl=9), queue("classic"), ["the TTL of each message starts anew"]),
        (queue("classic"), queue("classic", message_ttl=9), ["the TTL of each message starts anew"]),
        (queue("classic", expires=9), queue("classic"), ["queue q has x-expires"]),
        (queue("classic"), queue("classic", expires=9), []),
    ],
)
def test_what_is_not_kept_is_told(old: Queue, want: Queue, beginnings: list[str]) -> None:
    found = more(notes(old, want))

    assert len(found) == len(beginnings)
    assert all(note.startswith(beginning) for note, beginning in zip(found, beginnings, strict=True))


def test_older_quorum_queues_have_no_priorities_and_no_limit() -> None:
    assert more(notes(queue("classic", max_priority=9), queue("quorum"), version=(3, 10))) == [
        "the new queue has no priorities"
    ]


def test_the_exchange_in_the_header_is_the_last_that_the_messages_pass() -> None:
    old = queue("classic")

    assert "name exchange attune-infra.back.q as" in notes(old, queue("quorum"))[0]
    assert "name exchange attune-infra.aside.q as" in notes(old, queue("quorum", "new"))[0]
    assert any("while the queue is gone" in each for each in notes(old, queue("quorum", "new")))


def test_dead_letters_that_name_the_queue_are_told() -> None:
    by_name = queue("classic", "other", dead_letter_exchange="", dead_letter_routing_key="q")
    by_exchange = queue("classic", "third", dead_letter_exchange="e", dead_letter_routing_key="q")

    found = notes(queue("classic"), queue("quorum", delivery_limit=-1), by_name, by_exchange)

    assert [each for each in found if each.startswith("dead letters of queue")] == [
        "dead letters of queue other go to queue q by the default exchange, like these"
    ]


def test_nothing_is_told_of_a_queue_that_is_as_wanted() -> None:
    assert notes(queue("quorum"), queue("quorum")) == []
