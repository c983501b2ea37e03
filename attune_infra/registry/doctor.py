"""Everything that `doctor` asks the database of the registry. Nothing here changes it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import field
from typing import Any, Final

import psycopg

from attune_infra.dataclass import dataclass
from attune_infra.errors import RegistryError
from attune_infra.registry.workers import connect
from attune_infra.topology.doctor.seen import Registry, Table

_DATABASE: Final = """
    SELECT current_user, extract(epoch FROM clock_timestamp())::float8, current_setting('search_path'),
           pg_is_in_recovery() OR current_setting('default_transaction_read_only')::boolean, current_database(),
           has_database_privilege(current_database(), 'CREATE')
"""

_SCHEMA: Final = """
    SELECT nspname, has_schema_privilege(oid, 'USAGE'), has_schema_privilege(oid, 'CREATE')
    FROM pg_namespace WHERE nspname = coalesce(%s, current_schema())
"""
"""Without USAGE, the search path passes over a schema, and its tables seem to be missing."""

_TABLE: Final = """
    SELECT nspname, pg_class.oid FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE pg_class.oid = to_regclass('worker')
"""

_ELSEWHERE: Final = r"""
    SELECT nspname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE relname = 'worker' AND relkind IN ('r', 'p', 'v') AND nspname NOT LIKE 'pg\_%' ORDER BY nspname
"""

_COLUMNS: Final = """
    SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
    WHERE attrelid = %s AND attnum > 0 AND NOT attisdropped
"""

_UNIQUE: Final = """
    SELECT EXISTS (
        SELECT FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0]
        WHERE indrelid = %s AND indisunique AND indnkeyatts = 1 AND indpred IS NULL AND attname = 'name'
    )
"""

_PRIVILEGES: Final = (
    "SELECT privilege, has_table_privilege(%s::oid, privilege) FROM unnest(%s::text[]) AS privilege"
)

_SEQUENCE: Final = """
    SELECT sequence, has_sequence_privilege(sequence, 'USAGE')
    FROM pg_get_serial_sequence('worker', 'id') AS sequence WHERE sequence IS NOT NULL
"""

TABLE_PRIVILEGES: Final = ("SELECT", "INSERT", "UPDATE")


@dataclass(frozen=True, slots=True)
class RegistryDoctor:
    """Questions to the database of a URL."""

    url: str = field(repr=False)
    timeout: float
    schema: str | None = None

    def look(self) -> Registry:
        """Return the answers of the database; raise `RegistryError` if it gives none."""
        with connect(self.url, self.timeout, self.schema) as connection:
            try:
                return self._look(connection)
            except psycopg.Error as error:
                reason = error.diag.message_primary or " ".join(str(error).split())
                raise RegistryError(f"the database refused a question: {reason}") from error

    def _look(self, connection: psycopg.Connection[Any]) -> Registry:
        began = time.monotonic()
        [row] = connection.execute(_DATABASE).fetchall()
        role, told, search_path, read_only, database, may_create_schema = row
        between = time.time() - (time.monotonic() - began) / 2
        schemas = connection.execute(_SCHEMA, (self.schema,)).fetchall()
        schema, may_use, may_create = schemas[0] if schemas else (self.schema, True, may_create_schema)
        table = _table(connection)
        return Registry(
            role=role,
            clock_ahead=told - between,
            search_path=search_path,
            read_only=read_only,
            table=table,
            elsewhere=() if table else _names(connection, _ELSEWHERE),
            may_create=may_create,
            schema=schema,
            may_use_schema=may_use,
            database=database,
        )


def _names(connection: psycopg.Connection[Any], query: str) -> Sequence[str]:
    return [row[0] for row in connection.execute(query)]


def _table(connection: psycopg.Connection[Any]) -> Table | None:
    found = connection.execute(_TABLE).fetchone()
    if found is None:
        return None
    schema, oid = found
    columns = dict(connection.execute(_COLUMNS, (oid,)).fetchall())
    [unique] = connection.execute(_UNIQUE, (oid,)).fetchone() or (False,)
    privileges = dict(connection.execute(_PRIVILEGES, (oid, list(TABLE_PRIVILEGES))).fetchall())
    sequence = connection.execute(_SEQUENCE).fetchone() if "id" in columns else None
    if sequence is not None:
        privileges["USAGE"] = sequence[1]
    return Table(
        schema=schema,
        columns=columns,
        unique_name=unique,
        privileges=privileges,
        sequence=sequence[0] if sequence else None,
    )
