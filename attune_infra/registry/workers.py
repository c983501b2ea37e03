"""The table `worker` as `interfaces.WorkerRegistry`, in both of its forms. All SQL is parameterised.

The early form has no `worker_role` and no unique `name`; the later one has both. The table is found on the
search path, as the platform's services find it.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import files
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

import psycopg
from psycopg.sql import SQL, Identifier
from psycopg.types.json import Jsonb

from attune_infra import __version__
from attune_infra.errors import InvalidInput, RegistryError, RegistryUnreachable, WorkerNotRegistered
from attune_infra.fleet.deregister import Deregistered, DeregisteredWorkers
from attune_infra.fleet.register import RegisteredWorker, RegisteredWorkers, Registration, WorkerType
from attune_infra.fleet.registry import RegistryTable
from attune_infra.journal import JOURNAL
from attune_infra.registry.bounded import BoundedConnection
from attune_infra.registry.privileges import closed_schema, no_connection, refused
from attune_infra.topology.permissions.needs import (
    CREATE_SCHEMA_AND_TABLE,
    CREATE_TABLE,
    READ_TABLE,
    REGISTER,
    UPDATE_TABLE,
    Privileges,
)

if TYPE_CHECKING:
    from attune_infra.fleet.model import Member

_Row = tuple[Any, ...]

logging.getLogger("psycopg").addHandler(logging.NullHandler())  # it would tell people of a rollback that was cut

_PERMANENT_FAILURES: Final = (
    "password authentication failed",
    "no password supplied",
    "does not exist",
    "pg_hba.conf",
)
"""Words of libpq for failures that do not pass by waiting. It gives them no code."""

_NO_CONNECT: Final = "permission denied for database"
"""Words of libpq for a user without CONNECT, which have no code either."""

_NO_ADDRESS: Final = ("could not translate host name", "failed to resolve host")
"""Words of libpq and of psycopg for a host that is not found."""

_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"
"""A lock for a name, because the early form of the table allows a name twice."""

_SEARCH_PATH: Final = "SELECT set_config('search_path', quote_ident(%s), false)"

_COLUMNS: Final = """
    SELECT attname FROM pg_attribute
    WHERE attrelid = to_regclass('worker') AND attnum > 0 AND NOT attisdropped
"""

_UPDATE: Final = """
    UPDATE worker
    SET worker_type = coalesce(%(worker_type)s, worker_type), host = coalesce(%(host)s, host),
        port = coalesce(%(port)s, port), capabilities = coalesce(%(capabilities)s, capabilities),
        status = 'active', last_heartbeat = now(), updated = now()
    WHERE id = (SELECT min(id) FROM worker WHERE name = %(name)s)
    RETURNING id, name, created
"""

_INSERT: Final = """
    INSERT INTO worker (name, worker_type, host, port, capabilities, status, last_heartbeat)
    VALUES (%(name)s, %(first_type)s, %(host)s, %(port)s, %(capabilities)s, 'active', now())
    RETURNING id, name, created
"""

_INSERT_WITH_ROLE: Final = """
    INSERT INTO worker (name, worker_type, worker_role, host, port, capabilities, status, last_heartbeat)
    VALUES (%(name)s, %(first_type)s, 'action', %(host)s, %(port)s, %(capabilities)s, 'active', now())
    RETURNING id, name, created
"""

_WORKERS: Final = """
    SELECT id, name, coalesce(status::text, 'inactive'), extract(epoch FROM now() - last_heartbeat)::float8,
           coalesce((to_jsonb(worker) ->> 'cordoned')::boolean, false)
    FROM worker
"""
"""The early form lacks the column `cordoned`; JSON gives null for a missing column."""

_HEARTBEAT: Final = """
    UPDATE worker SET last_heartbeat = now(), updated = now() WHERE id = %s
"""

_DEREGISTER: Final = """
    UPDATE worker SET status = 'inactive', updated = now()
    WHERE id = ANY(%(ids)s::bigint[]) OR name = ANY(%(names)s::text[])
    RETURNING id, name
"""

_MISSING: Final = """
    SELECT wanted.id FROM unnest(%s::bigint[]) AS wanted(id)
    WHERE NOT EXISTS (SELECT FROM worker WHERE worker.id = wanted.id)
    ORDER BY wanted.id
"""


_TLS_HINTS: Final = {
    "certificate verify failed": "its certificate has expired, is not valid yet, or is of another authority than "
    "`sslrootcert` of the database URL; `openssl s_client -starttls postgres -connect HOST:5432` shows it",
    "does not match host name": "give a host name in the database URL that the certificate is valid for",
    "does not support SSL": "switch `ssl` on in postgresql.conf; or, in a network you trust, sslmode=disable",
    "root certificate file": "add sslrootcert=FILE to the database URL, with the certificate of its authority",
    "certificate required": "add sslcert=FILE and sslkey=FILE to the database URL: PostgreSQL wants a certificate",
}
"""Hints by the words of libpq and OpenSSL."""


class PostgresRegistry:
    """The registry in the PostgreSQL database of a URL; `timeout` is in seconds.

    The table is in `schema`, or without one on the search path.
    """

    def __init__(self, url: str, *, timeout: float, schema: str | None = None) -> None:
        self._url = url
        self._timeout = timeout
        self._schema = schema

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def open(self) -> None:
        """Connect; raise `RegistryUnreachable` without an answer, `RegistryError` if the database refuses."""
        self._connection = connect(self._url, self._timeout, self._schema)

    def create(self) -> RegistryTable:
        with self._transaction(CREATE_TABLE if self._schema is None else CREATE_SCHEMA_AND_TABLE):
            self._connection.execute(_LOCK, ("attune-infra registry init",))
            if self._columns():
                return RegistryTable(new=False)
            if self._schema is not None:
                self._connection.execute(SQL("CREATE SCHEMA IF NOT EXISTS {}").format(Identifier(self._schema)))
            self._connection.execute(files("attune_infra.registry").joinpath("schema.sql").read_bytes())
            return RegistryTable(new=True)

    def register(self, registration: Registration) -> RegisteredWorker:
        worker = self._register_once(registration)
        JOURNAL.note("registered", "worker", worker.name)
        return worker

    def register_new(self, names: Sequence[str], described: Registration) -> RegisteredWorkers:
        from attune_infra.registry.many import insert_all

        with self._transaction(REGISTER):
            has_role = "worker_role" in self._wanted_columns()
            workers = insert_all(self._connection, names, _values(described), has_role=has_role)
        JOURNAL.note("registered", "worker", number=len(workers))
        return RegisteredWorkers(workers)

    @contextmanager
    def registering(self, registration: Registration) -> Iterator[RegisteredWorker]:
        with self._transaction(REGISTER):
            worker = self._register_once(registration)
            yield worker
        JOURNAL.note("registered", "worker", worker.name)

    def _register_once(self, registration: Registration) -> RegisteredWorker:
        try:
            return self._register(registration)
        except _NameTaken:
            return self._register(registration)

    def workers(self) -> dict[int, Member]:
        from attune_infra.fleet.model import Member

        with self._transaction(READ_TABLE):
            self._wanted_columns()
            rows = self._connection.execute(_WORKERS).fetchall()
        for row in rows:
            _insist_on_types(row)
        return {
            worker_id: Member(id=worker_id, name=name, status=status, heartbeat_age=age, cordoned=cordoned)
            for worker_id, name, status, age, cordoned in rows
        }

    def heartbeat(self, worker_id: int) -> bool:
        with self._transaction(UPDATE_TABLE):
            return self._connection.execute(_HEARTBEAT, (worker_id,)).rowcount > 0

    def deregister(self, worker_ids: Collection[int] = (), names: Collection[str] = ()) -> DeregisteredWorkers:
        with self._transaction(UPDATE_TABLE):
            self._wanted_columns()
            values = {"ids": sorted(worker_ids), "names": sorted(names)}
            rows = self._connection.execute(_DEREGISTER, values).fetchall()
            found = tuple(
                sorted((Deregistered(id=each, name=name) for each, name in rows), key=lambda row: row.id)
            )
            unknown = (
                {*map(str, worker_ids), *names} - {str(row.id) for row in found} - {row.name for row in found}
            )
            if unknown:
                raise WorkerNotRegistered(
                    f"not in the registry: {', '.join(sorted(unknown))}; nothing was changed",
                    hint="`attune-infra worker list` shows the registered workers",
                )
        JOURNAL.note("deregistered", "worker", number=len(found))
        return DeregisteredWorkers(found)

    def missing(self, worker_ids: Collection[int]) -> tuple[int, ...]:
        with self._transaction(READ_TABLE):
            self._wanted_columns()
            rows = self._connection.execute(_MISSING, (sorted(worker_ids),)).fetchall()
        return tuple(row[0] for row in rows)

    def _register(self, registration: Registration) -> RegisteredWorker:
        values = _values(registration)
        with self._transaction(REGISTER):
            insert = _INSERT_WITH_ROLE if "worker_role" in self._wanted_columns() else _INSERT
            self._connection.execute(_LOCK, (f"attune worker {registration.name}",))
            updated = self._connection.execute(_UPDATE, values).fetchone()
            row = updated or self._connection.execute(insert, values).fetchone()
        if row is None:
            raise RegistryError(
                "the registry accepted the worker but returned no row",
                hint="check the rules and triggers of the table `worker`",
            )
        worker_id, name, created = row
        return RegisteredWorker(id=worker_id, name=name, created=created, new=updated is None)

    def _columns(self) -> set[str]:
        return {row[0] for row in self._connection.execute(_COLUMNS)}

    def _wanted_columns(self) -> set[str]:
        columns = self._columns()
        if not columns:
            if closed := closed_schema(self._connection):
                raise closed
            [path] = self._connection.execute("SELECT current_setting('search_path')").fetchone() or ("",)
            raise RegistryError(
                f"there is no table `worker` on the search path ({path})",
                hint="`attune-infra registry init` creates it; if it is in another schema, give --schema",
            )
        return columns

    @contextmanager
    def _transaction(self, needs: Privileges) -> Iterator[None]:
        """Run a block in a transaction; `needs` are all privileges that it needs."""
        try:
            with self._connection.transaction():
                yield
        except psycopg.errors.UniqueViolation as error:
            raise _NameTaken(_sentence(error)) from error
        except (psycopg.errors.InsufficientPrivilege, psycopg.errors.InvalidSchemaName) as error:
            raise self._refused(error, needs) from error
        except psycopg.OperationalError as error:
            raise RegistryUnreachable(
                f"the database connection broke: {_sentence(error)}",
                hint="try again; the transaction was rolled back",
            ) from error
        except psycopg.Error as error:
            raise RegistryError(f"the database refused: {_sentence(error)}") from error

    def _refused(self, error: psycopg.Error, needs: Privileges) -> RegistryError:
        """Return the error for a refused statement; ask for the reason, unless an outer transaction has failed."""
        if self._connection.info.transaction_status is psycopg.pq.TransactionStatus.INERROR:
            return RegistryError(f"the database refused: {_sentence(error)}")
        return refused(self._connection, needs, _sentence(error))


def _values(registration: Registration) -> dict[str, object]:
    """Return the values of the statements that register."""
    return {
        "name": registration.name,
        "worker_type": registration.worker_type,
        "first_type": registration.worker_type or WorkerType.LOCAL,
        "host": registration.host,
        "port": registration.port,
        "capabilities": None if registration.capabilities is None else Jsonb(registration.capabilities),
    }


class _NameTaken(RegistryError):
    """Another client, which does not take our lock, inserted the same name at the same moment."""


_TYPES_OF_ROWS: Final[Sequence[tuple[str, type, bool]]] = (
    ("id", int, False),
    ("name", str, False),
    ("status", str, False),
    ("last_heartbeat", float, True),
    ("cordoned", bool, False),
)
"""The columns of a worker, each with the type of its values, and if it may be null."""


def _insist_on_types(row: _Row) -> None:
    """Raise `RegistryError` for a row of another table that is named `worker` too."""
    for (column, wanted, may_be_null), value in zip(_TYPES_OF_ROWS, row, strict=True):
        is_number = isinstance(value, float) and math.isfinite(value)
        fits = is_number if wanted is float else type(value) is wanted
        if not (fits or (may_be_null and value is None)):
            raise RegistryError(
                f"the table `worker` has a row whose {column} is {value!r:.40}",
                hint="it is not the platform's table of workers: choose another with --schema, or mend the row",
            )


def connect(url: str, timeout: float, schema: str | None = None) -> psycopg.Connection[_Row]:
    """Connect, and look for tables in a schema alone if one is given.

    Raise `RegistryUnreachable` without an answer, `RegistryError` if the database refuses.
    """
    try:
        psycopg.conninfo.conninfo_to_dict(url)
    except (psycopg.ProgrammingError, UnicodeDecodeError) as error:
        raise InvalidInput(
            "the database URL cannot be read",
            hint="write it as postgresql://USER:PASSWORD@HOST:5432/DATABASE, special characters as %XX",
        ) from error
    try:
        return _open(url, timeout, schema)
    except psycopg.OperationalError as error:
        sentence = _sentence(error)
        if _NO_CONNECT in sentence:
            target = psycopg.conninfo.conninfo_to_dict(url)
            raise no_connection(str(target.get("user")), str(target.get("dbname")), sentence) from error
        hint = _tls_hint(sentence)
        if _is_permanent(sentence):
            hint = hint or "check the database URL"
            raise RegistryError(f"cannot open the database: {sentence}", hint=hint) from error
        if _has_no_address(sentence, url):
            sentence = "its host has no address"
        raise RegistryUnreachable(
            f"cannot reach the database: {sentence}",
            hint=hint
            or "check host and port of the database URL; if it is still starting, `--wait 60` waits for it",
        ) from error


def _open(url: str, timeout: float, schema: str | None) -> psycopg.Connection[_Row]:
    connection = BoundedConnection.connect(
        url,
        autocommit=True,
        connect_timeout=math.ceil(timeout),
        application_name=f"attune-infra {__version__}",
    )
    connection.seconds = timeout
    try:
        connection.execute("SELECT set_config('statement_timeout', %s, false)", (f"{math.ceil(timeout * 1000)}",))
        if schema is not None:
            connection.execute(_SEARCH_PATH, (schema,))
    except BaseException:
        connection.close()
        raise
    return connection


def _tls_hint(sentence: str) -> str | None:
    """Return the hint for TLS that failed, by libpq's and OpenSSL's words; None for another failure."""
    return next((hint for words, hint in _TLS_HINTS.items() if words in sentence), None)


def _has_no_address(sentence: str, url: str) -> bool:
    """Return True if a host is not found that may be a password: the URL has none in its place."""
    is_missing = any(words in sentence for words in _NO_ADDRESS)
    return is_missing and not psycopg.conninfo.conninfo_to_dict(url).get("password")


def _is_permanent(sentence: str) -> bool:
    return any(words in sentence for words in _PERMANENT_FAILURES)


def _sentence(error: psycopg.Error) -> str:
    """Return PostgreSQL's own words on one line."""
    return error.diag.message_primary or " ".join(str(error).split())
