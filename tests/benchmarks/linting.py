"""How long it takes to lint a large topology: python linting.py.

There are as many bindings as the first column says, in three shapes: each queue with two keys of its own on a
topic exchange (`keys`), with wildcards and dead letters that keep their keys (`patterns`), and all on one queue
(`one queue`). No broker is involved. Seconds are of processor time, so that it does not matter what else the
machine is doing; of the slowest rule its code is told.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from attune_infra.topology.lint.linter import lint
from attune_infra.topology.lint.rules import RULES
from attune_infra.topology.model import Binding, Exchange, Policy, Queue, Topology, TopologyObject

SIZES: Final = (12_500, 25_000, 50_000, 100_000)
ROUNDS: Final = 3
_DEAD_LETTERS: Final = {"x-dead-letter-exchange": "dlx"}


def keys(bindings: int) -> Iterator[TopologyObject]:
    yield from (Exchange(name="e", type="topic"), Exchange(name="dlx", type="fanout"), Queue(name="dead"))
    yield Binding(source="dlx", destination="dead")
    yield Policy(name="p", pattern="^queue", apply_to="queues", definition={"max-length": 1000})
    for number in range(bindings // 2):
        yield Queue(name=f"queue.{number}", arguments=_DEAD_LETTERS)
        yield Binding(source="e", destination=f"queue.{number}", routing_key=f"created.{number}")
        yield Binding(source="e", destination=f"queue.{number}", routing_key=f"deleted.{number}")


def patterns(bindings: int) -> Iterator[TopologyObject]:
    yield from (Exchange(name="e", type="topic"), Exchange(name="dlx", type="topic"))
    for number in range(bindings // 3):
        yield Queue(name=f"queue.{number}", arguments=_DEAD_LETTERS)
        yield Queue(name=f"dead.{number}")
        yield Binding(source="e", destination=f"queue.{number}", routing_key=f"{number}.*.created")
        yield Binding(source="e", destination=f"queue.{number}", routing_key=f"{number}.#")
        yield Binding(source="dlx", destination=f"dead.{number}", routing_key=f"{number}.#")


def one_queue(bindings: int) -> Iterator[TopologyObject]:
    yield from (Exchange(name="e", type="topic"), Queue(name="q"))
    for number in range(bindings):
        yield Binding(source="e", destination="q", routing_key=f"{number}.#" if number % 2 else f"a.{number}")


SHAPES: Final[Mapping[str, Callable[[int], Iterator[TopologyObject]]]] = {
    "keys": keys,
    "patterns": patterns,
    "one queue": one_queue,
}


def seconds(topology: Topology, **options: object) -> float:
    started = time.process_time()
    lint(topology, **options)  # type: ignore[arg-type] # a subset of the rules
    return time.process_time() - started


def main() -> None:
    print(f"Python {sys.version.split()[0]}; seconds of processor time, best of {ROUNDS}")
    print("bindings       shape     lint  us/binding  slowest rule")
    gc.disable()  # as the program does
    for size in SIZES:
        for shape, objects in SHAPES.items():
            topology = Topology.of(objects(size))
            best = min(seconds(topology) for _ in range(ROUNDS))
            alone = {rule.code: seconds(topology, rules=(rule,)) for rule in RULES}
            slowest = max(alone, key=lambda code: alone[code])
            told = f"{slowest} {alone[slowest]:.2f}"
            print(f"{size:>8} {shape:>11} {best:>8.2f} {best / size * 1e6:>11.1f}  {told}", flush=True)


if __name__ == "__main__":
    main()
