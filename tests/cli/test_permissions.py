"""Each command with exactly the permissions of the table, and with each one taken away."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from secrets import token_hex
from shlex import quote
from typing import Final
from urllib.parse import urlsplit

import pytest

from attune_infra.broker.http.management import Management
from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.sandbox import BoundSandbox
from attune_infra.topology.facts.permissions import Access, Right, Tag
from attune_infra.topology.model import Binding, Exchange, Policy, Queue
from attune_infra.topology.permissions.commands import USAGES, usage_of
from attune_infra.topology.permissions.needs import Entry, Need, Over, Privilege
from attune_infra.topology.worker import objects_of, worker_family
from support.as_a_user import Result
from support.eventually import eventually
from support.fleet import Fleet
from support.limited import limited_user
from support.limited_place import DOCUMENT, WANT, Place, Scenario, no_rights_database
from support.virtual_host import VirtualHost, create_virtual_host

pytestmark = pytest.mark.broker
MESSAGES: Final = Path(__file__).with_name("queue") / "one.jsonl"
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
    Binding(source="source", destination="jobs", routing_key="old"),
)
FOREIGN: Final = Binding(source="rest", destination="worker.1.tasks")
ORPHAN: Final = Queue(name="worker.2.tasks")


BOUND: Final = tuple(Queue(name="jobs") if item == WANT.queues["jobs"] else item for item in SET_UP)
"""Everything, with a queue that has no dead letter exchange, and its binding."""
FLEET: Final = (*SET_UP, *OWN)
SCENARIOS: Final = (
    Scenario(usage="setup"),
    Scenario(usage="setup --dry-run"),
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
    Scenario(usage="queues"),
    Scenario(usage="queue peek", options=("jobs",), have=SET_UP, queues=("jobs",)),
    Scenario(usage="migrate --dry-run", options=("jobs",), have=SET_UP),
    Scenario(usage="queue load", options=(str(MESSAGES), "jobs"), have=SET_UP, queues=("jobs",)),
    Scenario(usage="queue purge", options=("jobs", "--yes"), have=SET_UP, queues=("jobs",)),
    Scenario(
        usage="tap",
        options=("tasks", "job.#", "--queue", "seen", "--for", "0.2"),
        have=SET_UP,
        tapped=(Binding(source="tasks", destination="seen", routing_key="job.#"),),
    ),
    Scenario(usage="dlq list", have=SET_UP),
    Scenario(usage="dlq replay", options=("dead", "--yes"), have=SET_UP, queues=("dead",), code=3),
    Scenario(usage="export"),
    Scenario(usage="export --users", have=SET_UP),
    Scenario(usage="export --all", have=SET_UP),
    Scenario(usage="metrics"),
    Scenario(usage="worker list"),
    Scenario(usage="worker verify", options=("--all", "--settle", "0")),
    Scenario(usage="worker register", options=("--name", "w")),
    Scenario(usage="worker register", options=("--count", "3", "--name-pattern", "w{n}")),
    Scenario(usage="worker provision", options=("--id", "1"), have=SET_UP, workers=("w",)),
    Scenario(usage="worker provision --via http", options=("--id", "1"), have=SET_UP, workers=("w",)),
    Scenario(usage="worker enlist", options=("--name", "w"), have=SET_UP),
    Scenario(usage="worker enlist --via http", options=("--name", "w"), have=SET_UP, beside="worker enlist"),
    Scenario(usage="worker deregister", options=("--id", "1"), workers=("w",)),
    Scenario(usage="worker deprovision", options=("--id", "1", "--yes"), have=FLEET, workers=("w",)),
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
STEPWISE: Final = (
    Scenario(usage="migrate", options=("jobs", "--yes"), have=BOUND, queues=("jobs",)),
    Scenario(usage="queue move", options=("jobs", "dead", "--yes"), have=SET_UP, queues=("jobs", "dead")),
    Scenario(usage="queue copy", options=("jobs", "dead", "--yes"), have=SET_UP, queues=("jobs", "dead")),
)
"""Commands that go on where they were refused: they have made a part by then."""
SAME_AS: Final = {"watch": "queues", "worker watch": "worker list", "dlq show": "queue peek"}
"""Commands that a terminal is needed for, and those that do the same without one."""


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
        stack.enter_context(no_rights_database(sandbox.database_url, database, role))
        vhost = stack.enter_context(create_virtual_host(root, f"test {token_hex(4)}"))
        management = stack.enter_context(closing(Management(vhost.settings())))
        broker = stack.enter_context(RabbitMQ(vhost.settings()))
        sender, reader = (
            stack.enter_context(limited_user(vhost, management, name)) for name in ("sender", "reader")
        )
        yield Place(vhost, broker, sender, reader, url, role, document)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_a_command_needs_exactly_what_the_table_says(place: Place, scenario: Scenario) -> None:
    place.prepare(scenario)
    place.permit(scenario.needs)

    result = place.run(scenario)

    assert result.code == scenario.code, f"{result.stdout}{result.stderr}"
    wrong = {str(need): found for need in scenario.taken_away if (found := try_without(place, scenario, need))}
    assert wrong == {}


@pytest.mark.parametrize("scenario", STEPWISE, ids=str)
def test_the_needs_of_a_command_of_many_steps_are_enough(place: Place, scenario: Scenario) -> None:
    place.prepare(scenario)
    place.permit(scenario.needs)

    result = place.run(scenario)

    assert result.code == scenario.code, f"{result.stdout}{result.stderr}"


MIGRATE: Final = STEPWISE[0]


def can_be_tried(need: Need) -> bool:
    """Return False for rights that only an administrator can see, or that RabbitMQ tells over AMQP alone."""
    is_right = isinstance(need.what, Right) and need.what.routing_key is None
    return is_right and need.over is Over.AMQP and "amq.default" not in str(need)


@pytest.mark.parametrize("need", [*filter(can_be_tried, MIGRATE.taken_away)], ids=str)
def test_a_migration_does_not_begin_without_one_of_its_rights(place: Place, need: Need) -> None:
    place.prepare(MIGRATE)
    place.permit(MIGRATE.needs, without=need)
    objects, _ = place.state(MIGRATE)

    result = place.run(MIGRATE)

    assert place.state(MIGRATE)[0] == objects
    assert result.code == 4
    assert [words for words in words_about(place, need) if words not in result.stderr] == []


def try_without(place: Place, scenario: Scenario, need: Need) -> list[str]:
    """Run a command without one need; return what is wrong: not refused, not named, or half-done in secret."""
    place.prepare(scenario)
    entered = [Need(Over.HTTP, Entry())] if need.what is Tag.ADMINISTRATOR else []  # an administrator needs none
    place.permit((*scenario.needs, *entered), without=need)
    objects, rows = place.state(scenario)
    result = place.run(scenario)
    objects_now, rows_now = place.state(scenario)
    said = f"{result.stdout}{result.stderr}"
    changed = {name for name in {*objects, *objects_now} if objects.get(name) != objects_now.get(name)}
    wrong = [f"not named: {words}" for words in words_about(place, need) if words not in said]
    unreported = Counter(map(_without_arguments, changed)) - reported(result)
    wrong += [f"changed and not reported: {name}" for name in unreported]
    expected = {3} if changed else {1, 3} if need.what is Tag.POLICYMAKER else {1}
    if result.code not in expected:
        wrong.append(f"exit code {result.code}")
    if rows != rows_now:
        wrong.append(f"rows {rows_now}")
    return [*wrong, said] if wrong else []


def reported(result: Result) -> Counter[str]:
    """Return the objects that a report says were changed, or lost."""
    lines = [line for line in result.lines if line[:1] in {"+", "~", "-"} or "the old" in line]
    return Counter(_label_in(line) for line in lines)


def _label_in(line: str) -> str:
    """Return the label in a line such as `+ queue jobs declared: created`, without arguments."""
    words = re.split(r" declared| set on|: | could not be", line[2:])[0]
    key = re.search(r" with routing key (\S+): created$", line)
    return f"{words} with routing key {key[1]}" if key else words


def _without_arguments(words: str) -> str:
    return re.sub(r" (with|and) arguments .*", "", words)


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
    tried = {scenario.usage for scenario in (*SCENARIOS, *STEPWISE)} | SAME_AS.keys() | {"worker run"}

    assert {usage.command for usage in USAGES} == tried
    assert all(usage_of(left).steps == usage_of(right).steps for left, right in SAME_AS.items())


RUN: Final = Scenario(usage="worker run", options=("--name", "w", "--exec", "false"), have=SET_UP)
REJECTING: Final = Need(Over.AMQP, Right(Access.WRITE, "exchange", "rest"))
"""The need of a worker that has a message to reject; until then, it works without."""


@pytest.mark.parametrize(
    "need", [need for need in RUN.taken_away if need != REJECTING], ids=lambda need: f"{need.over}: {need}"
)
def test_a_worker_does_not_run_without_one_of_its_needs(place: Place, need: Need) -> None:
    place.prepare(RUN)
    place.permit(RUN.needs, without=need)

    result = place.run(RUN)

    assert result.code == 1
    assert [words for words in words_about(place, need) if words not in result.stderr] == []


@pytest.mark.parametrize("without", [None, REJECTING], ids=["nothing", "rejecting"])
def test_a_worker_handles_and_rejects_messages_with_its_needs_alone(
    place: Place, tmp_path: Path, without: Need | None
) -> None:
    place.prepare(RUN)
    place.permit(RUN.needs, without=without)
    fleet = Fleet(place.command(RUN), tmp_path)
    worker = fleet.start("w", command="false")
    fleet.wait_until_consuming("w")

    assert place.broker.publish("tasks", "worker.1", '{"message_id": 1}', message_id="1")
    if without is None:
        eventually(lambda: place.broker.depths()["dead"].total, (1).__eq__)
        worker.terminate()
        assert worker.wait(20) == 0
    else:
        for words in words_about(place, without):
            fleet.wait_for_words("w", words)
        assert place.broker.depths()["dead"].total == 0
    fleet.close()


@pytest.mark.parametrize(("usage", "rounds"), [("setup", 2), ("setup --via http", 1)])
def test_the_printed_lines_grant_all_that_was_lacking(place: Place, usage: str, rounds: int) -> None:
    """Two users may take a second round, in which the other is denied what was skipped in the first."""
    scenario = Scenario(usage=usage)
    place.prepare(scenario)
    place.permit(need for need in scenario.needs if isinstance(need.what, Entry))
    place.reader.may([], tags=["management"])

    codes = []
    for _ in range(rounds):
        refused = place.run(scenario)
        codes.append(refused.code)
        for line in (line.strip() for line in refused.lines if line.startswith("    rabbitmqctl ")):
            (place.sender if quote(place.sender.name) in line else place.reader).obey(line)
    granted = place.run(scenario)

    assert 0 not in codes
    assert granted.code == 0, granted.stdout
    assert place.run(scenario).lines[-1] == "8 objects: 8 unchanged"


def test_a_setup_that_finds_everything_needs_no_more_than_looking(place: Place) -> None:
    scenario = Scenario(usage="setup", have=SET_UP)
    place.prepare(scenario)
    place.permit(Scenario(usage="diff").needs)

    result = place.run(scenario)

    assert (result.code, result.lines[-1]) == (0, "8 objects: 8 unchanged")


def test_a_queue_that_cannot_be_undone_is_named(place: Place) -> None:
    scenario = Scenario(usage="worker enlist", options=("--name", "w"), have=SET_UP)
    place.prepare(scenario)
    undoing = Need(Over.HTTP, Right(Access.CONFIGURE, "queue", "worker.1.tasks"))
    refused = Need(Over.AMQP, Right(Access.READ, "exchange", "tasks"))
    place.permit([need for need in scenario.needs if need != refused], without=undoing)

    result = place.run(scenario)

    assert result.code == 3
    assert "! queue worker.1.tasks could not be deleted: " in result.stdout
    assert f"      user '{place.reader.name}' needs configure permission on queue worker.1.tasks" in result.lines
    assert result.lines[-1] == "! worker w is not registered: its queues are left behind"
    assert place.execute("SELECT name FROM public.worker") == []


def test_the_report_names_user_and_needs_in_json(place: Place) -> None:
    scenario = Scenario(usage="setup", options=("-o", "json"))
    place.prepare(scenario)
    place.permit(scenario.needs, without=Need(Over.AMQP, Right(Access.CONFIGURE, "queue", "dead")))

    result = place.run(scenario)

    [denied] = [each for each in result.json["objects"] if "denied" in each]
    assert denied["name"] == "dead"
    assert denied["denied"] == {
        "user": place.sender.name,
        "needs": ["configure permission on queue dead"],
    }
