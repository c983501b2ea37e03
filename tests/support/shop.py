"""A shop: a queue with messages and live traffic, and the document of the queue that is wanted in its place."""

from __future__ import annotations

import random
import re
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.errors import ExitCode
from attune_infra.topology.facts.between import PREFIX
from support.as_a_user import Command
from support.traffic import Consumer, Publisher, Record, publish_many, read_all
from support.virtual_host import VirtualHost

Tally: TypeAlias = Callable[[str, object], None]
"""Takes a number to count over all tests, with its name."""
SOURCE: Final = "orders"
KEY: Final = "order.new"
BACKLOG: Final = 9
"""The publisher of the messages that are there before."""
_TWICE: Final = re.compile(r"handled twice: (\d+)")
_WRITTEN: Final = 3.0
_PAUSE: Final = 0.05


@dataclass(frozen=True)
class Case:
    """A queue, and the queue that is wanted: types, arguments and the name."""

    before: str
    after: str
    name: str = SOURCE
    arguments: str = "{}"

    @property
    def is_in_suite(self) -> bool:
        return (self.before, self.after, self.name) in _IN_SUITE

    def __str__(self) -> str:
        return f"{self.before} to {self.after}" + (f", {self.name}" if self.renames else "")

    @property
    def renames(self) -> bool:
        return self.name != SOURCE

    @property
    def document(self) -> str:
        return (
            f"exchanges:\n  shop: {{type: topic}}\nqueues:\n  {self.name}:\n    type: {self.after}\n"
            f"    arguments: {self.arguments}\n    bindings:\n      - {{exchange: shop, routing_key: 'order.#'}}\n"
        )


_IN_SUITE: Final = {
    ("classic", "quorum", SOURCE),
    ("quorum", "classic", "renamed"),
    ("classic", "stream", SOURCE),
    ("stream", "quorum", "renamed"),
}
TYPES: Final = ("classic", "quorum", "stream")
CASES: Final = [
    Case(before, after, name, "{x-max-length-bytes: 1000000000}" if before == after else "{}")
    for before in TYPES
    for after in TYPES
    for name in (SOURCE, "renamed")
]


@dataclass
class Shop:
    """A virtual host with the old queue, its backlog, and the document of the wanted queue."""

    vhost: VirtualHost
    command: Command
    case: Case
    document: Path
    record: Record
    cuts: int = 0
    """Times that something was killed or cut."""
    said: int = 0
    """Messages that the command says are handled twice."""
    _first_seen: dict[str, float] = field(default_factory=dict)

    @property
    def line(self) -> tuple[str, ...]:
        to = ("--to", self.case.name) if self.case.renames else ()
        return ("migrate", SOURCE, "--topology", str(self.document), "--yes", "--consumers", "cancel", *to)

    def cut(self, chance: random.Random) -> bool:
        """Run the command, and kill it at a random moment; return False if it ended before."""
        with self.command.start(*self.line) as process:
            ended = self.wait(process, chance)
            process.kill()
            self.note(process.communicate()[1])
        return not ended

    def note(self, errors: str) -> None:
        """Count the messages that the command says are handled twice."""
        self.said += sum(map(int, _TWICE.findall(errors)))

    def wait(self, process: subprocess.Popen[str], chance: random.Random) -> bool:
        """Wait for a random time; return True if the process has ended by itself."""
        try:
            process.wait(0.3 + chance.random() * 2.0)
        except subprocess.TimeoutExpired:
            return False
        return True

    def wait_until_written(self) -> None:
        """Wait until RabbitMQ has written the names of all queues.

        If it is killed before, it forgets a quorum queue or stream, whoever made it: seen on 3.10, 4.0, 4.3, up to
        0.9 s after the declaration.
        """
        while True:
            with RabbitMQ(self.vhost.settings()) as broker:
                names = broker.read(private=True).queues
            now = time.monotonic()
            if now > max(self._first_seen.setdefault(name, now) for name in names) + _WRITTEN:
                return
            time.sleep(_PAUSE)

    def publishers(self) -> list[Publisher]:
        return [Publisher(self.vhost, self.record, name, "shop", KEY) for name in range(2)]

    def traffic(self) -> list[Publisher | Consumer]:
        """Return publishers, and a consumer if no stream is concerned."""
        consumer = Consumer(self.vhost, self.record, dict.fromkeys((SOURCE, self.case.name)))
        return [*self.publishers(), *([] if "stream" in (self.case.before, self.case.after) else [consumer])]

    def finish(self) -> None:
        """Run the command to its end."""
        result = self.command(*self.line)
        assert result.code == ExitCode.DONE, f"{result.stdout}{result.stderr}"
        self.note(result.stderr)

    def check(self, tally: Tally, *, may_return: bool = False) -> None:
        """Receive what is left; nothing is lost, nothing is doubled but what is marked, nothing is left behind.

        With `may_return`, publishers may have had messages returned: RabbitMQ 4.0 does so while it starts, if an
        exchange leads to a stream.
        """
        record = self.record
        read_all(self.vhost, record, self.case.name, is_stream=self.case.after == "stream")
        tally("cuts", self.cuts)
        tally("messages", len(record.sent))
        tally("lost", len(record.lost))
        tally("doubled", len(record.doubled))
        tally("doubled, and said", self.said)
        tally("doubled without a mark", len(record.doubled - record.marked))
        tally("returned", len(record.returned))
        assert may_return or not record.returned
        assert record.lost == set()
        unsaid = record.doubled - record.marked
        assert len(unsaid) <= self.said, record.places_of(unsaid)
        with RabbitMQ(self.vhost.settings()) as broker:
            found = broker.read(private=True)
        assert not [name for name in (*found.queues, *found.exchanges) if name.startswith(PREFIX)]
        assert found.queues.keys() == {self.case.name}
        assert self.command("verify", str(self.document)).code == ExitCode.DONE


def open_shop(vhost: VirtualHost, command: Command, case: Case, folder: Path, backlog: int) -> Shop:
    document = folder / "shop.yaml"
    document.write_text(case.document)
    connection = vhost.client()
    channel = connection.channel()
    channel.exchange_declare("shop", "topic", durable=True, auto_delete=False)
    channel.queue_declare(SOURCE, durable=True, auto_delete=False, arguments={"x-queue-type": case.before})
    channel.queue_bind(SOURCE, "shop", "order.#")
    record = Record(sent=publish_many(channel, "shop", KEY, BACKLOG, backlog))
    connection.close()
    return Shop(vhost, command, case, document, record)
