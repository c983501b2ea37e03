"""All checks of a command together, of servers that answer and of those that do not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from attune_infra.errors import AttuneError, BrokerError, BrokerUnreachable, ExitCode, RegistryUnreachable
from attune_infra.topology.builtin import attune
from attune_infra.topology.doctor.diagnosis import Diagnosis, Section, Topic, Verdict
from attune_infra.topology.doctor.document import Wanted, document_checks, foresee
from attune_infra.topology.doctor.examine import Question, diagnose
from attune_infra.topology.doctor.scope import SCOPES, Scope
from attune_infra.topology.doctor.seen import Broker, Limit, Node, Seen, Server
from attune_infra.topology.facts.refusals import RefusalCode, Restrictions
from attune_infra.topology.model import Exchange, Queue, Topology

NOW = datetime(2026, 11, 30, tzinfo=UTC)
SILENT = BrokerUnreachable("silent", hint="wait")
PLAIN = Topology.of([Queue(name="q", type="classic")])
BROKER = Broker(
    cluster="c",
    virtual_host="v",
    statistics=True,
    clock_ahead=0.0,
    topology=Topology(exchange_types=frozenset({"direct", "fanout", "headers", "topic"})),
    restrictions=Restrictions(),
    alarms=(),
    nodes=[Node(name="n@a", running=True)],
    stopped_virtual_hosts=False,
    used_features=(),
    tells_denied=True,
    flags=(),
    connections_of_virtual_host=None,
    connections_of_user=None,
    channels_of_user=None,
)


def servers(http: str | AttuneError = "4.3.6", over_amqp: str | AttuneError = "4.3.6") -> Sequence[Server]:
    return [
        Server(protocol="HTTP", address="a:15672", user="u", answer=http),
        Server(protocol="AMQP", address="a:5672", user="u", answer=over_amqp),
    ]


def asked(
    seen: Seen, command: str = "setup", *, topology: Topology = PLAIN, faults: Sequence[str] = ()
) -> Diagnosis:
    question = Question(
        command=command, scope=SCOPES[command], topology=topology, faults=faults, user="u", virtual_host="v"
    )
    return diagnose(seen, question)


def verdicts(found: Diagnosis, *topics: Topic) -> list[Verdict]:
    return [check.verdict for check in found.checks if check.topic in topics]


def test_a_broker_that_is_well_has_no_finding() -> None:
    found = asked(Seen(servers=servers(), broker=BROKER, now=NOW))

    assert {check.verdict for check in found.checks} == {Verdict.OK}
    assert found.exit_code is ExitCode.DONE
    assert {Topic.CLOCK, Topic.DECLARATIONS, Topic.QUEUE_LIMIT, Topic.CHANNEL_LIMIT, Topic.EXCHANGE_TYPES} <= {
        check.topic for check in found.checks
    }


def test_a_clock_that_is_not_told_is_unknown() -> None:
    found = asked(Seen(servers=servers(), broker=replace(BROKER, clock_ahead=None), now=NOW))

    assert verdicts(found, Topic.CLOCK) == [Verdict.UNKNOWN]


def test_objects_that_cannot_be_read_leave_open_what_depends_on_them() -> None:
    broker = replace(BROKER, topology=BrokerError("no list", hint="why"))

    found = asked(Seen(servers=servers(), broker=broker, now=NOW))

    assert verdicts(found, Topic.EXCHANGE_TYPES, Topic.DECLARATIONS) == [Verdict.UNKNOWN, Verdict.UNKNOWN]


@pytest.mark.parametrize(("command", "counts"), [("metrics", True), ("diff", False), ("setup", False)])
def test_statistics_matter_to_commands_that_read_them(command: str, *, counts: bool) -> None:
    found = asked(Seen(servers=servers(), broker=replace(BROKER, statistics=False), now=NOW), command)

    assert bool(verdicts(found, Topic.STATISTICS)) is counts


def test_without_an_answer_over_http_nothing_of_the_broker_has_passed() -> None:
    found = asked(Seen(servers=servers(http=SILENT), now=NOW), faults=["a fault"])

    topics = (Topic.RELEASE, Topic.EXCHANGE_TYPES, Topic.RESOURCES, Topic.DEPRECATED, Topic.QUEUE_LIMIT)
    assert verdicts(found, *topics, Topic.DECLARATIONS, Topic.CLOCK) == [Verdict.UNKNOWN] * 7
    assert verdicts(found, Topic.DOCUMENT_LOADS) == [Verdict.PROBLEM]
    reading = asked(Seen(servers=servers(http=SILENT), now=NOW), "export")
    assert verdicts(reading, Topic.QUEUE_LIMIT, Topic.DECLARATIONS) == []


@pytest.mark.parametrize(
    ("seen", "answered"),
    [
        (Seen(servers=servers(SILENT, SILENT), now=NOW), False),
        (Seen(servers=servers(SILENT, "4.3.6"), now=NOW), True),
        (Seen(servers=servers(SILENT, BrokerError("no")), now=NOW), True),
        (Seen(servers=[], registry=RegistryUnreachable("no"), now=NOW), False),
        (Seen(servers=[], now=NOW), True),
    ],
)
def test_only_if_all_are_silent_there_is_no_answer(seen: Seen, *, answered: bool) -> None:
    assert asked(seen).answered is answered


@pytest.mark.parametrize(
    ("command", "verdict"), [("worker register", [Verdict.PROBLEM]), ("metrics", []), ("setup", [])]
)
def test_a_registry_is_missing_only_to_commands_that_need_one(command: str, verdict: list[Verdict]) -> None:
    found = asked(Seen(servers=[], now=NOW), command)

    assert verdicts(found, Topic.DATABASE) == verdict


DOCUMENT, WORKERS = Scope(declares_document=True), Scope(declares_document=True, declares_workers=True)


@pytest.mark.parametrize(
    ("scope", "worker_ids", "named", "example"),
    [
        (DOCUMENT, (), (), ()),
        (DOCUMENT, (7,), (), ()),
        (WORKERS, (), (), (1,)),
        (WORKERS, (7, 8), (7, 8), (7, 8)),
        (Scope(declares_workers=True), (7,), (7,), (7,)),
    ],
)
def test_an_example_worker_stands_for_those_that_nobody_named(
    scope: Scope, worker_ids: Sequence[int], named: Sequence[int], example: Sequence[int]
) -> None:
    wanted = Wanted.of(attune(), scope, worker_ids)

    own = set(attune().queues) if scope.declares_document else set[str]()
    assert set(wanted.named.queues) == own | {f"worker.{number}.executions" for number in named}
    assert set(wanted.example.queues) == own | {f"worker.{number}.executions" for number in example}


def test_an_example_worker_takes_no_room() -> None:
    topology = replace(attune(), queues={}, bindings=frozenset(), policies={})
    full = replace(BROKER, restrictions=Restrictions(max_queues=0))

    unnamed = foresee(full, Wanted.of(topology, WORKERS, ()))
    named = foresee(full, Wanted.of(topology, WORKERS, (7,)))

    assert unnamed == ()
    assert not isinstance(named, AttuneError)
    assert [each.code for each in named] == [RefusalCode.QUEUE_LIMIT]


def test_faults_and_refusals_of_the_document_are_problems() -> None:
    odd = Topology.of([Exchange(name="e", type="x-unheard-of"), Queue(name="q", type="classic")])
    broker = replace(BROKER, topology=Topology(exchange_types=frozenset({"direct"}), version=(4, 3)))
    refusals = foresee(broker, Wanted(odd, odd))
    assert not isinstance(refusals, AttuneError)
    assert [each.code for each in refusals] == [RefusalCode.EXCHANGE_TYPE]

    [passed] = document_checks(refusals, (), broker)
    [fault] = document_checks((), ["a fault"], broker)
    [unread] = document_checks(SILENT, (), broker)
    [limited] = document_checks((), (), replace(broker, restrictions=SILENT))

    assert (passed.name, passed.verdict) == ("declarations", Verdict.OK), (
        "lacking types have a section of their own"
    )
    assert (fault.topic, fault.verdict, fault.detail) == (Topic.DOCUMENT_LOADS, Verdict.PROBLEM, "a fault")
    assert (unread.name, unread.verdict, unread.detail) == ("declarations", Verdict.UNKNOWN, "silent")
    assert (limited.name, limited.verdict) == ("denied features", Verdict.UNKNOWN)


def test_a_check_has_a_name_and_a_section() -> None:
    found = asked(Seen(servers=servers(), broker=BROKER, now=NOW), "metrics", faults=["a fault"])
    found_too = asked(Seen(servers=servers(), broker=BROKER, now=NOW), faults=["a fault"])

    named = {check.topic: (check.name, check.section) for check in (*found.checks, *found_too.checks)}

    assert named[Topic.STATISTICS] == ("statistics", Section.PLUGINS)
    assert named[Topic.DOCUMENT_LOADS] == ("file", Section.DOCUMENT)
    assert named[Topic.CLOCK] == ("clock of the broker", Section.CLOCKS)


def test_a_channel_is_counted_only_where_there_was_a_connection() -> None:
    broker = replace(BROKER, channels_of_user=Limit(1, 0))

    connected, refused = (
        asked(Seen(servers=servers(over_amqp=answer), broker=broker, now=NOW)) for answer in ("4.3.6", SILENT)
    )

    assert verdicts(connected, Topic.CHANNEL_LIMIT) == [Verdict.OK]
    assert verdicts(refused, Topic.CHANNEL_LIMIT) == []
    over_http = asked(Seen(servers=servers(), broker=broker, now=NOW), "diff")
    assert verdicts(over_http, Topic.CHANNEL_LIMIT) == [], "diff opens none"
