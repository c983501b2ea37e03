"""The needs of each command: protocols, tables, and objects that it declares."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from attune_infra.dataclass import dataclass
from attune_infra.errors import WrongUsage
from attune_infra.topology.words import guess


class Rows(StrEnum):
    """The use that a command makes of the table of workers."""

    NONE = "none"
    READ = "read"
    SET = "set"
    """It changes rows."""
    ADD = "add"
    """It adds rows, and changes them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The servers that a command asks, and the things that it does there."""

    http: bool = False
    amqp: bool = False
    rows: Rows = Rows.NONE
    rows_if_configured: bool = False
    """True if it leaves the registry out where none is configured."""
    creates_table: bool = False
    declares_document: bool = False
    declares_workers: bool = False
    counts: bool = False
    """True if it reads statistics."""
    publishes: bool = False


EXAMPLE_ID: Final = 1
"""The worker that stands for any, if none is named."""

_READING: Final = Scope(http=True)

EVERYTHING: Final = Scope(
    http=True,
    amqp=True,
    rows=Rows.ADD,
    rows_if_configured=True,
    creates_table=True,
    declares_document=True,
    declares_workers=True,
    counts=True,
    publishes=True,
)
"""The needs of all commands together."""

SCOPES: Final[Mapping[str, Scope]] = {
    "setup": Scope(http=True, amqp=True, declares_document=True),
    "diff": Scope(http=True, declares_document=True),
    "verify": Scope(http=True, amqp=True, counts=True),
    "lint": _READING,
    "graph": _READING,
    "trace": _READING,
    "queues": Scope(http=True, counts=True),
    "migrate": Scope(http=True, amqp=True, publishes=True),
    "queue peek": Scope(http=True, amqp=True),
    "queue move": Scope(http=True, amqp=True, publishes=True),
    "queue copy": Scope(http=True, amqp=True, publishes=True),
    "queue load": Scope(http=True, amqp=True, publishes=True),
    "queue purge": Scope(http=True, amqp=True, counts=True),
    "dlq list": Scope(http=True, amqp=True, counts=True),
    "dlq show": Scope(http=True, amqp=True),
    "dlq replay": Scope(http=True, amqp=True, publishes=True),
    "watch": Scope(http=True, rows=Rows.READ, rows_if_configured=True, counts=True),
    "tap": Scope(http=True, amqp=True),
    "export": _READING,
    "metrics": Scope(http=True, rows=Rows.READ, rows_if_configured=True, counts=True),
    "registry init": Scope(rows=Rows.ADD, creates_table=True),
    "worker list": Scope(http=True, rows=Rows.READ, counts=True),
    "worker verify": Scope(http=True, rows=Rows.READ, counts=True),
    "worker watch": Scope(http=True, rows=Rows.READ, counts=True),
    "worker register": Scope(rows=Rows.ADD),
    "worker provision": Scope(
        http=True, amqp=True, rows=Rows.READ, rows_if_configured=True, declares_workers=True
    ),
    "worker enlist": Scope(http=True, amqp=True, rows=Rows.ADD, declares_workers=True),
    "worker deregister": Scope(rows=Rows.SET),
    "worker deprovision": Scope(http=True, amqp=True, rows=Rows.READ, rows_if_configured=True, counts=True),
    "worker prune": Scope(http=True, amqp=True, rows=Rows.READ, counts=True),
    "worker run": Scope(amqp=True, rows=Rows.ADD, declares_document=True, declares_workers=True, publishes=True),
    "worker dispatch": Scope(amqp=True, publishes=True),
}
"""The needs of each command that asks a server."""


def scope_of(command: str | None) -> Scope:
    """Return the needs of a command, of all without one; raise `WrongUsage` for a name that is none."""
    if command is None:
        return EVERYTHING
    if command not in SCOPES:
        raise WrongUsage(
            f"'{command}' is not a command that asks a server{guess(command, SCOPES)}",
            hint=f"choose from: {', '.join(SCOPES)}; or leave it out, for all of them",
        )
    return SCOPES[command]
