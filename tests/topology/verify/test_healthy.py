"""Healthy workers, found all at once: the checks of thousands are exactly those that each gets by itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random

import pytest

from attune_infra.render.pages import verify as page
from attune_infra.render.words import MAX_WORKERS_SHOWN
from attune_infra.topology.model import Binding, Exchange, Policy, Queue, Topology, TopologyObject, WorkerFamily
from attune_infra.topology.verify import Demands, Seen, Verification, Wanted, healthy, verify
from attune_infra.topology.worker import consumer_tag_of, objects_of

IDS = tuple(range(3, 63))
FAMILY = WorkerFamily(
    consumer_tag="tag-{worker_id}",
    queues=(
        Queue(name="worker.{worker_id}.in", durable=False, auto_delete=True),
        Queue(name="worker.{worker_id}.out"),
    ),
    bindings=(
        Binding(source="e", destination="worker.{worker_id}.in", routing_key="worker.{worker_id}"),
        Binding(source="e", destination="worker.{worker_id}.out", routing_key="all"),
    ),
)
WANT = Topology.of([Exchange(name="e"), Queue(name="q"), Policy(name="p", pattern="^worker")], workers=FAMILY)
FAULTS = 8
SEEDS = range(40)


def spoil(item: Queue | Binding, random: Random) -> Iterator[TopologyObject]:
    """Yield an object as a broker could hold it instead."""
    if isinstance(item, Binding):
        yield from random.choice(
            (
                (),
                (replace(item, routing_key="other"),),
                (replace(item, arguments={"x": 1}),),
                (item, replace(item, arguments={"x": 1})),
                (replace(item, key_is_text=False), item),
                (replace(item, source="f"),),
            )
        )
        return
    yield from random.choice(
        (
            (),
            (replace(item, durable=not item.durable),),
            (replace(item, type="quorum"),),
            (replace(item, type=None, state=None),),
            (replace(item, state="down"),),
            (replace(item, arguments={"x-max-length": 5}),),
            (replace(item, arguments={"x-expires": 5}),),
            (item, Queue(name=f"{item.name}.more")),
        )
    )


def seen(random: Random) -> Seen:
    """Return the answers of a broker on which some workers are not as they should be."""
    faulty = set(random.sample(IDS, random.randrange(FAULTS)))
    held: list[TopologyObject] = [Exchange(name="e"), Exchange(name="f"), Queue(name="undeclared")]
    tags, counts = dict[str, tuple[str, ...]](), dict[str, int]()
    usual = random.choice(("own", "none", "other"))
    for each in IDS:
        consumers = {"own": (consumer_tag_of(FAMILY, each),), "none": (), "other": (f"other-{each}",)}
        for item in objects_of(FAMILY, each):
            there = replace(item, type="classic", state="running") if isinstance(item, Queue) else item
            held += spoil(there, random) if each in faulty and random.random() < 0.5 else (there,)
            if isinstance(item, Queue):
                kind = usual if item.name.endswith("out") and random.random() < 0.9 else "own"
                tags[item.name] = consumers[kind if random.random() < 0.95 else random.choice([*consumers])]
                if random.random() < 0.1:
                    counts[item.name] = random.randrange(2)
    have = replace(Topology.of(held), version=(4, 3))
    if random.random() < 0.3:  # a private queue of the same name
        hidden = Topology.of([Queue(name=f"worker.{IDS[0]}.in", durable=False, auto_delete=True)])
        queues = {name: queue for name, queue in have.queues.items() if name not in hidden.queues}
        have = replace(have, hidden=hidden, queues=queues)
    return Seen(http="4.3.6", amqp="4.3.6", topology=have, consumer_tags=tags, consumer_counts=counts)


def outputs(found: Verification) -> tuple[object, ...]:
    return (
        [*found.checks],
        found.counts(),
        found.exit_code,
        [*page.lines(found)],
        page.data(found),
        page.review(found),
    )


def asked(seed: int) -> tuple[Seen, Wanted]:
    random = Random(seed)  # noqa: S311 - no secret
    demands = Demands(worker_ids=IDS, require_consumers=random.random() < 0.5, strict=random.random() < 0.5)
    return seen(random), Wanted.of(WANT, demands)


def kinds(answers: Seen, want: Wanted) -> list[int]:
    """Return the number of workers of each healthy kind."""
    assert answers.topology is not None
    return [*map(len, healthy.find_healthy(answers, answers.topology, want).kinds)]


@pytest.mark.parametrize("seed", SEEDS)
def test_checks_of_all_at_once_are_those_of_each(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(healthy, "FEWEST_ALIKE", MAX_WORKERS_SHOWN + 1)
    at_once = outputs(verify(*asked(seed)))
    monkeypatch.setattr(healthy, "FEWEST_ALIKE", len(IDS) + 1)

    assert kinds(*asked(seed)) == []
    assert at_once == outputs(verify(*asked(seed)))


def test_many_of_these_workers_are_healthy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(healthy, "FEWEST_ALIKE", MAX_WORKERS_SHOWN + 1)

    assert sum(map(bool, (kinds(*asked(seed)) for seed in SEEDS))) > len(SEEDS) / 2


def test_a_healthy_worker_is_looked_at_by_itself_only_when_somebody_asks() -> None:
    ids = tuple(range(1, 1001))
    have = Topology.of([*WANT.objects(), *(item for each in ids for item in objects_of(FAMILY, each))])

    found = verify(Seen(http="4.3.6", amqp=None, topology=have), Wanted.of(WANT, Demands(worker_ids=ids)))

    assert found.counts().total() == len(found.checks) > 6 * len(ids)
    assert len([*found.groups()]) < 20


def test_kinds_are_too_large_to_be_shown_one_by_one() -> None:
    assert healthy.FEWEST_ALIKE > MAX_WORKERS_SHOWN


@pytest.mark.parametrize(
    "family",
    [
        replace(FAMILY, queues=tuple(replace(each, arguments={"x": 1}) for each in FAMILY.queues)),
        replace(FAMILY, bindings=tuple(replace(each, arguments={"x": 1}) for each in FAMILY.bindings)),
    ],
)
def test_workers_with_arguments_are_looked_at_one_by_one(family: WorkerFamily) -> None:
    """A policy may make up for a difference in arguments, which only the exact comparison knows."""
    ids = tuple(range(1, 301))
    have = Topology.of(item for each in ids for item in objects_of(family, each))
    want = Wanted.of(replace(WANT, workers=family), Demands(worker_ids=ids))

    assert kinds(Seen(http="4.3.6", amqp=None, topology=have), want) == []
