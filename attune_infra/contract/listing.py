"""The list of all schemas, and the search for one of them."""

from __future__ import annotations

from typing import ClassVar

from attune_infra.contract.schema import address, schema_name
from attune_infra.contract.table import TYPES
from attune_infra.dataclass import dataclass
from attune_infra.errors import ExitCode, WrongUsage
from attune_infra.topology.words import guess


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A schema: its name, the command with that JSON, and the address of its file."""

    name: str
    command: str
    url: str


@dataclass(frozen=True, slots=True)
class Listing:
    """All schemas, in the order of the commands."""

    exit_code: ClassVar[ExitCode] = ExitCode.DONE

    schemas: tuple[Listed, ...]


def list_schemas() -> Listing:
    """Return all schemas."""
    return Listing(tuple(Listed(name=schema_name(each), command=each, url=address(each)) for each in TYPES))


def find_schema(name: str) -> str:
    """Return the key of `TYPES` for a command or the name of a schema; raise `WrongUsage` if there is none."""
    names = {key: key for key in TYPES} | {schema_name(key): key for key in TYPES}
    if found := names.get(name.replace(" ", "-")):
        return found
    raise WrongUsage(f"there is no schema '{name}'{guess(name, names)}", hint="`attune-infra schemas` lists all")
