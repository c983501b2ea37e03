"""Verdicts on permissions, for users whose rights are known, seen in part, or tried."""

from __future__ import annotations

import pytest

from attune_infra.topology.builtin import attune
from attune_infra.topology.doctor.diagnosis import Check, Topic, Verdict
from attune_infra.topology.doctor.permissions import needs_of, permission_checks, rights_in
from attune_infra.topology.doctor.seen import Login
from attune_infra.topology.facts.permissions import Access, Patterns, Right, Tag, User
from attune_infra.topology.model import Queue, Topology
from attune_infra.topology.permissions.needs import Need, Over

WRITE, READ = Right(Access.WRITE, "queue", "q"), Right(Access.READ, "exchange", "t")
READ_KEY = Right(Access.READ, "exchange", "t", "a")
MANAGEMENT = Need(Over.HTTP, Tag.MANAGEMENT)
PLAIN = Topology.of([Queue(name="q")])


def checks(login: Login, *what: Right) -> list[Check]:
    needs = [Need(Over.AMQP, right) for right in what]
    return list(permission_checks({Over.AMQP: login}, needs, "v", (4, 3)))


def known(**patterns: str) -> Login:
    return Login(name="ann", user=User(name="ann", virtual_host="v", patterns=Patterns(**patterns)))


def test_a_known_user_lacks_what_its_patterns_do_not_match() -> None:
    [found] = checks(known(write="^q$"), WRITE)
    assert (found.verdict, found.detail) == (Verdict.OK, "it has all that is needed")

    [found] = checks(known(), WRITE, READ)
    assert (found.topic, found.verdict) == (Topic.GRANTED, Verdict.PROBLEM)
    assert found.detail == "it lacks write permission on queue q; read permission on exchange t"
    assert found.run == ("rabbitmqctl set_permissions -p v ann '' '^q$' '^t$'",)


def test_each_line_has_the_lacks_that_it_grants() -> None:
    user = User(name="ann", virtual_host="v", patterns=Patterns(), topics={"t": Patterns()})

    found = {
        check.detail: check.run[0].split()[1] for check in checks(Login(name="ann", user=user), WRITE, READ_KEY)
    }

    assert found == {
        "it lacks write permission on queue q": "set_permissions",
        "it lacks read permission on exchange t with routing key 'a'": "set_topic_permissions",
    }


@pytest.mark.parametrize(
    ("tags", "verdict", "detail"),
    [
        (None, Verdict.UNKNOWN, "only an administrator may see if it has the tag management"),
        (frozenset[str](), Verdict.PROBLEM, "it lacks the tag management"),
        (frozenset({"monitoring"}), Verdict.OK, "it has the tag monitoring"),
    ],
)
def test_tags_may_be_seen_without_the_permissions(
    tags: frozenset[str] | None, verdict: Verdict, detail: str
) -> None:
    [found] = permission_checks({Over.HTTP: Login(name="ann", tags=tags)}, [MANAGEMENT], "v", (4, 3))

    assert (found.topic, found.verdict, found.detail) == (Topic.TAG, verdict, detail)
    assert found.run == (("rabbitmqctl set_user_tags ann management",) if verdict is Verdict.PROBLEM else ())


@pytest.mark.parametrize(
    ("tried", "verdicts"),
    [
        ({WRITE: True, READ: True}, [Verdict.OK]),
        ({WRITE: False, READ: True}, [Verdict.PROBLEM]),
        ({WRITE: False}, [Verdict.PROBLEM, Verdict.UNKNOWN]),
        ({}, [Verdict.UNKNOWN]),
        ({WRITE: True, READ: None}, [Verdict.UNKNOWN]),
    ],
)
def test_rights_that_may_not_be_read_are_tried(tried: dict[Right, bool | None], verdicts: list[Verdict]) -> None:
    found = checks(Login(name="ann", tried=tried), WRITE, READ)

    assert [check.verdict for check in found] == verdicts
    if verdicts[0] is Verdict.PROBLEM:
        assert found[0].detail == "it lacks write permission on queue q"
        assert found[0].run == ("rabbitmqctl set_permissions -p v ann '' '^q$' '^t$'",)
        assert "compare with" in found[0].fix


def test_topic_permissions_cannot_be_tried() -> None:
    *_, found = checks(Login(name="ann", tried={READ: True}), READ, READ_KEY)

    assert (found.name, found.verdict) == ("user ann over AMQP: topics", Verdict.UNKNOWN)


def test_a_user_of_a_protocol_without_needs_has_no_check() -> None:
    assert checks(known()) == []
    assert checks(Login(name="ann", tried={})) == []


@pytest.mark.parametrize(
    ("command", "topology", "via_http", "over"),
    [
        ("setup", PLAIN, False, {Over.HTTP, Over.AMQP}),
        ("setup", PLAIN, True, {Over.HTTP}),
        ("lint", PLAIN, False, {Over.HTTP}),
        ("worker provision", PLAIN, False, set()),
        ("worker provision", attune(), False, {Over.HTTP, Over.AMQP}),
    ],
)
def test_the_needs_are_those_of_the_command(
    command: str, topology: Topology, over: set[Over], *, via_http: bool
) -> None:
    found = {need.over for need in needs_of(command, topology, (7,), via_http=via_http)}

    assert found - {Over.DATABASE} == over


def test_without_a_command_the_needs_are_those_of_every_day() -> None:
    plain, workers = (needs_of(None, each, (), via_http=False) for each in (PLAIN, attune()))

    assert len(set(plain)) == len(plain)
    assert {right.name for right in rights_in(plain)} == {"q"}
    assert "worker.1.executions" in {right.name for right in rights_in(workers)}
    named = needs_of(None, attune(), (7,), via_http=False)
    assert "worker.7.executions" in {right.name for right in rights_in(named)}
