"""The place of one command: a virtual host, a schema of the registry, files, and lines that can be harmed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Any, Final
from urllib.parse import urlsplit

import amqp
import psycopg
from psycopg.sql import SQL, Identifier

from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.operations.setup import setup
from attune_infra.settings import AMQP_URL, DATABASE_URL, MANAGEMENT_URL, SCHEMA
from attune_infra.topology.model import Binding, Queue, Topology, TopologyObject, kind_of
from support.as_a_user import Result, clean_environment
from support.faults.line import Line, Passage, line_to
from support.faults.plan import Plan, Protocol
from support.faults.subjects import BYSTANDERS, DOCUMENT, LINES, MESSAGES, OTHER_TYPE, State, Subject
from support.faulty import Answer, answering_instead
from support.in_process import run_in_process
from support.virtual_host import VirtualHost, create_virtual_host

FILES: Final = {
    "WANTED": ("wanted.yaml", DOCUMENT),
    "MIGRATED": ("migrated.yaml", OTHER_TYPE),
    "LINES": ("m.jsonl", LINES),
}
_WITHOUT_TIMEOUT: Final = ("connections",)


@dataclass
class Laboratory:
    """The servers as one process uses them: through lines, and through a proxy that answers requests."""

    root: VirtualHost
    database_url: str
    folder: Path
    lines: Mapping[Protocol, Line]
    web_url: str = ""
    plan: Plan | None = None

    def choose(self, *request: str) -> Answer | None:
        return self.plan.choose(*request) if self.plan is not None else None

    def arm(self, plan: Plan) -> None:
        """End all connections, and plan faults for the next ones."""
        self.plan = plan
        for protocol, line in self.lines.items():
            line.arm(plan.lines.get(protocol, ()))

    @property
    def passages(self) -> dict[Protocol, list[Passage]]:
        return {protocol: line.passages for protocol, line in self.lines.items()}

    @cached_property
    def connection(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.database_url, autocommit=True)

    def url_of(self, protocol: Protocol, url: str) -> str:
        """Return a URL with the port of a line."""
        parts = urlsplit(url)
        user = parts.netloc.rpartition("@")[0]
        host = f"127.0.0.1:{self.lines[protocol].port}"
        return parts._replace(netloc=f"{user}@{host}" if user else host).geturl()


@contextmanager
def laboratory(root: VirtualHost, database_url: str, folder: Path) -> Iterator[Laboratory]:
    """Yield the servers behind lines, for as long as the block lasts."""
    ports = dict(zip((Protocol.AMQP, Protocol.HTTP), root.ports, strict=True))
    ports[Protocol.POSTGRESQL] = urlsplit(database_url).port or 0
    with ExitStack() as stack:
        lines = {protocol: stack.enter_context(line_to(ports[protocol])) for protocol in Protocol}
        made = Laboratory(root, database_url, folder, lines)
        made.web_url, _ = stack.enter_context(answering_instead(root.management_url, made.choose))
        for name, text in FILES.values():
            (folder / name).write_text(text, encoding="utf-8")
        (folder / "config.yaml").write_text(
            f"connections: {{here: {{url: '{made.url_of(Protocol.AMQP, root.amqp_url)}',"
            f" management_url: '{made.url_of(Protocol.HTTP, root.management_url)}'}}}}\n"
        )
        yield made
        made.connection.close()


@dataclass(frozen=True)
class Ground:
    """A virtual host and a schema for one command."""

    laboratory: Laboratory
    vhost: VirtualHost
    schema: str
    subject: Subject

    def run(self, plan: Plan, *options: str, as_process: bool = False) -> Result:
        """Run the command amid the faults of a plan, in this process or in one of its own."""
        lab = self.laboratory
        lab.arm(plan)
        http = lab.web_url if plan.web else lab.url_of(Protocol.HTTP, self.vhost.management_url)
        environment = {
            AMQP_URL.variable: lab.url_of(Protocol.AMQP, self.vhost.amqp_url),
            MANAGEMENT_URL.variable: http,
        }
        if self.subject.database:
            environment[DATABASE_URL.variable] = lab.url_of(Protocol.POSTGRESQL, lab.database_url)
            environment[SCHEMA.variable] = self.schema
        arguments = [*self._arguments(), *options]
        run = run_as_process if as_process else run_in_process
        return run(arguments, environment)

    def _arguments(self) -> Iterator[str]:
        names = {key: name for key, (name, _) in FILES.items()} | {"CONFIG": "config.yaml"}
        for word in self.subject.words.split():
            yield str(self.laboratory.folder / names[word]) if word in names else word
        if self.subject.words != "export":
            yield from ("--output", "json")

    def prepare(self, random: Random) -> None:
        """Fill the place: bystanders, and all or a part of what the command is about."""
        objects = part_of(self.subject.objects, random) if self.subject.in_part else self.subject.objects
        with RabbitMQ(self.vhost.settings()) as broker:
            setup(broker, Topology.of((*BYSTANDERS.objects(), *objects)))
        self._publish("q" if self.subject.objects and not self.subject.in_part else "")
        if self.subject.database and self.subject.words != "registry init":
            environment = {DATABASE_URL.variable: self.laboratory.database_url, SCHEMA.variable: self.schema}
            for words in ("registry init", "worker register --name one"):
                assert run_in_process(words.split(), environment).code == 0

    def _publish(self, queue: str) -> None:
        connection = self.vhost.client()
        channel = connection.channel()
        channel.confirm_select()
        has_queue = any(isinstance(item, Queue) and item.name == queue for item in self.subject.objects)
        for exchange, key in [("other", "k"), *([("e", "k")] if has_queue else [])]:
            for number in range(MESSAGES):
                channel.basic_publish_confirm(amqp.Message(str(number), delivery_mode=2), exchange, key)
        while self.subject.dead_letters and (message := channel.basic_get("q")):
            channel.basic_reject(message.delivery_tag, requeue=False)
        connection.close()

    def look(self) -> State:
        """Return what is there now."""
        with RabbitMQ(self.vhost.settings()) as broker:
            have = broker.read(private=True)
        connection = self.vhost.client()
        try:
            channel = connection.channel()
            counts = {
                queue: channel.queue_declare(queue, passive=True).message_count
                for queue in ("bystander", *self.subject.counts)
                if queue in have.queues
            }
        finally:
            connection.close()
        bystanders = counts.pop("bystander", -1)
        return State(have, dict.fromkeys(self.subject.counts, 0) | counts, self._rows(), bystanders)

    def _rows(self) -> list[tuple[Any, ...]]:
        if not self.subject.database:
            return []
        query = SQL("SELECT id, name, status::text FROM {}.worker ORDER BY id").format(Identifier(self.schema))
        try:
            return self.laboratory.connection.execute(query).fetchall()
        except psycopg.errors.UndefinedTable:
            return [(0, "no table", "")]


@contextmanager
def ground_for(lab: Laboratory, subject: Subject, name: str) -> Iterator[Ground]:
    """Yield an empty place for a command; its virtual host and schema are gone afterwards."""
    schema = name.replace(" ", "_")
    with create_virtual_host(lab.root, name) as vhost:
        lab.arm(Plan())
        try:
            yield Ground(lab, vhost, schema, subject)
        finally:
            lab.arm(Plan())
            if subject.database:
                lab.connection.execute(SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(Identifier(schema)))


def run_as_process(arguments: list[str], environment: Mapping[str, str]) -> Result:
    """Run the command as a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "attune_infra", *arguments],
        env=clean_environment() | dict(environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Result(done.returncode, done.stdout, done.stderr)


def part_of(objects: tuple[TopologyObject, ...], random: Random) -> list[TopologyObject]:
    """Return a random part of some objects, without bindings that lack an end."""
    kept = [item for item in objects if random.random() < 0.5]
    ends = {(kind_of(item), item.name) for item in kept if not isinstance(item, Binding)}
    return [
        item
        for item in kept
        if not isinstance(item, Binding)
        or {("exchange", item.source), (item.destination_type, item.destination)} <= ends
    ]
