"""Measure registering many workers beside a bare COPY: python registering.py [COUNT...].

Both insert the same rows into the table of a private PostgreSQL, in turns, each over a connection of its own,
whose opening counts. The COPY is the least that psycopg can do: it checks no name and returns no id. Times are
medians in ms.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Final

import psycopg

from attune_infra.fleet.register import Registration
from attune_infra.registry.workers import PostgresRegistry
from attune_infra.sandbox import bound

COUNTS: Final = (2_000, 10_000)
ROUNDS: Final = 9
TARGET: Final = 2.0
_COPY: Final = "COPY worker (name, worker_type, worker_role, status, last_heartbeat) FROM STDIN"
_TIME: Final = "2026-01-01 00:00:00+00"


def open_registry(url: str) -> PostgresRegistry:
    registry = PostgresRegistry(url, timeout=60)
    registry.open()
    return registry


def register(url: str, names: Sequence[str]) -> None:
    with open_registry(url) as registry:
        registry.register_new(names, Registration(name="worker-{n}"))


def copy(url: str, names: Sequence[str]) -> None:
    with psycopg.connect(url) as connection, connection.cursor().copy(_COPY) as rows:
        for name in names:
            rows.write_row((name, "local", "action", "active", _TIME))


def take_turn(insert: Callable[[str, Sequence[str]], None], url: str, names: Sequence[str]) -> float:
    """Return the ms that inserting into an empty table takes."""
    with psycopg.connect(url) as connection:
        connection.execute("TRUNCATE worker RESTART IDENTITY")
    began = time.perf_counter()
    insert(url, names)
    return (time.perf_counter() - began) * 1000


def main(counts: Sequence[int]) -> None:
    with bound() as sandbox:
        url = str(sandbox.database_url)
        with open_registry(url) as registry:
            registry.create()
        print(f"{'workers':>8}{'register':>10}{'bare COPY':>11}{'ratio':>7}")
        for count in counts:
            names = [f"worker-{number}" for number in range(1, count + 1)]
            turns = [(take_turn(register, url, names), take_turn(copy, url, names)) for _ in range(ROUNDS)]
            ours, bare = (median(times) for times in zip(*turns, strict=True))
            verdict = "met" if ours < TARGET * bare else f"MISSED: the target is {TARGET:g}x"
            print(f"{count:>8,}{ours:>10,.1f}{bare:>11,.1f}{ours / bare:>6.2f}x  {verdict}")


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]] or COUNTS)
