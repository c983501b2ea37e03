"""Single needs of a command: a tag, access to the virtual host, a right on a name, a privilege in PostgreSQL."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, TypeAlias

from attune_infra.dataclass import dataclass
from attune_infra.topology.facts.permissions import Right, Tag


class Over(StrEnum):
    """The connection whose user needs something; AMQP and the management API may have different users."""

    AMQP = "AMQP"
    HTTP = "the management API"
    DATABASE = "PostgreSQL"


@dataclass(frozen=True, slots=True)
class Entry:
    """Access to the virtual host: a user has it with any permissions in it, even with those on no name."""

    def __str__(self) -> str:
        return "access to the virtual host"


@dataclass(frozen=True, slots=True)
class Privilege:
    """A privilege of PostgreSQL, such as SELECT on the table worker.

    The database and the schema have other names in each installation. Here, each is called by its kind.
    """

    name: str
    kind: str
    object: str

    def __str__(self) -> str:
        named = self.kind if self.object == self.kind else f"{self.kind} {self.object}"
        return f"{self.name} on the {named}"


@dataclass(frozen=True, slots=True)
class Need:
    """Something that the user of a connection needs."""

    over: Over
    what: Tag | Entry | Right | Privilege

    def __str__(self) -> str:
        return f"the tag {self.what}" if isinstance(self.what, Tag) else str(self.what)


@dataclass(frozen=True, slots=True)
class Denied:
    """The user of a connection, to whom RabbitMQ denied something in a virtual host."""

    over: Over
    user: str
    virtual_host: str


Privileges: TypeAlias = tuple[Privilege, ...]

USE_SCHEMA: Final = Privilege("USAGE", "schema", "schema")
CREATE_IN_SCHEMA: Final = Privilege("CREATE", "schema", "schema")
CREATE_SCHEMA: Final = Privilege("CREATE", "database", "database")
CONNECT: Final = Privilege("CONNECT", "database", "database")
SELECT: Final = Privilege("SELECT", "table", "worker")
INSERT: Final = Privilege("INSERT", "table", "worker")
UPDATE: Final = Privilege("UPDATE", "table", "worker")
USE_SEQUENCE: Final = Privilege("USAGE", "sequence", "worker_id_seq")

READ_TABLE: Final[Privileges] = (CONNECT, USE_SCHEMA, SELECT)
UPDATE_TABLE: Final[Privileges] = (*READ_TABLE, UPDATE)
REGISTER: Final[Privileges] = (*UPDATE_TABLE, INSERT, USE_SEQUENCE)
CREATE_TABLE: Final[Privileges] = (CONNECT, USE_SCHEMA, CREATE_IN_SCHEMA)
CREATE_SCHEMA_AND_TABLE: Final[Privileges] = (CONNECT, CREATE_SCHEMA)
