"""Workers that were given their queues and bindings."""

from __future__ import annotations

from attune_infra.dataclass import dataclass
from attune_infra.errors import ExitCode
from attune_infra.topology.model import WorkerFamily
from attune_infra.topology.planning.report import Report


@dataclass(frozen=True, slots=True)
class Provisioned:
    """The outcome of provisioning some workers: their queues, bindings, and the exchanges they bind to."""

    worker_ids: tuple[int, ...]
    registry_asked: bool
    workers: WorkerFamily
    report: Report

    @property
    def exit_code(self) -> ExitCode:
        return self.report.exit_code
