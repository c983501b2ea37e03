"""Digests: the same changes have the same one, whoever leads a queue meanwhile."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from attune_infra.topology.diff import Await, Change, Create, Delete
from attune_infra.topology.model import Binding, Exchange, Queue, TopologyObject
from attune_infra.topology.planning.digest import canonical_change, canonical_object, canonical_text, digest_of
from attune_infra.topology.target import Target


def test_the_state_of_a_queue_and_its_node_have_no_part_in_a_digest() -> None:
    there = Delete(have=Queue(name="q", type="quorum", state="running", node="rabbit@a"))
    elsewhere = Delete(have=Queue(name="q", type="quorum", state="down", node="rabbit@b"))

    assert canonical_change(there) == canonical_change(elsewhere)


def test_different_changes_have_different_digests() -> None:
    queue, other = Queue(name="q"), Queue(name="q", durable=False)
    changes: list[Change] = [
        Create(want=queue),
        Create(want=other),
        Await(want=queue),
        Await(want=other),
        Delete(have=queue),
    ]

    digests = {digest_of(None, [canonical_change(change)]) for change in changes}

    assert len(digests) == len(changes)


def test_a_digest_belongs_to_one_place() -> None:
    here = Target(cluster="a", virtual_host="/", version="4.3.6", user="guest")

    assert digest_of(here) == digest_of(replace(here, version="4.3.7", user="other"))
    assert digest_of(here) != digest_of(replace(here, cluster="b"))
    assert digest_of(here) != digest_of(replace(here, virtual_host="b"))


def test_a_digest_tells_what_goes_along_but_for_what_clients_make() -> None:
    def digest(*lost: Exchange | Binding) -> str:
        return digest_of(None, [canonical_change(Delete(have=Exchange(name="e"), lost=lost))])

    own, machinery = Binding(source="e", destination="q"), Binding(source="e", destination="amq.gen-x")

    assert len({digest(), digest(own), digest(replace(own, routing_key="k")), digest(Exchange(name="f"))}) == 4
    assert digest() == digest(machinery) == digest(Exchange(name="federation: x"))


NAMES = ("q", "it's", "both ' and \"", "back\\slash", "line\nbreak", "ü", "\x00", "")


@pytest.mark.parametrize(
    "item",
    [
        *(Queue(name=name) for name in NAMES),
        *(Binding(source=name, destination=f"{name}.", routing_key=name) for name in NAMES),
        *(
            Queue(name="q", durable=durable, auto_delete=auto_delete, exclusive=exclusive)
            for durable, auto_delete, exclusive in product((True, False), repeat=3)
        ),
        Queue(name="q", type="quorum"),
        Queue(name="q", state="down", node="n", external=True),
        Queue(name="q", arguments={"x-expires": 5}),
        Binding(source="e", destination="f", destination_type="exchange"),
        Binding(source="e", destination="q", key_is_text=False),
        Binding(source="e", destination="q", arguments={"x": [1, {"y": None}]}),
        Exchange(name="e"),
    ],
)
def test_the_quick_text_of_an_object_is_its_text(item: TopologyObject) -> None:
    """A saved plan keeps its digest, by whichever way it is made."""
    assert repr([canonical_text(item)]) == repr([canonical_object(item)])
