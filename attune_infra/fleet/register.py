"""A worker that registers: its own description, and its row in the registry."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

from attune_infra.dataclass import dataclass
from attune_infra.errors import ExitCode

if TYPE_CHECKING:
    from attune_infra.topology.model import Argument


class WorkerType(StrEnum):
    """The kind of place a worker runs in, with the names of the platform's database."""

    LOCAL = "local"
    REMOTE = "remote"
    CONTAINER = "container"


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """A worker's description of itself. None keeps the value of the registry, or its default."""

    name: str
    worker_type: WorkerType | None = None
    host: str | None = None
    port: int | None = None
    capabilities: Mapping[str, Argument] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredWorker:
    """A row of the registry; `new` if this registration inserted it."""

    exit_code: ClassVar[ExitCode] = ExitCode.DONE

    id: int
    name: str
    created: datetime
    new: bool


@dataclass(frozen=True, slots=True)
class RegisteredWorkers:
    """The rows of workers that were inserted together, in the order of their names."""

    exit_code: ClassVar[ExitCode] = ExitCode.DONE

    workers: tuple[RegisteredWorker, ...]
