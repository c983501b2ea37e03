"""Privileges that a user of PostgreSQL lacks, and the statements that grant them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import psycopg

from attune_infra.errors import RegistryError
from attune_infra.topology.permissions.lacks import grant_in_postgres
from attune_infra.topology.permissions.needs import CONNECT, USE_SCHEMA, Privilege, Privileges

_NAMES: Final = """
    SELECT current_user, current_database(), coalesce(
        (SELECT nspname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
         WHERE pg_class.oid = to_regclass('worker')),
        (SELECT nspname
         FROM unnest(string_to_array(current_setting('search_path'), ',')) WITH ORDINALITY AS path(entry, place)
         JOIN pg_namespace ON nspname = trim(BOTH '" ' FROM replace(entry, '$user', current_user))
         ORDER BY place LIMIT 1))
"""
"""The user, the database, and the schema of the table; without a table, the first schema of the search path."""

_CLOSED_SCHEMAS: Final = """
    SELECT nspname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE relname = 'worker' AND relkind IN ('r', 'p', 'v', 'f')
    AND NOT has_schema_privilege(pg_namespace.oid, 'USAGE')
    ORDER BY nspname
"""
"""The schemas that hold a table `worker` and are closed to the user; for him they are not on the search path."""

_HAS: Final = {
    "database": "SELECT has_database_privilege(%(database)s, %(privilege)s)",
    "schema": "SELECT has_schema_privilege(%(schema)s, %(privilege)s)",
    "table": "SELECT has_table_privilege(format('%%I.%%I', %(schema)s::text, 'worker'), %(privilege)s)",
    "sequence": "SELECT has_sequence_privilege(pg_get_serial_sequence("
    "format('%%I.%%I', %(schema)s::text, 'worker'), 'id'), %(privilege)s)",
}


def refused(connection: psycopg.Connection[Any], needs: Privileges, reason: str) -> RegistryError:
    """Return the error for a refused statement: the privileges that the user lacks, with their grants."""
    [role, database, schema] = connection.execute(_NAMES).fetchone() or ("", "", "")
    names = {"database": database, "schema": schema or "public"}
    lacking = [privilege for privilege in needs if not _has(connection, privilege, names)]
    if not lacking:
        return RegistryError(
            f"the database refused: {reason}",
            hint=f"user '{role}' has all privileges on the table `worker` that this needs; look for policies of"
            " rows, rules and triggers",
        )
    return _lacks(role, lacking, names, reason)


def closed_schema(connection: psycopg.Connection[Any]) -> RegistryError | None:
    """Return the error for a table that is in a schema closed to the user; None if there is none."""
    schemas = [name for (name,) in connection.execute(_CLOSED_SCHEMAS)]
    if not schemas:
        return None
    [role] = connection.execute("SELECT current_user").fetchone() or ("",)
    reason = f"there is no table `worker` on the search path, but one in schema {schemas[0]}"
    return _lacks(role, [USE_SCHEMA], {"schema": schemas[0]}, reason)


def no_connection(role: str, database: str, reason: str) -> RegistryError:
    """Return the error for a database that the user may not connect to."""
    return _lacks(role, [CONNECT], {"database": database}, reason)


def _lacks(role: str, lacking: list[Privilege], names: Mapping[str, str], reason: str) -> RegistryError:
    return RegistryError(
        f"user '{role}' lacks {', '.join(map(str, lacking))}: {reason}",
        hint=f"the owner of it can grant it: {' '.join(grant_in_postgres(lacking, role, names))}",
    )


def _has(connection: psycopg.Connection[Any], privilege: Privilege, names: Mapping[str, str]) -> bool:
    """Return whether the user has a privilege; also True if the object does not exist."""
    try:
        row = connection.execute(_HAS[privilege.kind], {**names, "privilege": privilege.name}).fetchone()
    except psycopg.Error:
        return True
    return row is None or row[0] is not False
