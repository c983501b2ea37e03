"""Workers that were set inactive."""

from __future__ import annotations

from typing import ClassVar

from attune_infra.dataclass import dataclass
from attune_infra.errors import ExitCode


@dataclass(frozen=True, slots=True, kw_only=True)
class Deregistered:
    """A row of the registry whose worker is no longer active."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class DeregisteredWorkers:
    """The workers that one command set inactive."""

    exit_code: ClassVar[ExitCode] = ExitCode.DONE

    workers: tuple[Deregistered, ...]
