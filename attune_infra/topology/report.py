"""What became of a plan, object by object; the exit code follows from it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

from attune_infra.errors import ExitCode
from attune_infra.topology.diff import Difference
from attune_infra.topology.model import TopologyObject, WorkerFamily


class Status(StrEnum):
    """What became of one object."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    DIFFERS = "differs"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one object, and why where it is not what was wanted."""

    object: TopologyObject
    status: Status
    reason: str = ""
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """What became of every wanted object, in the order of `Topology.objects`."""

    outcomes: tuple[Outcome, ...]

    def counts(self) -> Counter[Status]:
        return Counter(outcome.status for outcome in self.outcomes)

    @property
    def exit_code(self) -> ExitCode:
        """Done; or partly done where something was made; or failed where nothing could be."""
        counts = self.counts()
        if not counts[Status.DIFFERS] + counts[Status.FAILED] + counts[Status.SKIPPED]:
            return ExitCode.DONE
        made = counts[Status.CREATED] + counts[Status.UPDATED]
        return ExitCode.PARTLY_DONE if made else ExitCode.FAILED


@dataclass(frozen=True, slots=True)
class Provisioned:
    """What became of some workers' queues and bindings, and of the exchanges they bind to."""

    worker_ids: tuple[int, ...]
    registry_asked: bool
    workers: WorkerFamily
    report: Report

    @property
    def exit_code(self) -> ExitCode:
        return self.report.exit_code
