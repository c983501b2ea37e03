"""Measure moving the messages of a queue to another one, beside a shovel and beside a plain program.

Each turn has a virtual host of its own, with a queue that is filled before the clock runs. Afterwards the other
queue must hold all messages.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from attune_infra.broker.moving import frames
from attune_infra.broker.moving.line import Line
from benchmarks.cases import Entry
from benchmarks.contestant import Contestant, Document, Job
from benchmarks.ground import Ground
from benchmarks.match import Contestants
from benchmarks.measure import Failed
from benchmarks.ours import AttuneInfra
from benchmarks.peers.pika import Pika
from benchmarks.peers.shovel import Shovel
from benchmarks.results import AtMost, Below, Result, Samples
from benchmarks.workshop import Absent
from support.plugins import enable_plugins
from support.virtual_host import VirtualHost

MOVING: Final = ("move-classic", "move-quorum")
KINDS: Final[tuple[type[Contestant], ...]] = (AttuneInfra, Shovel, Pika)
SOURCE, TARGET = "from", "to"
_PERSISTENT: Final = b"\x10\x00\x02"
_BODY_BYTES: Final = 1024
_SHARE: Final = 10
_AT_ONCE: Final = 1000


@dataclass(frozen=True, slots=True)
class Part:
    """The part of one contestant in moving messages."""

    entry: Entry[Any]
    share: int = 1
    """It moves the messages divided by this number."""
    is_slow: bool = False
    """True if it moves its share out of a queue with all messages, and its time is multiplied by as much."""
    has_target: bool = True
    """False if it makes the other queue itself."""


MOVE, FEW, RENAME = "attune-infra queue move", "attune-infra queue move, a tenth", "attune-infra migrate --to"
SHOVEL, SHOVEL_TCP, PIKA = "shovel", "shovel over TCP", "pika, a tenth, time x10"
PARTS: Final = (
    Part(Entry(MOVE, AttuneInfra, AttuneInfra.move, subject=True)),
    Part(Entry(SHOVEL, Shovel, Shovel.move)),
    Part(Entry(SHOVEL_TCP, Shovel, Shovel.move_over_tcp)),
    Part(Entry(PIKA, Pika, Pika.move), share=_SHARE, is_slow=True),
    Part(Entry(RENAME, AttuneInfra, AttuneInfra.rename), has_target=False),
    Part(Entry(FEW, AttuneInfra, AttuneInfra.move), share=_SHARE),
)


def measure_moving(
    names: tuple[str, ...], contestants: Contestants, ground: Ground, scale: tuple[int, int]
) -> Iterator[Result]:
    """Yield the result for each pair of queues; `scale` has the number of messages, and that of rounds."""
    enable_plugins(ground.sandbox, "rabbitmq_shovel")
    for name in names:
        yield _play(name, contestants, ground, *scale)


def _play(name: str, contestants: Contestants, ground: Ground, messages: int, rounds: int) -> Result:
    kind = name.removeprefix("move-")
    turns: dict[str, list[tuple[float, float]]] = {part.entry.name: [] for part in PARTS}
    absent: dict[str, str] = {}
    for part in _all_turns(name, rounds):
        entry = part.entry
        if entry.name in absent:
            continue
        try:
            turns[entry.name].append(_take_turn(part, contestants[entry.kind], ground, kind, messages))
        except (Absent, Failed) as reason:
            if entry.subject:
                raise
            absent[entry.name] = str(reason)
    return Result(
        name=name,
        title=f"moving {messages:,} persistent messages of 1 KB from one {kind} queue to another",
        samples=tuple(
            Samples.of(part.entry.name, turns[part.entry.name], subject=part.entry.subject)
            for part in PARTS
            if part.entry.name not in absent
        ),
        absent=absent,
        targets=(
            AtMost(subject=MOVE, times=1 / 0.9, fastest_of=(SHOVEL, SHOVEL_TCP), called="shovel"),
            AtMost(subject=MOVE, times=1 / 3, fastest_of=(PIKA,)),
            Below(subject=MOVE, megabytes=100),
        ),
    )


def _all_turns(name: str, rounds: int) -> Iterator[Part]:
    for number in range(rounds):
        print(f"{name}: round {number + 1} of {rounds}", file=sys.stderr)
        first = number % len(PARTS)
        yield from (*PARTS[first:], *PARTS[:first])


def _take_turn(
    part: Part, contestant: Contestant | Absent, ground: Ground, kind: str, messages: int
) -> tuple[float, float]:
    if isinstance(contestant, Absent):
        raise contestant
    count = messages // part.share
    with ground.virtual_host() as host:
        fill(host, kind, messages if part.is_slow else count, has_target=part.has_target)
        queues = tuple({"name": name} for name in (SOURCE, TARGET))
        document = Document(path=ground.folder, workers=count, exchanges=(), queues=queues, bindings=())
        calls = part.entry.calls(contestant, Job(virtual_host=host, document=document))
        ground.calm()
        before = ground.processor_seconds()
        seconds, megabytes = ground.time(calls)
        spent = (ground.processor_seconds() - before) / count * 1e6
        found = count_messages(host, TARGET)
    if found != count:
        raise Failed(f"it moved {found} of {count} messages")
    figures = (
        f"{count / seconds:,.0f} messages/s, {megabytes:.0f} MB, broker {spent:.0f} µs of processor a message"
    )
    print(f"  {part.entry.name}: {figures}, load {os.getloadavg()[0]:.0f}", file=sys.stderr)
    return seconds * (part.share if part.is_slow else 1), megabytes


def fill(host: VirtualHost, kind: str, count: int, *, has_target: bool) -> None:
    """Make the queues, and publish so many different persistent messages to the first one."""
    connection = host.client()
    with connection.channel() as channel:
        for name in (SOURCE, TARGET) if has_target else (SOURCE,):
            channel.queue_declare(name, durable=True, auto_delete=False, arguments={"x-queue-type": kind})
    line = Line(connection, timeout=60)
    publish = frames.publish(line.channel, b"", SOURCE.encode())
    for start in range(0, count, _AT_ONCE):
        bodies = (b"%*d" % (_BODY_BYTES, number) for number in range(start, min(count, start + _AT_ONCE)))
        contents = (frames.content(line.channel, _PERSISTENT, body, line.frame_max) for body in bodies)
        line.send(b"".join(publish + content for content in contents) + frames.commit(line.channel))
        while not any(event == frames.Method(frames.COMMITTED, b"") for event in line.receive()):
            pass
    line.close()


def count_messages(host: VirtualHost, queue: str) -> int:
    """Return the number of messages that are ready in a queue."""
    with host.client() as connection, connection.channel() as channel:
        return int(channel.queue_declare(queue, passive=True).message_count)
