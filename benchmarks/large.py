"""Measure commands on one large virtual host: 100,000 queues with 300,000 bindings, answered from recorded lists.

A broker with as many queues takes minutes to make, and more memory than most machines have to spare. So its lists
are written as it would answer, and a small server gives them to the program. All else comes from the real broker.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from attune_infra.topology.document.write import write
from attune_infra.topology.model import Arguments, Binding, Exchange, Queue, Topology
from benchmarks.contestant import PROGRAMS, Call, Contestant
from benchmarks.ground import Ground
from benchmarks.ours import AttuneInfra
from benchmarks.results import AtMost, Below, Result, Samples, Target
from benchmarks.workshop import Absent
from support.virtual_host import VirtualHost

LARGE: Final = "large"
SIZES: Final = (10_000, 30_000, 100_000)
"""Numbers of queues; each has three bindings."""
EXCHANGES: Final = 50
MOST_MEGABYTES: Final = 600
_CLOSED_PORT: Final = 1
LINEAR: Final = 1.1
"""Ten times as many queues take at most 1.1 times ten times as long."""
COMMANDS: Final[Mapping[str, tuple[str, ...]]] = {
    "diff": ("diff", "--topology", "{document}"),
    "verify": ("verify", "--topology", "{document}"),
    "export": ("export",),
    "lint": ("lint", "{document}", "--fail-on", "error"),
    "lint --live": ("lint", "--live", "--fail-on", "error"),
}


@dataclass(frozen=True, slots=True)
class Place:
    """A virtual host whose lists are recorded, and the document of its objects."""

    host: VirtualHost
    document: Path

    def call(self, path: str, command: str) -> Call:
        arguments = [part.format(document=self.document) for part in COMMANDS[command]]
        environment = self.host.environment
        if command == "lint":
            environment = {}  # it asks no broker
        if command == "lint --live":
            environment = self.host.at(amqp=[_CLOSED_PORT]).environment  # the queues have no consumers to count
        return Call((path, *arguments), environment)


def topology(queues: int) -> Topology:
    """Return a topology of so many queues, with three bindings each and a dead letter exchange for a half."""
    dead: Arguments = {"x-dead-letter-exchange": "dead", "x-message-ttl": 60_000}
    return Topology.of(
        (
            Exchange(name="dead", type="fanout"),
            Queue(name="dead.queue"),
            Binding(source="dead", destination="dead.queue"),
            *(Exchange(name=f"service.{number}", type="topic") for number in range(EXCHANGES)),
            *(Queue(name=f"queue.{number}", arguments=dead if number % 2 else {}) for number in range(queues)),
            *(
                Binding(
                    source=f"service.{number % EXCHANGES}",
                    destination=f"queue.{number}",
                    routing_key=f"order.{number}.{verb}",
                )
                for number in range(queues)
                for verb in ("created", "changed", "deleted")
            ),
        )
    )


def answers_of(broker: Topology, name: str, overview: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    """Yield the paths and lists by which RabbitMQ 4 answers for these objects in a virtual host."""
    host, node = quote(name, safe=""), "rabbit@recorded"
    exchange = ("name", "type", "durable", "auto_delete", "internal", "arguments")
    queue = ("name", "durable", "auto_delete", "exclusive", "arguments")
    binding = ("source", "destination", "destination_type", "routing_key", "arguments")
    yield "/api/overview", {**overview, "object_totals": {"queues": len(broker.queues)}}
    yield f"/api/exchanges/{host}", _entries(broker.exchanges.values(), exchange)
    about = {"type": "classic", "state": "running", "node": node}
    yield f"/api/queues/{host}", _entries(broker.queues.values(), queue, about)
    to_default = [
        {"source": "", "destination": each, "destination_type": "queue", "routing_key": each, "arguments": {}}
        for each in broker.queues
    ]
    yield f"/api/bindings/{host}", [*to_default, *_entries(broker.bindings, binding)]


def _entries(items: Any, names: tuple[str, ...], more: Mapping[str, object] | None = None) -> list[object]:
    return [{name: getattr(item, name) for name in names} | dict(more or {}) for item in items]


@contextmanager
def recorded(queues: int, ground: Ground) -> Iterator[Place]:
    """Give a virtual host that seems to hold so many queues, for as long as a block lasts."""
    with ground.virtual_host() as host:
        folder = ground.folder / f"recorded-{queues}"
        folder.mkdir()
        objects = topology(queues)
        (folder / "document.yaml").write_text(write(objects), encoding="utf-8")
        index = {}
        for number, (path, answer) in enumerate(answers_of(objects, host.name, ground.overview())):
            index[path] = f"{number}.json"
            (folder / index[path]).write_text(json.dumps(answer, default=dict), encoding="utf-8")
        (folder / "index.json").write_text(json.dumps(index), encoding="utf-8")
        command = [sys.executable, "-I", "-S", str(PROGRAMS / "recorded.py"), str(folder), host.management_url]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            try:
                assert server.stdout is not None
                place = host.at(management=[int(server.stdout.readline())])
                yield Place(place, folder / "document.yaml")
            finally:
                server.kill()


def measure_large(ours: Contestant | Absent, ground: Ground, rounds: int) -> Iterator[Result]:
    """Yield one result: each command at each size, with the peak of memory, in alternating turns."""
    assert isinstance(ours, AttuneInfra)
    samples: list[Samples] = []
    for size in SIZES:
        turns: dict[str, list[tuple[float, float]]] = {command: [] for command in COMMANDS}
        with recorded(size, ground) as place:
            for number in range(rounds):
                print(f"{LARGE}, {size:,} queues: round {number + 1} of {rounds}", file=sys.stderr)
                for command, found in turns.items():
                    found.append(ground.time([place.call(ours.path, command)], by_processor=True))
        samples += (Samples.of(_name(command, size), found, subject=False) for command, found in turns.items())
    yield Result(
        name=LARGE,
        title="commands on queues with three bindings each, from recorded lists; ms of their processor time",
        samples=tuple(samples),
        targets=tuple(_targets()),
    )


def _targets() -> Iterator[Target]:
    few, *_, many = SIZES
    for command in COMMANDS:
        times = LINEAR * many / few
        yield AtMost(subject=_name(command, many), times=times, fastest_of=(_name(command, few),))
        yield Below(subject=_name(command, many), megabytes=MOST_MEGABYTES)


def _name(command: str, queues: int) -> str:
    return f"{command}, {queues:,} queues"
