"""Measure the time to index a large topology, and then to trace a message: python routing.py [BINDINGS...].

The first column is the number of bindings, which lead from one exchange to a thousand queues with a dead letter
exchange; each type of exchange has its columns. No broker is involved. Seconds are processor time: other processes
on the machine do not change them. Milliseconds are those of the slowest of some messages, traced with its dead
letters.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Iterator

from attune_infra.topology.model import Arguments, Binding, Exchange, Message, Queue, Topology
from attune_infra.topology.routing.route import Routing
from attune_infra.topology.routing.trace import trace

SIZES = (12_500, 25_000, 50_000, 100_000)
TYPES = ("direct", "topic", "headers")
QUEUES = 1000
MESSAGES = 100


def topology(bindings: int, kind: str) -> Topology:
    dead: Arguments = {"x-dead-letter-exchange": "dead", "x-message-ttl": 60_000}
    return Topology.of(
        (
            Exchange(name="e", type=kind),
            Exchange(name="dead", type="fanout"),
            Queue(name="dead.queue"),
            Binding(source="dead", destination="dead.queue"),
            *(Queue(name=f"queue.{number}", arguments=dead) for number in range(QUEUES)),
            *(_binding(number, kind) for number in range(bindings)),
        )
    )


def _binding(number: int, kind: str) -> Binding:
    """Return a binding; every third topic pattern has a `*`, and every third a `#`."""
    patterns = (f"event.{number}.created", f"event.{number}.*", f"#.{number}.created")
    return Binding(
        source="e",
        destination=f"queue.{number % QUEUES}",
        routing_key=patterns[number % 3] if kind == "topic" else f"event.{number}.created",
        arguments={"kind": "event", "number": number} if kind == "headers" else {},
    )


def messages(bindings: int) -> Iterator[Message]:
    for number in range(0, bindings, bindings // MESSAGES):
        headers: Arguments = {"kind": "event", "number": number}
        yield Message(exchange="e", routing_key=f"event.{number}.created", headers=headers)


def measure(bindings: int, kind: str) -> tuple[float, float]:
    """Return the seconds of the first trace, which makes the index, and the milliseconds of the slowest one."""
    wanted = topology(bindings, kind)
    started = time.process_time()
    routing = Routing(wanted)
    trace(routing, next(messages(bindings)))
    indexed = time.process_time() - started
    slowest = 0.0
    for message in messages(bindings):
        started = time.process_time()
        found = trace(routing, message)
        slowest = max(slowest, time.process_time() - started)
        assert len(found.routed.queues) == 1
        assert len(found.lives) == 2
    return indexed, slowest * 1000


def main() -> None:
    gc.disable()  # as the program does
    print(
        f"Python {sys.version.split()[0]}; seconds of processor time to index, milliseconds for the slowest trace"
    )
    print("bindings" + "".join(f"   {kind:>7}: index    trace" for kind in TYPES))
    for size in [int(word) for word in sys.argv[1:]] or SIZES:
        found = [measure(size, kind) for kind in TYPES]
        print(f"{size:>8}" + "".join(f"{seconds:>15.2f} s {trace_ms:>6.2f}ms" for seconds, trace_ms in found))


if __name__ == "__main__":
    main()
