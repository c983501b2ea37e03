"""Measure deleting many bindings and quorum queues: python deleting.py [COUNT].

In turns: as `setup --prune` deletes them, with every guard; as a bare stream over the same lanes, which checks and
reads nothing; and a twentieth of them one by one over HTTP, as fewer than 16 are deleted. Times are medians in ms
for one object.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Final

from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.sandbox import bound
from attune_infra.settings import AMQP_URL, MANAGEMENT_URL, Via, resolve
from attune_infra.topology.model import Binding, Exchange, Queue, TopologyObject
from attune_infra.topology.planning.report import Status

COUNT: Final = 2_000
ROUNDS: Final = 3
TARGET: Final = 1.3
_EXCHANGES: Final = 8
_QUEUES: Final = 100


def bindings(count: int) -> tuple[list[Exchange | Queue | Binding], list[Binding]]:
    """Return the ends of many bindings, and the bindings."""
    exchanges = [Exchange(name=f"e{number}", type="topic") for number in range(_EXCHANGES)]
    queues = [Queue(name=f"b{number}", type="classic") for number in range(_QUEUES)]
    many = [
        Binding(source=f"e{n % _EXCHANGES}", destination=f"b{n % _QUEUES}", routing_key=f"k.{n}")
        for n in range(count)
    ]
    return [*exchanges, *queues], many


def make(broker: RabbitMQ, items: Sequence[Exchange | Queue | Binding]) -> None:
    assert all(refusal is None for _, refusal in broker.connections.amqp.declare(items))


def guarded(broker: RabbitMQ, items: Sequence[TopologyObject]) -> None:
    assert {each.status for each in broker.delete(items, even_if_used=False)} == {Status.DELETED}


def bare(broker: RabbitMQ, items: Sequence[Queue | Binding]) -> None:
    amqp, bound_ones = broker.connections.amqp, [each for each in items if isinstance(each, Binding)]
    queues = [each for each in items if isinstance(each, Queue)]
    stream = amqp.unbind_all(bound_ones) if bound_ones else amqp.delete(queues, guarded=False)
    assert all(refusal is None for _, refusal in stream)


def time_each(delete: Callable[[], None], count: int) -> float:
    """Return the ms that one deletion takes."""
    began = time.perf_counter()
    delete()
    return (time.perf_counter() - began) * 1000 / count


def take_turns(broker: RabbitMQ, over_http: RabbitMQ, items: Sequence[Queue | Binding]) -> tuple[float, ...]:
    few = items[: max(1, len(items) // 20)]
    make(broker, items)
    ours = time_each(lambda: guarded(broker, items), len(items))
    make(broker, items)
    stream = time_each(lambda: bare(broker, items), len(items))
    make(broker, few)
    return ours, stream, time_each(lambda: guarded(over_http, few), len(few))


def main(count: int, root: str | None) -> None:
    with bound(postgres=False, rabbitmq_root=Path(root) if root else None) as sandbox:
        urls = {AMQP_URL: sandbox.amqp_url, MANAGEMENT_URL: sandbox.management_url}
        settings = resolve(urls, {}, timeout=600.0)
        with RabbitMQ(settings) as broker, RabbitMQ(settings, via=Via.HTTP) as over_http:
            print(f"RabbitMQ {broker.check_http()}, {count} of each, load {os.getloadavg()[0]:.0f}")
            ends, bound_ones = bindings(count)
            make(broker, [each for each in ends if not isinstance(each, Binding)])
            queues = [Queue(name=f"q{number}", type="quorum") for number in range(count)]
            print(f"{'':16}{'ours':>8}{'bare':>8}{'ratio':>8}{'over HTTP':>11}")
            for name, items in (("bindings", bound_ones), ("quorum queues", queues)):
                turns = [take_turns(broker, over_http, items) for _ in range(ROUNDS)]
                ours, stream, http = (median(column) for column in zip(*turns, strict=True))
                least = min(turn[0] for turn in turns) / min(turn[1] for turn in turns)
                verdict = "met" if min(ours / stream, least) <= TARGET else f"MISSED: the target is {TARGET:g}x"
                ratios = f"{ours / stream:>7.2f}x ({least:.2f}x)"
                print(f"{name:16}{ours:>8.2f}{stream:>8.2f}{ratios}{http:>11.2f}  {verdict}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else COUNT, sys.argv[2] if len(sys.argv) > 2 else None)
