"""The table of workers."""

from __future__ import annotations

from typing import ClassVar

from attune_infra.dataclass import dataclass
from attune_infra.errors import ExitCode


@dataclass(frozen=True, slots=True)
class RegistryTable:
    """The table `worker`; `new` if this command created it."""

    exit_code: ClassVar[ExitCode] = ExitCode.DONE

    new: bool
