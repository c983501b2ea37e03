"""Measure the time to lint a large topology: python linting.py [SHAPE...].

The first column is the number of bindings. The shapes are likely ones, and some unlikely ones that would be slow
for a program that compares each binding with every other. No broker is involved. Seconds are processor time: other
processes on the machine do not change them. `times` is the ratio to the row before. `lint FILE` is the command in
a process of its own, which reads the topology from a document. The last column is the slowest rule, run alone.
"""

from __future__ import annotations

import gc
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from attune_infra.topology.document.write import write
from attune_infra.topology.lint.linter import lint
from attune_infra.topology.lint.rules import RULES
from attune_infra.topology.model import Arguments, Binding, Exchange, Policy, Queue, Topology, TopologyObject

SIZES: Final = (12_500, 25_000, 50_000, 100_000)
ROUNDS: Final = 2
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


def overlapping(bindings: int) -> Iterator[TopologyObject]:
    """Yield bindings of one queue whose keys begin alike, with wildcards everywhere."""
    yield from (Exchange(name="e", type="topic"), Queue(name="q"))
    for number in range(bindings):
        one, two, three = number % 50, number // 50 % 50, number // 2500
        key = (f"a{one}.*.b{two}.c{three}", f"*.a{one}.#.c{two}.{three}", f"#.a{one}.*.{two}.{three}")
        yield Binding(source="e", destination="q", routing_key=key[number % 3])


def stars(bindings: int) -> Iterator[TopologyObject]:
    yield from (Exchange(name="e", type="topic"), Queue(name="q"))
    for number in range(bindings):
        yield Binding(source="e", destination="q", routing_key="*." * (number % 20) + str(number))


def everything(bindings: int) -> Iterator[TopologyObject]:
    """Yield bindings with one key that differ in arguments without effect."""
    yield from (Exchange(name="e", type="topic"), Queue(name="q"))
    for number in range(bindings):
        yield Binding(source="e", destination="q", routing_key="#", arguments={"number": number})


def headers(bindings: int) -> Iterator[TopologyObject]:
    yield from (Exchange(name="e", type="headers"), Queue(name="q"))
    for number in range(bindings):
        match = "any" if number % 2 else "all"
        arguments: Arguments = {"x-match": match, "number": number, "kind": number % 7}
        yield Binding(source="e", destination="q", arguments=arguments)


def lost(bindings: int) -> Iterator[TopologyObject]:
    """Yield queues whose dead letters match no binding of their exchange."""
    yield from (Exchange(name="e", type="topic"), Exchange(name="dlx", type="direct"))
    for number in range(bindings // 2):
        yield Queue(name=f"queue.{number}", arguments=_DEAD_LETTERS)
        yield Binding(source="e", destination=f"queue.{number}", routing_key=f"*.{number}.#")
        yield Binding(source="dlx", destination=f"queue.{number}", routing_key=f"dead.{number}.letter.{number}")


def exchanges(bindings: int) -> Iterator[TopologyObject]:
    """Yield a chain of exchanges."""
    for number in range(bindings):
        yield Exchange(name=f"e{number:06}", type="topic")
        to = ("exchange", f"e{number + 1:06}") if number < bindings - 1 else ("queue", "q")
        yield Binding(source=f"e{number:06}", destination_type=to[0], destination=to[1], routing_key="#")
    yield Queue(name="q")


def lives(bindings: int) -> Iterator[TopologyObject]:
    """Yield a chain of queues, each the dead letter queue of the one before."""
    yield Exchange(name="dlx", type="direct")
    for number in range(bindings):
        arguments: Arguments = {
            **_DEAD_LETTERS,
            "x-dead-letter-routing-key": f"{number + 1:06}",
            "x-message-ttl": 1,
        }
        yield Queue(name=f"q{number:06}", arguments=arguments if number < bindings - 1 else {})
        yield Binding(source="dlx", destination=f"q{number:06}", routing_key=f"{number:06}")


SHAPES: Final[Mapping[str, Callable[[int], Iterator[TopologyObject]]]] = {
    shape.__name__.replace("_", "-"): shape
    for shape in (
        keys,
        patterns,
        one_queue,
        overlapping,
        stars,
        everything,
        headers,
        lost,
        exchanges,
        lives,
    )
}


def seconds(topology: Topology, **options: object) -> float:
    started = time.process_time()
    lint(topology, **options)  # type: ignore[arg-type] # a subset of the rules
    return time.process_time() - started


def seconds_of_process(topology: Topology) -> float:
    """Return the processor time of the command on a document, which it also has to read."""
    command = [sys.executable, "-m", "attune_infra", "lint", "-", "--fail-on", "error", "-o", "json"]
    text, before = write(topology), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, input=text, stdout=subprocess.DEVNULL, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    print(f"Python {sys.version.split()[0]}; seconds of processor time, best of {ROUNDS}")
    print("bindings        shape     lint  times  lint FILE  slowest rule")
    gc.disable()  # as the program does
    for shape in sys.argv[1:] or SHAPES:
        before = 0.0
        for size in SIZES:
            topology = Topology.of(SHAPES[shape](size))
            best = min(seconds(topology) for _ in range(ROUNDS))
            alone = {rule.code: seconds(topology, rules=(rule,)) for rule in RULES} if size == SIZES[-1] else {}
            slowest = max(alone, key=lambda code: alone[code], default="")
            details = f"{seconds_of_process(topology):>9.2f}  {slowest} {alone[slowest]:.2f}" if alone else ""
            times = f"{best / before:.1f}" if before else ""
            print(f"{size:>8} {shape:>12} {best:>8.2f} {times:>6}  {details}".rstrip(), flush=True)
            before = best


if __name__ == "__main__":
    main()
