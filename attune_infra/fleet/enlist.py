"""A worker registered and provisioned in one step."""

from __future__ import annotations

from dataclasses import dataclass

from attune_infra.errors import ExitCode
from attune_infra.fleet.provision import Provisioned
from attune_infra.fleet.register import RegisteredWorker


@dataclass(frozen=True, slots=True)
class Enlisted:
    """The outcome of enlisting a worker: registered and provisioned, or neither unless `registered`."""

    worker: RegisteredWorker
    provisioned: Provisioned
    registered: bool

    @property
    def exit_code(self) -> ExitCode:
        return ExitCode.DONE if self.registered else ExitCode.FAILED
