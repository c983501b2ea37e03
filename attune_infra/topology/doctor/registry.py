"""Verdicts on the registry: its table, and the grants of the role."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from attune_infra.errors import AttuneError
from attune_infra.topology.doctor.connections import clock_check
from attune_infra.topology.doctor.diagnosis import Check, Topic, ok, problem, warning
from attune_infra.topology.doctor.scope import Rows, Scope
from attune_infra.topology.doctor.seen import Answer, Registry, Table

_READ_COLUMNS: Final = {
    "id": "bigserial",
    "name": "text NOT NULL DEFAULT ''",
    "status": "text",
    "last_heartbeat": "timestamptz",
}
_SET_COLUMNS: Final = {"updated": "timestamptz NOT NULL DEFAULT now()"}
_ADD_COLUMNS: Final = {
    "worker_type": "text",
    "host": "text",
    "port": "integer",
    "capabilities": "jsonb",
    "created": "timestamptz NOT NULL DEFAULT now()",
}
"""The columns that commands use, with the type to add them with. The early form of the table has them too."""

_COLUMNS: Final = {
    Rows.READ: _READ_COLUMNS,
    Rows.SET: _READ_COLUMNS | _SET_COLUMNS,
    Rows.ADD: _READ_COLUMNS | _SET_COLUMNS | _ADD_COLUMNS,
}
PRIVILEGES: Final = {
    Rows.READ: ("SELECT",),
    Rows.SET: ("SELECT", "UPDATE"),
    Rows.ADD: ("SELECT", "INSERT", "UPDATE", "USAGE"),
}


def registry_checks(answer: Answer[Registry], scope: Scope) -> Iterator[Check]:
    """Yield the checks of the registry. A database that does not answer is a problem."""
    if isinstance(answer, AttuneError):
        yield problem(Topic.DATABASE, "database", answer.sentence, answer.hint or "")
        return
    yield ok(Topic.DATABASE, "database", f"{answer.database} answers, as role {answer.role}")
    yield clock_check("clock of PostgreSQL", answer.clock_ahead)
    if answer.read_only and scope.rows is not Rows.READ:
        detail = "it takes no changes: it is a standby, or its transactions are read-only by default"
        yield problem(
            Topic.WRITABLE, "read-only database", detail, "give the URL of the primary as --database-url"
        )
    if answer.table is None:
        yield from _without_table(answer, scope)
    else:
        yield from _table(answer.table, answer.role, scope.rows)


def _without_table(found: Registry, scope: Scope) -> Iterator[Check]:
    schema = found.schema or "public"
    if not found.may_use_schema:
        detail = f"role {found.role} may not use schema {schema}, so its tables seem to be missing"
        line = f"GRANT USAGE ON SCHEMA {_name(schema)} TO {_name(found.role)};"
        yield problem(Topic.SCHEMA, f"schema {schema}", detail, "", line)
        return
    if found.elsewhere or not scope.creates_table:
        where = f"; there is one in schema {', '.join(found.elsewhere)}" if found.elsewhere else ""
        detail = f"it is not on the search path ({found.search_path}){where}"
        fix = f"give --schema {found.elsewhere[0]}, or create another one:" if found.elsewhere else ""
        yield problem(Topic.TABLE, "table worker", detail, fix, "attune-infra registry init")
    if not found.may_create:
        detail = f"role {found.role} may not create the table worker in schema {schema}"
        line = f"GRANT CREATE ON SCHEMA {_name(schema)} TO {_name(found.role)};"
        yield problem(Topic.SCHEMA, f"schema {schema}", detail, "", line)
    elif scope.creates_table and not found.elsewhere:
        detail = f"there is none yet; `attune-infra registry init` creates it in schema {schema}"
        yield ok(Topic.TABLE, "table worker", detail)


def _table(table: Table, role: str, rows: Rows) -> Iterator[Check]:
    name = f"{_name(table.schema)}.worker"
    missing = {column: kind for column, kind in _COLUMNS[rows].items() if column not in table.columns}
    for column, kind in missing.items():
        detail = f"column {column} is missing"
        yield problem(Topic.TABLE, "table worker", detail, "", f"ALTER TABLE {name} ADD COLUMN {column} {kind};")
    if not missing:
        yield ok(Topic.TABLE, "table worker", f"it is in schema {table.schema}, with the columns needed")
    if table.unique_name:
        yield ok(Topic.NAMES, "unique name", "a name has one row")
    elif rows is Rows.ADD:
        detail = "the table has no unique index on name: another client may add a second row with the same name"
        line = f"CREATE UNIQUE INDEX worker_name_key ON {name} (name);"
        yield warning(Topic.NAMES, "unique name", detail, "", line)
    yield from _grants(table, role, rows)


def _grants(table: Table, role: str, rows: Rows) -> Iterator[Check]:
    lacking = [each for each in PRIVILEGES[rows] if not table.privileges.get(each, True)]
    on_table = [each for each in lacking if each != "USAGE"]
    if on_table:
        line = f"GRANT {', '.join(on_table)} ON {_name(table.schema)}.worker TO {_name(role)};"
        yield problem(Topic.GRANTS, "grants", f"role {role} lacks {', '.join(on_table)} on table worker", "", line)
    if "USAGE" in lacking:
        line = f"GRANT USAGE ON SEQUENCE {table.sequence} TO {_name(role)};"
        yield problem(Topic.GRANTS, "grants", f"role {role} lacks USAGE on the sequence of ids", "", line)
    if not lacking:
        yield ok(Topic.GRANTS, "grants", f"role {role} has {', '.join(PRIVILEGES[rows])}")


def _name(identifier: str) -> str:
    """Return an identifier as SQL takes it."""
    doubled = identifier.replace('"', '""')
    return f'"{doubled}"'
