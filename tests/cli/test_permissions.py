"""Each command with exactly the permissions of the table, and with each one taken away."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from shlex import quote
from typing import Final
from urllib.parse import urlsplit

import psycopg
import pytest

from attune_infra.broker.management import Management
from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.fleet.register import Registration
from attune_infra.registry.workers import PostgresRegistry
from attune_infra.sandbox import BoundSandbox
from attune_infra.settings import AMQP_URL, DATABASE_URL, MANAGEMENT_URL, TOPOLOGY
from attune_infra.topology.diff import Create
from attune_infra.topology.document.parse import parse
from attune_infra.topology.facts.permissions import TAGS_THAT_DO, Right, Tag
from attune_infra.topology.model import Binding, Exchange, Policy, Queue, TopologyObject, label
from attune_infra.topology.permissions.commands import USAGES, Case, usage_of
from attune_infra.topology.permissions.lacks import grant_in_postgres
from attune_infra.topology.permissions.needs import Entry, Need, Over, Privilege
from attune_infra.topology.planning.report import Status
from attune_infra.topology.worker import objects_of, worker_family
from support.as_a_user import Command, Result
from support.limited import PASSWORD, LimitedUser, limited_user
from support.virtual_host import VirtualHost, create_virtual_host

DOCUMENT: Final = """\
topology: small
manages: ['old\\..*']
exchanges:
  tasks: {type: topic, arguments: {alternate-exchange: rest}}
  rest: {type: fanout}
queues:
  jobs:
    arguments: {x-dead-letter-exchange: rest}
    bindings: [{exchange: tasks, routing_key: 'job.#'}]
  dead:
    bindings: [{exchange: rest}]
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
SET_UP: Final = WANT.objects()
OWN: Final = objects_of(worker_family(WANT), 1)
DIFFERENT: Final = (
    Exchange(name="tasks", type="fanout"),
    Exchange(name="rest"),
    Queue(name="jobs"),
    Queue(name="dead", arguments={"x-max-length": 5}),
)
OLD: Final = (
    Exchange(name="old.exchange", type="topic"),
    Exchange(name="old.target"),
    Exchange(name="source", type="topic"),
    Queue(name="old.queue"),
    Policy(name="old.policy", pattern="^nothing$", definition={"expires": 60000}, apply_to="queues"),
    Binding(source="source", destination="old.target", destination_type="exchange", routing_key="old"),
)
FOREIGN: Final = Binding(source="rest", destination="worker.1.tasks")
ORPHAN: Final = Queue(name="worker.2.tasks")


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
    has_table: bool = True
    code: int = 0
    beside: str | None = None

    def needs(self, usage: str | None = None) -> tuple[Need, ...]:
        case = Case(want=WANT, worker_ids=(self.worker_id,), undeclared=self.undeclared)
        return usage_of(usage or self.usage).needs(case)

    @property
    def taken_away(self) -> Iterator[Need]:
        proven = self.needs(self.beside) if self.beside else ()
        return (need for need in self.needs() if need not in proven and not self._is_out_of_reach(need))

    def _is_out_of_reach(self, need: Need) -> bool:
        """Return whether it is a topic permission on an exchange that does not exist yet: 4.3 has none."""
        topic = WANT.exchanges["tasks"]
        return isinstance(need.what, Right) and need.what.routing_key is not None and topic not in self.have

    def __str__(self) -> str:
        return self.usage


FLEET: Final = (*SET_UP, *OWN)
SCENARIOS: Final = (
    Scenario(usage="setup"),
    Scenario(usage="setup --dry-run", code=2),
    Scenario(usage="setup --via http"),
    Scenario(usage="setup --allow-destructive", options=("--yes",), have=DIFFERENT),
    Scenario(
        usage="setup --prune --allow-destructive",
        options=("--yes",),
        have=(*SET_UP, *OLD),
        undeclared=tuple(item for item in OLD if not (isinstance(item, Exchange) and item.name == "source")),
        beside="setup --allow-destructive",
    ),
    Scenario(usage="diff", code=2),
    Scenario(usage="verify", have=SET_UP),
    Scenario(usage="verify --probe", have=SET_UP),
    Scenario(usage="lint --live"),
    Scenario(usage="graph --live"),
    Scenario(usage="trace --live", options=("tasks", "job.1"), have=SET_UP),
    Scenario(usage="export"),
    Scenario(usage="metrics"),
    Scenario(usage="worker list"),
    Scenario(usage="worker verify", options=("--all", "--settle", "0")),
    Scenario(usage="worker register", options=("--name", "w")),
    Scenario(usage="worker provision", options=("--id", "1"), have=SET_UP, workers=("w",)),
    Scenario(usage="worker provision --via http", options=("--id", "1"), have=SET_UP, workers=("w",)),
    Scenario(usage="worker enlist", options=("--name", "w"), have=SET_UP),
    Scenario(usage="worker enlist --via http", options=("--name", "w"), have=SET_UP, beside="worker enlist"),
    Scenario(usage="worker deregister", options=("--id", "1"), workers=("w",)),
    Scenario(usage="worker deprovision", options=("--id", "1"), have=FLEET, workers=("w",)),
    Scenario(
        usage="worker prune",
        options=("--yes",),
        have=(*FLEET, FOREIGN, ORPHAN),
        workers=("w",),
        worker_id=2,
        undeclared=(FOREIGN,),
    ),
    Scenario(usage="worker dispatch", options=("--id", "1"), have=FLEET),
    Scenario(usage="registry init", has_table=False),
    Scenario(usage="registry init --schema NEW", has_table=False),
)
SAME_AS: Final = {"worker watch": "worker list"}
"""Commands that a terminal is needed for, and those that do the same without one."""


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
        items = (*have.policies.values(), *have.queues.values(), *have.exchanges.values())
        assert all(each.status is Status.DELETED for each in self.broker.delete(items, even_if_used=True))
        assert all(each.status is Status.CREATED for each in self.broker.apply(map(Create, scenario.have)))
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
        names = {"database": urlsplit(self.database_url).path[1:], "schema": "public"}
        self.execute(f"DROP OWNED BY {self.role}", *grant_in_postgres(privileges, self.role, names))

    def run(self, scenario: Scenario) -> Result:
        return self.command(scenario)(*scenario.usage.split(), *scenario.options)

    def command(self, scenario: Scenario) -> Command:
        """Return the command as the users with few permissions."""
        environment = {
            AMQP_URL.variable: self.sender.amqp_url,
            MANAGEMENT_URL.variable: self.reader.management_url,
            DATABASE_URL.variable: _as_role(self.database_url, self.role),
        }
        if "--live" not in scenario.usage:
            environment[TOPOLOGY.variable] = str(self.document)
        return Command(environment)

    def state(self) -> tuple[dict[str, TopologyObject], object]:
        """Return everything that a command may change."""
        objects = {label(item): item for item in self.broker.read().objects()}
        return objects, self.execute(_TABLES, _ROWS)

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


@pytest.fixture(scope="module")
def place(sandbox: BoundSandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """One place for all tests of this file; each begins with what its scenario says."""
    assert sandbox.database_url is not None
    document = tmp_path_factory.mktemp("documents") / "small.yaml"
    document.write_text(DOCUMENT)
    role, database = f"limited_{token_hex(3)}", f"test_{token_hex(4)}"
    url = urlsplit(sandbox.database_url)._replace(path=f"/{database}").geturl()
    root = VirtualHost("/", sandbox.amqp_url, sandbox.management_url)
    with ExitStack() as stack:
        stack.enter_context(_database(sandbox.database_url, database, role))
        vhost = stack.enter_context(create_virtual_host(root, f"test {token_hex(4)}"))
        management = stack.enter_context(closing(Management(vhost.settings())))
        broker = stack.enter_context(RabbitMQ(vhost.settings()))
        sender, reader = (
            stack.enter_context(limited_user(vhost, management, name)) for name in ("sender", "reader")
        )
        yield Place(vhost, broker, sender, reader, url, role, document)


@contextmanager
def _database(url: str, name: str, role: str) -> Iterator[None]:
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


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_a_command_needs_exactly_what_the_table_says(place: Place, scenario: Scenario) -> None:
    place.prepare(scenario)
    place.permit(scenario.needs())

    result = place.run(scenario)

    assert result.code == scenario.code, f"{result.stdout}{result.stderr}"
    wrong = {str(need): found for need in scenario.taken_away if (found := try_without(place, scenario, need))}
    assert wrong == {}


def try_without(place: Place, scenario: Scenario, need: Need) -> list[str]:
    """Run a command without one need; return what is wrong: not refused, not named, or half-done in secret."""
    place.prepare(scenario)
    place.permit(scenario.needs(), without=need)
    objects, rows = place.state()
    result = place.run(scenario)
    objects_now, rows_now = place.state()
    said = f"{result.stdout}{result.stderr}"
    changed = {name for name in {*objects, *objects_now} if objects.get(name) != objects_now.get(name)}
    wrong = [f"not named: {words}" for words in words_about(place, need) if words not in said]
    wrong += [f"changed and not reported: {name}" for name in changed - reported(result)]
    expected = {3} if changed else {1, 3} if need.what is Tag.POLICYMAKER else {1}
    if result.code not in expected:
        wrong.append(f"exit code {result.code}")
    if rows != rows_now:
        wrong.append(f"rows {rows_now}")
    return [*wrong, said] if wrong else []


def reported(result: Result) -> set[str]:
    """Return the labels of the objects that a report says were changed, or lost."""
    lines = [line for line in result.lines if line[:1] in {"+", "~", "-"} or "the old" in line]
    return {_label_in(line) for line in lines}


def _label_in(line: str) -> str:
    """Return the label in a line such as `+ queue jobs declared: created`."""
    words = re.split(r" declared| set on|: | could not be", line[2:])[0]
    key = re.search(r" with routing key (\S+): created$", line)
    return f"{words} with routing key {key[1]}" if key else words


def words_about(place: Place, need: Need) -> list[str]:
    """Return the words that have to be said about a need: the user, the need and the line that grants it."""
    user = place.sender if need.over is Over.AMQP else place.reader
    match need.what:
        case Tag() as tag:
            return [user.name, f"rabbitmqctl set_user_tags {quote(user.name)} {tag}"]
        case Entry():
            line = f"rabbitmqctl set_permissions -p {quote(place.vhost.name)} {quote(user.name)}"
            return [user.name, place.vhost.name, line]
        case Right(routing_key=None) as right:
            return [user.name, str(right), f"rabbitmqctl set_permissions -p {quote(place.vhost.name)}"]
        case Right(routing_key=str(key)):
            return [user.name, "topic permission", f"routing key '{key}'"]
        case Privilege() as privilege:
            return [place.role, str(privilege), f"GRANT {privilege.name} ON {privilege.kind.upper()} "]
        case _:
            raise AssertionError(need)


def test_every_line_of_the_table_is_tried() -> None:
    tried = {scenario.usage for scenario in SCENARIOS} | SAME_AS.keys() | {"worker run"}

    assert {usage.command for usage in USAGES} == tried
    assert all(usage_of(left).steps == usage_of(right).steps for left, right in SAME_AS.items())
