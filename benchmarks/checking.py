"""Measure checks of many workers on recorded lists: PYTHONPATH=. python benchmarks/checking.py [WORKERS].

The lists are those that a broker would answer, as JSON, for the built-in topology and healthy workers. Each step
is the processor time in microseconds for each worker, as the best of some rounds. No broker is involved.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from attune_infra.broker import wire
from attune_infra.fleet.health import examine
from attune_infra.fleet.model import Depth, Limits, Member, Sighting
from attune_infra.render.pages import fleet as fleet_page
from attune_infra.render.pages import verify as page
from attune_infra.topology.builtin import text_of
from attune_infra.topology.document.parse import parse
from attune_infra.topology.model import Topology, TopologyObject
from attune_infra.topology.verify import Demands, Seen, Wanted, verify
from attune_infra.topology.worker import consumer_tag_of, with_workers, worker_family

ROUNDS = 4
QUEUE = ("name", "durable", "auto_delete", "exclusive", "arguments")
EXCHANGE = ("name", "type", "durable", "auto_delete", "internal", "arguments")
BINDING = ("source", "destination", "destination_type", "routing_key", "arguments")


class Clock:
    """The least processor time of each step, in seconds."""

    def __init__(self) -> None:
        self.best: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        began = time.process_time()
        yield
        spent = time.process_time() - began
        self.best[name] = min(spent, self.best.get(name, spent))


def listing(items: Callable[[], Iterator[object]], names: tuple[str, ...], **more: object) -> str:
    return json.dumps([{name: getattr(item, name) for name in names} | more for item in items()], default=dict)


def measure(workers: int) -> dict[str, float]:
    """Return the processor time of each step in seconds."""
    gc.disable()  # as the program does
    want, ids, clock = parse(text_of("attune"), source="attune"), range(1, workers + 1), Clock()
    broker = with_workers(want, ids)
    queues = listing(lambda: iter(broker.queues.values()), QUEUE, type="classic", state="running")
    exchanges = listing(lambda: iter(broker.exchanges.values()), EXCHANGE)
    bindings = listing(lambda: iter(broker.bindings), BINDING)
    family = worker_family(want)
    tags = {f"worker.{each}.executions": (consumer_tag_of(family, each),) for each in ids}
    members = {each: Member(id=each, name=f"w{each}", status="busy", heartbeat_age=1.0) for each in ids}
    for _ in range(ROUNDS):
        with clock.step("lists to objects"):
            found: list[TopologyObject] = [*wire.exchanges_from(json.loads(exchanges))]
            found += wire.queues_from(json.loads(queues))
            found += wire.bindings_from(json.loads(bindings))
            have = replace(Topology.of((*found, *want.policies.values())), version=(4, 0))
        with clock.step("wanted objects"):
            wanted = Wanted.of(want, Demands(worker_ids=tuple(ids)))
        with clock.step("verify"):
            checks = verify(Seen(http="4.0.5", amqp="4.0.5", topology=have, consumer_tags=tags), wanted)
        with clock.step("verify, as text"):
            assert list(page.lines(checks))
        with clock.step("verify, as JSON"):
            assert page.data(checks)
        depths = {name: Depth() for name in have.queues}
        seen = Sighting(topology=have, depths=depths, consumer_tags=tags, members=members)
        with clock.step("worker verify"):
            fleet = examine(seen, want, Limits())
        with clock.step("worker list, as text"):
            assert list(fleet_page.lines(fleet_page.Listing(fleet, 120)))
        with clock.step("worker list, as JSON"):
            assert fleet_page.data(fleet_page.Listing(fleet, 120))
    return clock.best


def main() -> None:
    workers = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    print(f"Python {sys.version.split()[0]}; {workers} workers, us/worker of processor time, best of {ROUNDS}")
    for name, seconds in measure(workers).items():
        print(f"{name:<22} {seconds / workers * 1e6:6.2f}")


if __name__ == "__main__":
    main()
