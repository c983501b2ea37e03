"""Measure the time and memory to parse, compare and plan a large topology: python in_memory.py.

Each size runs in a process of its own and so has its own peak of memory. The first column is the number of queues;
each has two bindings. `all differ` is the time to compare the topology with one in which every queue differs;
`together` does not include it. No broker is involved. Seconds are processor time: other processes on the machine
do not change them.
"""

from __future__ import annotations

import gc
import json
import resource
import subprocess
import sys
import time

from attune_infra.topology.document.parse import parse
from attune_infra.topology.planning.plan import Plan

SIZES = (2_500, 5_000, 10_000, 20_000)
ROUNDS = 3


def document(queues: int, *, ttl: int = 60_000) -> str:
    lines = ["exchanges:", "  e: {type: topic}", "queues:"]
    for number in range(queues):
        lines += [
            f"  queue.{number}:",
            f"    arguments: {{x-dead-letter-exchange: e, x-message-ttl: {ttl}}}",
            "    bindings:",
            f"      - {{exchange: e, routing_key: created.{number}}}",
            f"      - {{exchange: e, routing_key: deleted.{number}}}",
        ]
    return "\n".join(lines)


def measure(queues: int) -> dict[str, float]:
    """Return the processor time of each step, as the best of some rounds, and the peak of memory in MB."""
    gc.disable()  # as the program does
    text = document(queues)
    best: dict[str, float] = {}
    for _ in range(ROUNDS):
        started = time.process_time()
        want = parse(text, source="document")
        parsed = time.process_time()
        have = parse(text, source="document")
        compared = time.process_time()
        plan = Plan.between(have, want)
        digest = plan.digest
        done = time.process_time()
        assert (plan.changes, len(digest)) == ((), 12)
        for step, seconds in (("parse", parsed - started), ("diff and plan", done - compared)):
            best[step] = min(seconds, best.get(step, seconds))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {**best, "together": sum(best.values()), "all differ": time_all_different(queues), "peak MB": peak}


def time_all_different(queues: int) -> float:
    """Return the processor time of comparing two topologies in which every queue differs."""
    have, want = (parse(document(queues, ttl=ttl), source="document") for ttl in (1000, 60_000))
    started = time.process_time()
    plan = Plan.between(have, want)
    spent = time.process_time() - started
    assert len(plan.recreations) == queues
    return spent


def main() -> None:
    print(f"Python {sys.version.split()[0]}; seconds of processor time, best of {ROUNDS}")
    print("  queues bindings    parse  diff+plan  together  us/queue  all differ  peak MB")
    for size in SIZES:
        run = subprocess.run([sys.executable, __file__, str(size)], check=True, capture_output=True, text=True)
        found = json.loads(run.stdout)
        steps = f"{found['parse']:>8.2f} {found['diff and plan']:>10.2f} {found['together']:>9.2f}"
        each = f"{found['together'] / size * 1e6:>9.0f} {found['all differ']:>11.2f} {found['peak MB']:>8.0f}"
        print(f"{size:>8} {2 * size:>8} {steps} {each}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measure(int(sys.argv[1]))))
    else:
        main()
