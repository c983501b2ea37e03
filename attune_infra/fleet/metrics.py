"""A measurement of the fleet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from attune_infra.errors import ExitCode
from attune_infra.fleet.model import Fleet


@dataclass(frozen=True, slots=True)
class Measurement:
    """The fleet at one moment, None if the broker or registry was unavailable, and the seconds it took to look."""

    exit_code: ClassVar[ExitCode] = ExitCode.DONE

    fleet: Fleet | None
    seconds: float
