"""The steps of a migration, performed on a value: whatever step it was cut at, what is left leads to the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain, combinations
from typing import TypeVar

import pytest

from attune_infra.topology.facts.between import PREFIX
from attune_infra.topology.model import Argument, Binding, Exchange, Queue, Topology
from attune_infra.topology.planning.migration import Migration, Stage, Step

Item = TypeVar("Item")
OLD = Queue(name="orders", type="classic")
SAME_NAME = Queue(name="orders", type="quorum")
OTHER_NAME = Queue(name="renamed", type="classic")
BINDINGS = (
    Binding(source="shop", destination="orders", routing_key="order.#"),
    Binding(source="shop", destination="orders", routing_key="refund.#"),
    Binding(source="match", destination="orders", arguments={"x-match": "any", "kind": "order"}),
)
OTHERS = (
    Exchange(name="shop", type="topic"),
    Exchange(name="match", type="headers"),
    Queue(name="other", type="classic"),
    Binding(source="shop", destination="other", routing_key="#"),
)
BEFORE = Topology.of([OLD, *BINDINGS, *OTHERS])


def perform(step: Step, have: Topology) -> Topology:
    """Return what a broker holds after a step; a queue or exchange that goes takes its bindings along."""
    gone = {("queue" if isinstance(item, Queue) else "exchange", item.name) for item in step.delete}
    objects = [item for item in have.objects() if item not in step.unbind]
    made = {(type(item), item.name) for item in step.make if not isinstance(item, Binding)}
    objects = [item for item in objects if (type(item), getattr(item, "name", "")) not in made]
    left = [
        item
        for item in (*objects, *step.make)
        if (("queue", item.name) if isinstance(item, Queue) else ("exchange", getattr(item, "name", "")))
        not in gone
        and not (
            isinstance(item, Binding)
            and (("exchange", item.source) in gone or (item.destination_type, item.destination) in gone)
        )
    ]
    return Topology.of(left)


def reaches(have: Topology, binding: Binding) -> bool:
    """Return whether a message that matches a binding of the old queue reaches some queue of the migration."""
    here = {(each.destination_type, each.destination) for each in have.bindings if _same_way(each, binding)}
    switch = f"{PREFIX}switch.orders"
    if ("exchange", switch) in here:
        behind = [each for each in have.bindings if each.source == switch]
        return bool(behind) or any(each.source == f"{PREFIX}aside.orders" for each in have.bindings)
    return bool(here)


def _same_way(each: Binding, binding: Binding) -> bool:
    return replace(each, destination=binding.destination, destination_type=binding.destination_type) == binding


def after(want: Queue) -> Topology:
    bound = (replace(each, destination=want.name) for each in BINDINGS)
    return Topology.of([want, *bound, *OTHERS])


@pytest.mark.parametrize("want", [SAME_NAME, OTHER_NAME], ids=lambda queue: queue.name)
def test_the_steps_lead_to_the_wanted_queue_with_all_bindings(want: Queue) -> None:
    have = BEFORE
    for step in Migration("orders", want, have).steps():
        have = perform(step, have)

    assert have == after(want)
    assert Migration("orders", want, have).steps() == ()


@pytest.mark.parametrize("want", [SAME_NAME, OTHER_NAME], ids=lambda queue: queue.name)
def test_wherever_it_is_cut_the_steps_that_are_left_lead_to_the_end(want: Queue) -> None:
    for number in range(len(Migration("orders", want, BEFORE).steps())):
        have = BEFORE
        for step in Migration("orders", want, have).steps()[:number]:
            have = perform(step, have)
        for step in Migration("orders", want, have).steps():
            have = perform(step, have)

        assert have == after(want), number


@pytest.mark.parametrize("want", [SAME_NAME, OTHER_NAME], ids=lambda queue: queue.name)
def test_every_message_has_a_queue_to_go_to_after_each_step(want: Queue) -> None:
    have = BEFORE
    for step in Migration("orders", want, have).steps():
        have = perform(step, have)

        assert all(reaches(have, binding) for binding in BINDINGS), step.sentence


@pytest.mark.parametrize("want", [SAME_NAME, OTHER_NAME], ids=lambda queue: queue.name)
def test_every_message_reaches_exactly_one_queue_while_a_step_is_made_in_any_order(want: Queue) -> None:
    """RabbitMQ is asked for all objects of a step at once, over several channels: any of them may come first."""
    have = BEFORE
    for step in Migration("orders", want, have).steps():
        for made in subsets(step.make):
            for gone in subsets(step.unbind):
                between = perform(replace(step, make=made, unbind=gone, delete=()), have)
                for binding in BINDINGS:
                    assert len(queues_reached(between, binding)) == 1, (step.sentence, made, gone)
        have = perform(step, have)


def subsets(items: Sequence[Item]) -> Iterator[tuple[Item, ...]]:
    return chain.from_iterable(combinations(items, count) for count in range(len(items) + 1))


def queues_reached(have: Topology, binding: Binding) -> set[str]:
    """Return the queues of the migration that get a message which matches a binding of the old queue."""
    here = {(each.destination_type, each.destination) for each in have.bindings if _same_way(each, binding)}
    found = {name for kind, name in here if kind == "queue"}
    if ("exchange", f"{PREFIX}switch.orders") in here:
        behind, aside = (
            {each.destination for each in have.bindings if each.source == f"{PREFIX}{name}.orders"}
            for name in ("switch", "aside")
        )
        found |= behind or aside
    return found


def test_the_old_queue_is_deleted_after_it_was_emptied_and_unbound() -> None:
    steps = Migration("orders", SAME_NAME, BEFORE).steps()
    stages = [step.stage for step in steps]

    deletion = next(number for number, step in enumerate(steps) if OLD in step.delete)
    assert stages[deletion - 1] is Stage.EMPTY
    assert stages.index(Stage.SWITCH) < deletion


def test_a_queue_as_wanted_needs_no_step() -> None:
    assert Migration("other", Queue(name="other", type="classic"), BEFORE).steps() == ()


def test_a_queue_without_bindings_is_only_emptied() -> None:
    have = Topology.of([OLD])
    stages = [step.stage for step in Migration("orders", OTHER_NAME, have).steps()]

    assert stages == [Stage.PREPARE, Stage.EMPTY, Stage.DELETE, Stage.CLEAN]


def test_names_that_would_be_too_long_are_shortened() -> None:
    name = "x" * 250
    migration = Migration(name, Queue(name=name, type="quorum"), Topology.of([Queue(name=name, type="classic")]))

    assert all(len(item.name) <= 255 for step in migration.steps() for item in step.make if hasattr(item, "name"))


def test_the_queue_between_keeps_the_dead_letter_exchange_and_has_no_limit() -> None:
    arguments: dict[str, Argument] = {"x-dead-letter-exchange": "dead", "x-message-ttl": 1000, "x-max-length": 5}
    have = Topology.of([replace(OLD, arguments=arguments)])

    held = Migration("orders", replace(OLD, arguments={}), have).successor

    assert dict(held.arguments) == {"x-dead-letter-exchange": "dead"}


@pytest.mark.parametrize("want", [SAME_NAME, OTHER_NAME], ids=lambda queue: queue.name)
def test_the_switch_is_unbound_before_it_is_deleted(want: Queue) -> None:
    """So no message comes to an exchange while it goes."""
    have, switch = BEFORE, ("exchange", f"{PREFIX}switch.orders")
    for step in Migration("orders", want, have).steps():
        if any(item.name == switch[1] for item in step.delete):
            assert not [each for each in have.bindings if (each.destination_type, each.destination) == switch]
        have = perform(step, have)
