"""Needs that a user lacks, and the lines that grant them."""

from __future__ import annotations

import pytest

from attune_infra.errors import InvalidInput
from attune_infra.topology.builtin import attune
from attune_infra.topology.facts.permissions import Access, Patterns, Right, Tag, User
from attune_infra.topology.facts.releases import NEWEST
from attune_infra.topology.model import Binding, Exchange, Queue, Topology, TopologyObject
from attune_infra.topology.permissions.commands import USAGES, usage_of
from attune_infra.topology.permissions.lacks import grant_in_postgres, grants, lacks, pattern_for, quote_role
from attune_infra.topology.permissions.needs import REGISTER, Entry, Need, Over
from attune_infra.topology.permissions.steps import Case

WRITE_Q = Need(Over.AMQP, Right(Access.WRITE, "queue", "q"))
READ_T = Need(Over.AMQP, Right(Access.READ, "exchange", "t"))
READ_KEY = Need(Over.AMQP, Right(Access.READ, "exchange", "t", "a.#"))
MANAGEMENT = Need(Over.HTTP, Tag.MANAGEMENT)
ENTRY = Need(Over.HTTP, Entry())


def user(**changes: object) -> User:
    values: dict[str, object] = {"name": "ann", "virtual_host": "a b", "patterns": Patterns()}
    return User(**(values | changes))  # type: ignore[arg-type]


def test_a_lack_names_the_user_the_need_and_the_line() -> None:
    [tag, write] = lacks([MANAGEMENT, ENTRY, WRITE_Q], user())

    assert (tag.sentence, tag.grant) == (
        "user 'ann' lacks the tag management",
        "rabbitmqctl set_user_tags ann management",
    )
    assert (write.sentence, write.grant) == (
        "user 'ann' lacks write permission on queue q",
        "rabbitmqctl set_permissions -p 'a b' ann '' '^q$' ''",
    )


def test_a_user_who_has_all_lacks_nothing() -> None:
    everything = Patterns(configure=".*", write=".*", read=".*")
    able = user(tags=frozenset({"administrator"}), patterns=everything)

    assert lacks([MANAGEMENT, ENTRY, WRITE_Q, READ_T, READ_KEY], able) == ()
    assert grants([MANAGEMENT, ENTRY, WRITE_Q, READ_T, READ_KEY], able) == ()


def test_a_line_keeps_what_the_user_has() -> None:
    known = user(tags=frozenset({"monitoring"}), patterns=Patterns(configure="^c", write="^w", read="^r"))
    policymaker = Need(Over.HTTP, Tag.POLICYMAKER)

    assert grants([policymaker, WRITE_Q, READ_T], known) == (
        "rabbitmqctl set_user_tags ann monitoring policymaker",
        "rabbitmqctl set_permissions -p 'a b' ann '^c' '^q$|^w' '^t$|^r'",
    )


def test_a_user_without_access_gets_it_with_permissions_on_nothing() -> None:
    [lack] = lacks([ENTRY], user(patterns=None))

    assert lack.sentence == "user 'ann' lacks access to the virtual host"
    assert lack.grant == "rabbitmqctl set_permissions -p 'a b' ann '' '' ''"


def test_topic_permissions_are_lacking_only_where_there_are_some() -> None:
    able = user(patterns=Patterns(read="^t$"))
    limited = user(patterns=Patterns(read="^t$"), topics={"t": Patterns(write="w", read="^b$")})

    assert lacks([READ_T, READ_KEY], able) == ()
    [lack] = lacks([READ_T, READ_KEY], limited)
    assert lack.sentence == "user 'ann' lacks read topic permission for routing key 'a.#' on exchange t"
    assert lack.grant == "rabbitmqctl set_topic_permissions -p 'a b' ann t w '^a\\.#$|^b$'"


@pytest.mark.parametrize(
    ("pattern", "key"), [("^{username}$", "ann"), ("^{vhost}$", "a b"), ("", ""), ("^{client_id}", "{client_id}")]
)
def test_variables_of_topic_permissions_are_replaced(pattern: str, key: str) -> None:
    known = user(topics={"t": Patterns(read=pattern)})

    assert known.has_right(Right(Access.READ, "exchange", "t", key), NEWEST)
    assert not known.has_right(Right(Access.READ, "exchange", "t", "bob"), NEWEST)


@pytest.mark.parametrize("before", ["", "^x$", "(a)\\1", "(?x) y # z", "(?i)x"])
def test_a_pattern_stands_for_exactly_the_names_and_those_before(before: str) -> None:
    names = ["a.b", "c|d", "e(f", "g$"]
    able = user(patterns=Patterns(read=pattern_for(names, before)))

    assert all(able.has_right(Right(Access.READ, "queue", name), NEWEST) for name in names)
    assert not able.has_right(Right(Access.READ, "queue", "a+b"), NEWEST)
    assert not able.has_right(Right(Access.READ, "queue", "C|D"), NEWEST)


def test_the_stronger_tag_is_enough() -> None:
    needs = usage_of("setup").needs(Case(want=attune()))

    assert [need.what for need in needs if isinstance(need.what, Tag)] == [Tag.POLICYMAKER]
    assert grants(needs, user())[0] == "rabbitmqctl set_user_tags ann policymaker"


def test_a_document_without_policies_needs_no_policymaker() -> None:
    queue = Topology.of([Queue(name="q")])

    assert usage_of("setup").needs(Case(want=queue)) == (
        MANAGEMENT,
        ENTRY,
        Need(Over.AMQP, Entry()),
        Need(Over.AMQP, Right(Access.CONFIGURE, "queue", "q")),
    )


def test_external_objects_are_bound_and_not_created() -> None:
    objects: list[TopologyObject] = [
        Exchange(name="e", external=True),
        Queue(name="q"),
        Binding(source="e", destination="q", routing_key="k"),
    ]

    rights = [str(need) for need in usage_of("setup").needs(Case(want=Topology.of(objects)))][3:]

    assert rights == [
        "configure permission on queue q",
        "write permission on queue q",
        "read permission on exchange e",
    ]


def test_grants_of_postgresql_name_database_and_schema() -> None:
    assert grant_in_postgres(REGISTER, "Ann", {"database": "attune", "schema": "my schema"}) == (
        'GRANT CONNECT ON DATABASE attune TO "Ann";',
        'GRANT USAGE ON SCHEMA "my schema" TO "Ann";',
        'GRANT SELECT, UPDATE, INSERT ON TABLE "my schema".worker TO "Ann";',
        'GRANT USAGE ON SEQUENCE "my schema".worker_id_seq TO "Ann";',
    )


def test_a_role_is_quoted_unless_it_is_plain() -> None:
    assert [quote_role(name) for name in ("ann_1", "Ann", 'a"b')] == ["ann_1", '"Ann"', '"a""b"']


def test_no_command_is_listed_twice() -> None:
    commands = [usage.command for usage in USAGES]

    assert len(set(commands)) == len(commands)


def test_an_unknown_command_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"^no needs are known for the command 'dance'$"):
        usage_of("dance")


def test_a_topic_permission_that_is_enough_is_left_alone() -> None:
    limited = user(patterns=Patterns(read="^t$"), topics={"t": Patterns(write="w", read="^a")})

    assert lacks([READ_T, READ_KEY], limited) == ()
    assert grants([READ_T, READ_KEY], limited) == ()
