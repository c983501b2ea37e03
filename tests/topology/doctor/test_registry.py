"""Verdicts on the registry: states of a database that few tests bring one into."""

from __future__ import annotations

from dataclasses import replace

import pytest

from attune_infra.errors import RegistryUnreachable
from attune_infra.topology.doctor.diagnosis import Topic, Verdict, problem
from attune_infra.topology.doctor.registry import registry_checks
from attune_infra.topology.doctor.scope import Rows, Scope
from attune_infra.topology.doctor.seen import Registry, Table

READ = ("id", "name", "status", "last_heartbeat")
COLUMNS = (*READ, "updated", "worker_type", "host", "port", "capabilities", "created")
ALL = {"SELECT": True, "INSERT": True, "UPDATE": True, "USAGE": True}
TABLE = Table(
    schema="public",
    columns=dict.fromkeys(COLUMNS, "text"),
    unique_name=True,
    privileges=ALL,
    sequence="worker_id_seq",
)
REGISTRY = Registry(
    role="ann",
    clock_ahead=0.0,
    search_path="public",
    read_only=False,
    table=TABLE,
    schema="public",
    database="attune",
)
ADDING, READING = Scope(rows=Rows.ADD), Scope(rows=Rows.READ)


def findings(registry: Registry, scope: Scope = ADDING) -> list[tuple[Topic, Verdict, tuple[str, ...]]]:
    found = registry_checks(registry, scope)
    return [(each.topic, each.verdict, each.run) for each in found if each.verdict is not Verdict.OK]


def test_a_whole_registry_has_only_checks_that_passed() -> None:
    found = list(registry_checks(REGISTRY, ADDING))

    assert {each.verdict for each in found} == {Verdict.OK}
    assert [each.topic for each in found] == [Topic.DATABASE, Topic.CLOCK, Topic.TABLE, Topic.NAMES, Topic.GRANTS]
    assert found[0].detail == "attune answers, as role ann"
    assert found[-1].detail == "role ann has SELECT, INSERT, UPDATE, USAGE"


def test_a_database_that_does_not_answer_is_a_problem() -> None:
    assert list(registry_checks(RegistryUnreachable("silent", hint="wait"), ADDING)) == [
        problem(Topic.DATABASE, "database", "silent", "wait")
    ]


@pytest.mark.parametrize(("rows", "is_problem"), [(Rows.READ, False), (Rows.SET, True), (Rows.ADD, True)])
def test_a_standby_is_good_for_reading(rows: Rows, *, is_problem: bool) -> None:
    found = findings(replace(REGISTRY, read_only=True), Scope(rows=rows))

    assert found == ([(Topic.WRITABLE, Verdict.PROBLEM, ())] if is_problem else [])


@pytest.mark.parametrize(
    ("column", "rows", "kind"),
    [
        ("status", Rows.READ, "text"),
        ("updated", Rows.READ, None),
        ("updated", Rows.SET, "timestamptz NOT NULL DEFAULT now()"),
        ("capabilities", Rows.SET, None),
        ("capabilities", Rows.ADD, "jsonb"),
    ],
)
def test_a_column_is_needed_by_who_uses_it(column: str, rows: Rows, kind: str | None) -> None:
    columns = {name: "text" for name in COLUMNS if name != column}

    found = findings(replace(REGISTRY, table=replace(TABLE, columns=columns)), Scope(rows=rows))

    line = f'ALTER TABLE "public".worker ADD COLUMN {column} {kind};'
    assert found == ([] if kind is None else [(Topic.TABLE, Verdict.PROBLEM, (line,))])


def test_a_second_row_of_a_name_concerns_who_adds_rows() -> None:
    table = replace(TABLE, schema='odd"one', unique_name=False)

    assert findings(replace(REGISTRY, table=table), READING) == []
    assert findings(replace(REGISTRY, table=table)) == [
        (Topic.NAMES, Verdict.WARNING, ('CREATE UNIQUE INDEX worker_name_key ON "odd""one".worker (name);',))
    ]


@pytest.mark.parametrize(
    ("lacking", "scope", "lines"),
    [
        ({"INSERT"}, READING, []),
        ({"INSERT", "UPDATE"}, ADDING, ['GRANT INSERT, UPDATE ON "public".worker TO "ann";']),
        ({"USAGE"}, ADDING, ['GRANT USAGE ON SEQUENCE worker_id_seq TO "ann";']),
        (
            {"SELECT", "USAGE"},
            ADDING,
            ['GRANT SELECT ON "public".worker TO "ann";', 'GRANT USAGE ON SEQUENCE worker_id_seq TO "ann";'],
        ),
    ],
)
def test_grants_that_a_role_lacks(lacking: set[str], scope: Scope, lines: list[str]) -> None:
    table = replace(TABLE, privileges={name: name not in lacking for name in ALL})

    found = findings(replace(REGISTRY, table=table), scope)

    assert found == [(Topic.GRANTS, Verdict.PROBLEM, (line,)) for line in lines]


NOTHING = replace(REGISTRY, table=None, may_create=True)


@pytest.mark.parametrize(
    ("registry", "creates", "expected"),
    [
        (NOTHING, True, []),
        (NOTHING, False, [(Topic.TABLE, "attune-infra registry init")]),
        (replace(NOTHING, elsewhere=["old"]), True, [(Topic.TABLE, "attune-infra registry init")]),
        (
            replace(NOTHING, may_use_schema=False),
            True,
            [(Topic.SCHEMA, 'GRANT USAGE ON SCHEMA "public" TO "ann";')],
        ),
        (replace(NOTHING, may_create=False), True, [(Topic.SCHEMA, 'GRANT CREATE ON SCHEMA "public" TO "ann";')]),
        (
            replace(NOTHING, may_create=False, schema=None),
            False,
            [
                (Topic.TABLE, "attune-infra registry init"),
                (Topic.SCHEMA, 'GRANT CREATE ON SCHEMA "public" TO "ann";'),
            ],
        ),
    ],
)
def test_a_table_that_is_missing_may_be_made(
    registry: Registry, expected: list[tuple[Topic, str]], *, creates: bool
) -> None:
    found = findings(registry, Scope(rows=Rows.ADD, creates_table=creates))

    assert found == [(topic, Verdict.PROBLEM, (line,)) for topic, line in expected]


def test_a_table_in_another_schema_is_named() -> None:
    [found] = [
        each
        for each in registry_checks(replace(NOTHING, elsewhere=["old", "older"]), ADDING)
        if each.verdict is Verdict.PROBLEM
    ]

    assert found.detail == "it is not on the search path (public); there is one in schema old, older"
    assert found.fix == "give --schema old, or create another one:"
