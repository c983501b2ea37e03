"""A virtual host and a database whose users may do exactly what a command needs, or that but for one need."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import psycopg

from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.fleet.register import Registration
from attune_infra.registry.workers import PostgresRegistry
from attune_infra.settings import AMQP_URL, DATABASE_URL, MANAGEMENT_URL, TOPOLOGY
from attune_infra.topology.diff import Create
from attune_infra.topology.document.parse import parse
from attune_infra.topology.facts.permissions import TAGS_THAT_DO, Right, Tag
from attune_infra.topology.model import Binding, TopologyObject, label
from attune_infra.topology.permissions.commands import usage_of
from attune_infra.topology.permissions.lacks import grant_in_postgres
from attune_infra.topology.permissions.needs import Entry, Need, Over, Privilege
from attune_infra.topology.permissions.steps import Case
from attune_infra.topology.planning.report import Status
from support.as_a_user import Command, Result
from support.limited import PASSWORD, LimitedUser
from support.virtual_host import VirtualHost

DOCUMENT: Final = """\
topology: small
manages: ['old\\..*', jobs]
exchanges:
  tasks: {type: topic, arguments: {alternate-exchange: rest}}
  rest: {type: fanout}
queues:
  jobs:
    arguments: {x-dead-letter-exchange: rest}
    bindings: [{exchange: tasks, routing_key: 'job.#'}]
  dead:
    bindings: [{exchange: rest}, {exchange: rest, arguments: {of-integer: 1}}]
policies:
  short: {pattern: ^nothing$, apply_to: queues, definition: {expires: 60000}}
workers:
  consumer_tag: worker-{worker_id}
  queues:
    worker.{worker_id}.tasks:
      bindings: [{exchange: tasks, routing_key: 'worker.{worker_id}'}]
routes:
  - {publish: {exchange: tasks, routing_key: job.1}, reaches: [jobs]}
"""
WANT: Final = parse(DOCUMENT, source="small.yaml")


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A command in a virtual host that holds some objects, and its exit code if it may do all it needs.

    Needs are taken away one by one, without those of another usage that is tried `beside` this one.
    """

    usage: str
    options: tuple[str, ...] = ()
    have: tuple[TopologyObject, ...] = ()
    workers: tuple[str, ...] = ()
    worker_id: int = 1
    undeclared: tuple[TopologyObject, ...] = ()
    queues: tuple[str, ...] = ()
    """Queues that are named; each of them has a message."""
    tapped: tuple[Binding, ...] = ()
    has_table: bool = True
    code: int = 0
    beside: str | None = None

    @property
    def needs(self) -> tuple[Need, ...]:
        return usage_of(self.usage).needs(self._case)

    @property
    def _case(self) -> Case:
        return Case(
            want=WANT,
            worker_ids=(self.worker_id,),
            undeclared=self.undeclared,
            queues=self.queues,
            tapped=self.tapped,
        )

    @property
    def taken_away(self) -> Iterator[Need]:
        needs = replace(usage_of(self.usage), undoing=()).needs(self._case)
        proven = usage_of(self.beside).needs(self._case) if self.beside else ()
        return (need for need in needs if need not in proven and not self._is_out_of_reach(need))

    def _is_out_of_reach(self, need: Need) -> bool:
        """Return whether it is a topic permission on an exchange that does not exist yet: 4.3 has none."""
        topic = WANT.exchanges["tasks"]
        return isinstance(need.what, Right) and need.what.routing_key is not None and topic not in self.have

    @property
    def uses_database(self) -> bool:
        return bool(usage_of(self.usage).database)

    def __str__(self) -> str:
        return self.usage


@dataclass(frozen=True)
class Place:
    """A virtual host with a user for AMQP and one for the management API, and a database with a role."""

    vhost: VirtualHost
    broker: RabbitMQ
    sender: LimitedUser
    reader: LimitedUser
    database_url: str
    role: str
    document: Path

    def prepare(self, scenario: Scenario) -> None:
        """Give the virtual host and the database exactly what the scenario begins with."""
        have = self.broker.read()
        items: list[TopologyObject] = [*have.policies.values(), *have.queues.values(), *have.exchanges.values()]
        assert all(each.status is Status.DELETED for each in self.broker.delete(items, even_if_used=True))
        assert all(each.status is Status.CREATED for each in self.broker.apply(map(Create, scenario.have)))
        for queue in scenario.queues:
            assert self.broker.publish("", queue, "{}", message_id="1")
        if not scenario.uses_database:
            return
        self.execute('DROP SCHEMA IF EXISTS public, "NEW" CASCADE', "CREATE SCHEMA public")
        if scenario.has_table:
            registry = PostgresRegistry(self.database_url, timeout=10)
            registry.open()
            with registry:
                registry.create()
                for name in scenario.workers:
                    registry.register(Registration(name=name))

    def permit(self, needs: Iterable[Need], *, without: Need | None = None) -> None:
        """Give the users exactly what is needed but for one need, and nothing else."""
        given = [need for need in needs if need != without]
        for user, over in ((self.sender, Over.AMQP), (self.reader, Over.HTTP)):
            what = [need.what for need in given if need.over is over]
            rights = [each for each in what if isinstance(each, Right)] if Entry() in what else None
            user.may(rights, tags=_tags(what, without, over), topics=_topics(without))
        privileges = [need.what for need in given if isinstance(need.what, Privilege)]
        if not (privileges or (without is not None and without.over is Over.DATABASE)):
            return
        names = {"database": urlsplit(self.database_url).path[1:], "schema": "public"}
        self.execute(f"DROP OWNED BY {self.role}", *grant_in_postgres(privileges, self.role, names))

    def run(self, scenario: Scenario) -> Result:
        return self.command(scenario)(*scenario.usage.split(), *scenario.options)

    def command(self, scenario: Scenario) -> Command:
        """Return the command as the users with few permissions."""
        environment = {
            AMQP_URL.variable: self.sender.amqp_url,
            MANAGEMENT_URL.variable: self.reader.management_url,
        }
        if scenario.uses_database:
            environment[DATABASE_URL.variable] = _as_role(self.database_url, self.role)
        if "--live" not in scenario.usage:
            environment[TOPOLOGY.variable] = str(self.document)
        return Command(environment)

    def state(self, scenario: Scenario) -> tuple[dict[str, TopologyObject], object]:
        """Return everything that a command may change."""
        objects = {label(item): item for item in self.broker.read().objects()}
        return objects, self.execute(_TABLES, _ROWS) if scenario.uses_database else ()

    def execute(self, *statements: str) -> list[object]:
        """Execute statements as the superuser; return the rows of those that have any."""
        rows = list[object]()
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            for statement in statements:
                try:
                    cursor = connection.execute(statement.encode())
                except psycopg.errors.UndefinedTable:
                    continue
                rows += cursor.fetchall() if cursor.description else []
        return rows


_TABLES: Final = "SELECT schemaname, tablename FROM pg_tables WHERE tablename = 'worker'"
_ROWS: Final = "SELECT id, name, status::text FROM public.worker ORDER BY id"


def _as_role(url: str, role: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=f"{role}:{PASSWORD}@{parts.netloc.rpartition('@')[2]}").geturl()


def _tags(what: Sequence[object], without: Need | None, over: Over) -> list[Tag]:
    """Return the needed tags; in the place of a tag taken away, all others that do not include it."""
    tags = [each for each in what if isinstance(each, Tag)]
    if without is not None and without.over is over and isinstance(without.what, Tag):
        tags += set(Tag) - TAGS_THAT_DO[without.what]
    return tags


def _topics(without: Need | None) -> list[str]:
    """Return the exchanges on which topic permissions are set: only one where one is taken away."""
    lacked = without.what if without else None
    return [lacked.name] if isinstance(lacked, Right) and lacked.routing_key is not None else []


@contextmanager
def no_rights_database(url: str, name: str, role: str) -> Iterator[None]:
    """Make a database that nobody may use, and a role without privileges."""
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in (
            f"CREATE DATABASE {name}",
            f"REVOKE ALL ON DATABASE {name} FROM PUBLIC",
            f"CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'",
        ):
            connection.execute(statement.encode())
    yield
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
        connection.execute(f"DROP ROLE {role}".encode())
