"""Measure one document of many virtual hosts: 100 of them, with 100 objects each, set up and compared.

The bare lists are those that a comparison needs, of each virtual host or of the whole broker. curl fetches as many
of them at a time as the program goes through virtual hosts at a time, and makes as many bare virtual hosts.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from attune_infra.cli._each import AT_ONCE
from attune_infra.topology.document.write import write
from attune_infra.topology.model import Binding, Exchange, Queue, Topology, TopologyObject, VirtualHost
from benchmarks.contestant import Call, Contestant
from benchmarks.floors import EXCHANGE_COLUMNS, QUEUE_COLUMNS, Curl
from benchmarks.ground import Ground
from benchmarks.match import Contestants
from benchmarks.ours import AttuneInfra
from benchmarks.results import AtMost, Result, Samples, Target
from benchmarks.workshop import Absent

VIRTUAL_HOSTS: Final = "virtual-hosts"
SIZES: Final = (50, 100, 200)
EXCHANGES, QUEUES = 10, 30
BINDINGS_OF_A_QUEUE: Final = 2
LINEAR: Final = 1.15
"""Four times as many virtual hosts take at most 1.15 times four times as long."""
MAKE, AGAIN, COMPARE = "attune-infra setup", "attune-infra setup, all exists", "attune-infra diff"
LISTS, WHOLE_LISTS = "floor: bare lists", "floor: three lists of the whole broker"
MAKE_BARE = "floor: make the bare virtual hosts"


@dataclass(frozen=True, slots=True)
class Turn:
    """The programs, the broker, and the document of so many virtual hosts."""

    ours: AttuneInfra
    curl: Curl
    ground: Ground
    document: Path
    names: tuple[str, ...]

    def calls(self) -> dict[str, Call]:
        """Return the calls of a round in their order; the first one makes all."""
        given = ("--topology", str(self.document))
        environment = self.ground.whole.environment
        return {
            MAKE: Call((self.ours.path, "setup", *given), environment),
            COMPARE: Call((self.ours.path, "diff", *given), environment),
            LISTS: self._fetch([path for name in self.names for path in _lists_of(quote(name, safe=""))]),
            AGAIN: Call((self.ours.path, "setup", *given), environment),
            WHOLE_LISTS: self._fetch(_lists_of("")),
        }

    def make_bare(self) -> Call:
        """Return the call that makes the virtual hosts with nothing in them."""
        put = ("-X", "PUT", "-H", "content-type: application/json", "-d", "{}")
        return self._fetch([f"vhosts/{quote(name, safe='')}" for name in self.names], put)

    def _fetch(self, paths: list[str], more: tuple[str, ...] = ()) -> Call:
        """Return requests over so many connections, which are kept."""
        each = [("-o", os.devnull, f"{self.ground.whole.management_url}/api/{path}") for path in paths]
        words = [word for words in each for word in words]
        lanes = ("--parallel", "--parallel-max", str(AT_ONCE))
        return Call((self.curl.path, "-sSf", "-u", "guest:guest", *more, *lanes, *words))


def _lists_of(host: str) -> list[str]:
    within = f"/{host}" if host else ""
    return [f"exchanges{within}?{EXCHANGE_COLUMNS}", f"queues{within}?{QUEUE_COLUMNS}", f"bindings{within}"]


def topology(names: tuple[str, ...]) -> Topology:
    """Return a topology of virtual hosts with a hundred objects each."""
    objects: tuple[TopologyObject, ...] = (
        *(Exchange(name=f"service.{number}", type="topic") for number in range(EXCHANGES)),
        *(Queue(name=f"queue.{number}") for number in range(QUEUES)),
        *(
            Binding(
                source=f"service.{number % EXCHANGES}",
                destination=f"queue.{number}",
                routing_key=f"order.{number}.{verb}",
            )
            for number in range(QUEUES)
            for verb in range(BINDINGS_OF_A_QUEUE)
        ),
    )
    return Topology(virtual_hosts={name: Topology.of((VirtualHost(name=name), *objects)) for name in names})


def measure_hosts(contestants: Contestants, ground: Ground, rounds: int) -> Iterator[Result]:
    """Yield one result: setup and diff beside the bare lists, for more and more virtual hosts."""
    ours, curl = (_insist(contestants[kind]) for kind in (AttuneInfra, Curl))
    assert isinstance(ours, AttuneInfra)
    assert isinstance(curl, Curl)
    samples: list[Samples] = []
    for size in SIZES:
        names = tuple(f"benchmark {number}" for number in range(size))
        document = ground.folder / f"hosts-{size}.yaml"
        document.write_text(write(topology(names)), encoding="utf-8")
        turn = Turn(ours, curl, ground, document, names)
        turns: dict[str, list[tuple[float, float]]] = {name: [] for name in turn.calls()}
        for number in range(rounds):
            print(f"{VIRTUAL_HOSTS}, {size}: round {number + 1} of {rounds}", file=sys.stderr)
            with _empty(names, ground):
                for name, call in turn.calls().items():
                    turns[name].append(ground.time([call]))
        with _empty(names, ground):
            turns[MAKE_BARE] = [ground.time([turn.make_bare()])]
        samples += (Samples.of(_name(what, size), found, subject=False) for what, found in turns.items())
    yield Result(
        name=VIRTUAL_HOSTS,
        title="setup and diff of virtual hosts with 100 objects each, in one document",
        samples=tuple(samples),
        targets=tuple(_targets()),
    )


def _insist(contestant: Contestant | Absent) -> Contestant:
    if isinstance(contestant, Absent):
        raise contestant
    return contestant


@contextmanager
def _empty(names: tuple[str, ...], ground: Ground) -> Iterator[None]:
    """Delete the virtual hosts after a round."""
    try:
        yield
    finally:
        for name in names:
            ground.delete_virtual_host(name)


def _targets() -> Iterator[Target]:
    few, *_, many = SIZES
    for size in SIZES:
        floors = (_name(LISTS, size), _name(WHOLE_LISTS, size))
        yield AtMost(subject=_name(COMPARE, size), times=1.5, fastest_of=floors)
    for what in (MAKE, COMPARE):
        yield AtMost(subject=_name(what, many), times=LINEAR * many / few, fastest_of=(_name(what, few),))


def _name(what: str, hosts: int) -> str:
    return f"{what}, {hosts}"
