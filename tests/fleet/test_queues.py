"""Findings about queues, and their order."""

from __future__ import annotations

from dataclasses import replace

import pytest

from attune_infra.errors import ExitCode, InvalidInput
from attune_infra.fleet.model import Depth
from attune_infra.fleet.queue_details import details_of
from attune_infra.fleet.queues import Column, Finding, Numbers, Selection, examine
from attune_infra.topology.model import Binding, Exchange, Policy, Queue, Topology, TopologyObject

BOUND = {"x-max-length": 5}
IDLE = Numbers(depth=Depth(), consumers=0, rate_in=0.0, rate_out=0.0, idle=60.0)
USED = Numbers(depth=Depth(), consumers=1, rate_in=2.0, rate_out=2.0, idle=0.0)
FULL = Numbers(depth=Depth(ready=3), consumers=0)


def findings(numbers: Numbers, *objects: TopologyObject, of: str = "q") -> tuple[Finding, ...]:
    found = examine(Topology.of(objects), {of: numbers})
    return next(queue.findings for queue in found.queues if queue.name == of)


def queue(name: str = "q", /, **arguments: int | str) -> Queue:
    return Queue(name=name, arguments={f"x-{key.replace('_', '-')}": value for key, value in arguments.items()})


def test_an_orphan_has_no_binding_and_no_consumer() -> None:
    exchange, binding = Exchange(name="e"), Binding(source="e", destination="q")

    assert findings(IDLE, queue(max_length=5)) == (Finding.ORPHAN,)
    assert findings(IDLE, queue(max_length=5), exchange, binding) == ()
    assert findings(USED, queue(max_length=5)) == ()
    assert findings(Numbers(), queue(max_length=5)) == (), "without statistics nobody knows the consumers"


def test_a_queue_that_messages_come_to_by_name_is_no_orphan() -> None:
    busy = Numbers(depth=Depth(), consumers=0, rate_in=1.0)

    assert Finding.ORPHAN not in findings(busy, queue())
    assert Finding.ORPHAN not in findings(IDLE, Queue(name="q", exclusive=True))


@pytest.mark.parametrize(
    ("arguments", "is_bounded"),
    [
        ({}, False),
        ({"expires": 1000}, False),
        ({"max_length": 5}, True),
        ({"max_length_bytes": 5}, True),
        ({"message_ttl": 5}, True),
        ({"max_age": "1h"}, True),
    ],
)
def test_an_argument_bounds_a_queue(arguments: dict[str, int | str], *, is_bounded: bool) -> None:
    assert (Finding.UNBOUNDED not in findings(USED, queue(**arguments))) == is_bounded


def test_a_policy_in_effect_bounds_a_queue() -> None:
    bound = Policy(name="p", pattern="^q", definition={"max-length": 5}, priority=1)
    winner = Policy(name="w", pattern="^q", definition={"expires": 5}, priority=2)

    assert findings(USED, queue(), bound) == ()
    assert findings(USED, queue(), bound, winner) == (Finding.UNBOUNDED,)


def test_dead_letters_wait_in_the_queue_at_the_end_of_their_path() -> None:
    source, target = queue("source", dead_letter_exchange="dlx", max_length=5), queue(max_length=5)
    path = (source, target, Exchange(name="dlx", type="fanout"), Binding(source="dlx", destination="q"))

    assert findings(FULL, *path) == (Finding.DEAD_LETTERS,)
    assert findings(IDLE, *path) == ()
    assert findings(FULL, target, *path[2:]) == (Finding.BACKLOG,)


def test_a_dead_letter_path_by_the_default_exchange_makes_no_orphan() -> None:
    source = queue("source", dead_letter_exchange="", dead_letter_routing_key="q")

    assert findings(IDLE, source, queue(max_length=5)) == ()


def test_a_queue_that_is_down_is_drift() -> None:
    found = examine(Topology.of([Queue(name="q", state="down", arguments=BOUND)]), {})

    assert (found.queues[0].findings, found.exit_code) == ((Finding.DOWN,), ExitCode.DRIFT)
    assert found.select(Selection(text="other")).exit_code is ExitCode.DONE


@pytest.mark.parametrize("is_listed", [True, False])
def test_a_queue_that_is_down_may_have_bindings_that_are_not_listed(is_listed: bool) -> None:
    binding = Binding(source="amq.topic", destination="q", routing_key="k")
    down = Queue(name="q", state="down", arguments=BOUND)
    found = examine(Topology.of([down, *([binding] if is_listed else ())]), {"q": IDLE})

    [reason] = found.queues[0].reasons

    assert reason.finding is Finding.DOWN
    assert ("RabbitMQ lists none of its bindings" in reason.detail) is not is_listed


def test_the_selection_sorts_and_filters() -> None:
    numbers = {"a": IDLE, "b": FULL, "c": Numbers()}
    found = examine(Topology.of([queue("a"), queue("b"), queue("c", max_length=5)]), numbers)

    def names(selection: Selection) -> list[str]:
        return [each.name for each in found.select(selection).queues]

    assert names(Selection()) == ["b", "a", "c"]
    assert names(Selection(sort=Column.READY)) == ["b", "a", "c"]
    assert names(Selection(sort=Column.IDLE)) == ["a", "b", "c"]
    assert names(Selection(sort=Column.NAME, reverse=True)) == ["c", "b", "a"]
    assert names(Selection(findings=frozenset({Finding.UNBOUNDED}))) == ["b", "a"]
    assert names(Selection(text="C")) == ["c"]


@pytest.mark.parametrize("column", Column)
def test_every_column_sorts(column: Column) -> None:
    found = examine(Topology.of([queue("a"), queue("b")]), {"a": USED})

    assert len(found.select(Selection(sort=column)).queues) == 2


def test_details_follow_a_message_through_each_kind_of_binding() -> None:
    topology = Topology.of(
        [
            queue(),
            Exchange(name="t", type="topic"),
            Exchange(name="h", type="headers"),
            Binding(source="t", destination="q", routing_key="*.created.#"),
            Binding(source="h", destination="q", arguments={"x-match": "all", "format": "pdf"}),
        ]
    )

    details = details_of(examine(topology, {}), "q")

    assert [trace.routed.queues for trace in details.traces] == [("q",), ("q",)]
    by_name = details_of(examine(Topology.of([queue()]), {}), "q")
    assert [trace.routed.message.exchange for trace in by_name.traces] == [""]


def test_details_of_an_unknown_queue_guess_the_one_that_is_meant() -> None:
    with pytest.raises(InvalidInput, match=r"queue 'ordrs' does not exist; did you mean 'orders'\?"):
        details_of(examine(Topology.of([queue("orders")]), {}), "ordrs")


def test_an_orphan_tells_since_when_it_is_idle_if_rabbitmq_does() -> None:
    def detail(numbers: Numbers) -> str:
        [reason] = examine(Topology.of([queue(max_length=5)]), {"q": numbers}).queues[0].reasons
        return reason.detail

    assert detail(replace(IDLE, idle_since="2026-11-30 12:00:00")).endswith(", idle since 2026-11-30 12:00:00")
    assert detail(IDLE).endswith("that of the default exchange")


def test_queues_are_sorted_by_their_numbers_the_largest_first() -> None:
    depths = {"few": Depth(ready=1), "many": Depth(ready=9), "empty": Depth()}
    numbers = {name: Numbers(depth=depth) for name, depth in depths.items()}
    found = examine(Topology.of([queue(name) for name in (*depths, "unknown")]), numbers)

    chosen = found.select(Selection(sort=Column.READY))

    assert [each.name for each in chosen.queues] == ["many", "few", "empty", "unknown"]


def test_details_of_a_queue_that_is_down_are_drift() -> None:
    queues = examine(Topology.of([Queue(name="up"), Queue(name="down", state="down")]), {})

    assert details_of(queues, "up").exit_code is ExitCode.DONE
    assert details_of(queues, "down").exit_code is ExitCode.DRIFT


def test_the_numbers_of_a_queue_are_those_of_its_depth() -> None:
    [known, unknown] = examine(
        Topology.of([queue("a"), queue("b")]), {"a": Numbers(depth=Depth(ready=3, unacknowledged=2))}
    ).queues

    assert (known.ready, known.unacknowledged) == (3, 2)
    assert (unknown.ready, unknown.unacknowledged) == (None, None)


def test_queues_on_an_unknown_node_come_last() -> None:
    numbers = {"b": Numbers(node="rabbit@b"), "c": Numbers(node="rabbit@a")}
    found = examine(Topology.of([queue("a"), queue("b"), queue("c")]), numbers)

    assert [each.name for each in found.select(Selection(sort=Column.NODE)).queues] == ["c", "b", "a"]


def test_an_example_message_has_words_for_wildcards() -> None:
    topology = Topology.of(
        [
            queue(),
            Exchange(name="t", type="topic"),
            Binding(source="t", destination="q", routing_key="*.created.#"),
        ]
    )

    [trace] = details_of(examine(topology, {}), "q").traces

    assert trace.routed.message.routing_key == "any.created.any"
