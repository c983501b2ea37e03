"""Insert many workers into the table `worker` at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import psycopg

from attune_infra.errors import RegistryError
from attune_infra.fleet.register import RegisteredWorker
from attune_infra.topology.words import counted

_MAX_NAMES_LISTED: Final = 5

_LOCK_TABLE: Final = "LOCK TABLE worker IN SHARE ROW EXCLUSIVE MODE"
"""Other writers wait for the end of the transaction, since the early form of the table allows a name twice."""

_KNOWN: Final = "SELECT DISTINCT name FROM worker WHERE name = ANY(%s::text[]) ORDER BY name"

_INSERT: Final = """
    INSERT INTO worker (name, worker_type, host, port, capabilities, status, last_heartbeat)
    SELECT wanted.name, %(first_type)s, %(host)s, %(port)s, %(capabilities)s, 'active', now()
    FROM unnest(%(names)s::text[]) WITH ORDINALITY AS wanted(name, place) ORDER BY place
    RETURNING id, name, created
"""

_INSERT_WITH_ROLE: Final = """
    INSERT INTO worker (name, worker_type, worker_role, host, port, capabilities, status, last_heartbeat)
    SELECT wanted.name, %(first_type)s, 'action', %(host)s, %(port)s, %(capabilities)s, 'active', now()
    FROM unnest(%(names)s::text[]) WITH ORDINALITY AS wanted(name, place) ORDER BY place
    RETURNING id, name, created
"""


def insert_all(
    connection: psycopg.Connection[tuple[Any, ...]],
    names: Sequence[str],
    values: Mapping[str, object],
    *,
    has_role: bool,
) -> tuple[RegisteredWorker, ...]:
    """Insert a row for each name, inside a transaction; raise `RegistryError` if a name has a row already."""
    connection.execute(_LOCK_TABLE)
    if known := [name for (name,) in connection.execute(_KNOWN, (list(names),))]:
        raise _known_already(known)
    insert = _INSERT_WITH_ROLE if has_role else _INSERT
    rows = connection.execute(insert, {**values, "names": list(names)}).fetchall()
    if len(rows) != len(names):
        raise RegistryError(
            f"the registry accepted {counted(len(names), 'worker')} but returned {counted(len(rows), 'row')}",
            hint="check the rules and triggers of the table `worker`",
        )
    return tuple(RegisteredWorker(id=each, name=name, created=created, new=True) for each, name, created in rows)


def _known_already(names: Sequence[str]) -> RegistryError:
    shown = ", ".join(names[:_MAX_NAMES_LISTED])
    if len(names) > _MAX_NAMES_LISTED:
        shown += f" and {len(names) - _MAX_NAMES_LISTED} more"
    have = "name has" if len(names) == 1 else "names have"
    return RegistryError(
        f"{len(names)} of the {have} a worker already: {shown}; nothing was registered",
        hint="give names that are new; `worker register --name NAME` updates one worker",
    )
