"""Workers registered and provisioned in one step."""

from __future__ import annotations

from attune_infra.dataclass import dataclass
from attune_infra.errors import ExitCode
from attune_infra.fleet.provision import Provisioned
from attune_infra.fleet.register import RegisteredWorker, RegisteredWorkers
from attune_infra.topology.planning.report import Outcome


@dataclass(frozen=True, slots=True)
class Enlisted:
    """The outcome of enlisting a worker: registered and provisioned, or neither unless `registered`.

    `left` are the outcomes of queues that were created and could not be deleted again.
    """

    worker: RegisteredWorker
    provisioned: Provisioned
    registered: bool
    left: tuple[Outcome, ...] = ()

    @property
    def exit_code(self) -> ExitCode:
        if self.left:
            return ExitCode.PARTLY_DONE
        return ExitCode.DONE if self.registered else ExitCode.FAILED


@dataclass(frozen=True, slots=True)
class EnlistedWorkers:
    """The outcome of enlisting many new workers: they are registered, whatever the broker refused."""

    registered: RegisteredWorkers
    provisioned: Provisioned

    @property
    def exit_code(self) -> ExitCode:
        """Done, or partly done: the rows are there."""
        return ExitCode.DONE if self.provisioned.exit_code is ExitCode.DONE else ExitCode.PARTLY_DONE
