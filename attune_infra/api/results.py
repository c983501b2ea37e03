"""The values that a broker's methods return: a plan, a report, a verification."""

from __future__ import annotations

from collections.abc import Iterable

from attune_infra.dataclass import dataclass
from attune_infra.errors import ExitCode
from attune_infra.topology import model
from attune_infra.topology.diff import Change
from attune_infra.topology.model import TopologyObject, label
from attune_infra.topology.planning import plan, report
from attune_infra.topology.planning.consent import DEFAULT_THRESHOLD, EVERYTHING, Consent
from attune_infra.topology.planning.undo import undo_document
from attune_infra.topology.verify import Verification as VerifiedTopology


@dataclass(frozen=True, slots=True)
class Plan:
    """All changes to a broker, decided before the first of them is made; `Broker.plan` makes one."""

    _plan: plan.Plan
    _have: model.Topology
    _want: model.Topology

    @property
    def changes(self) -> tuple[Change, ...]:
        """The changes in their order: `Create`, `Update`, `Recreate`, `Await` or `Delete`."""
        return self._plan.changes

    @property
    def digest(self) -> str:
        """A name for exactly these changes on this broker; `Broker.apply` takes it as `expect`."""
        return self._plan.digest

    @property
    def refusals(self) -> tuple[str, ...]:
        """A sentence for each object that RabbitMQ is certain to refuse; with any, nothing can be applied."""
        return tuple(f"{label(each.object)}: {each.reason}" for each in self._plan.refusals)

    @property
    def exit_code(self) -> ExitCode:
        """The exit code of `attune-infra diff` for this plan: DONE, DRIFT or FAILED."""
        return self._plan.exit_code

    def undo(self, allow: str | Iterable[str] = EVERYTHING) -> str:
        """Return the document, in YAML, that makes again what the allowed changes delete, without messages.

        Raise `WrongUsage` if `allow` has a text that is no selector.
        """
        consent = consent_to(allow, self._want)
        return undo_document(self._plan.deleted_with(consent, self._have), self._have).text


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one object: a `status` as in the JSON of `setup`, and the reason if it is a bad one."""

    object: TopologyObject
    status: str
    reason: str


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of a plan, object by object."""

    outcomes: tuple[Outcome, ...]
    exit_code: ExitCode
    """The exit code of `attune-infra setup`: DONE, PARTLY_DONE, FAILED or REFUSED."""

    @property
    def ok(self) -> bool:
        """True if the broker now has all that was wanted."""
        return self.exit_code is ExitCode.DONE


@dataclass(frozen=True, slots=True)
class Check:
    """One check: its verdict is `passed`, `warning`, `failed` or `unknown`."""

    name: str
    verdict: str
    detail: str
    hint: str | None


@dataclass(frozen=True, slots=True)
class Verification:
    """All checks of a broker, in the order in which they were made."""

    checks: tuple[Check, ...]
    exit_code: ExitCode
    """The exit code of `attune-infra verify`: DONE, DRIFT, or FAILED if something could not be checked."""

    @property
    def ok(self) -> bool:
        """True if no check failed and none was impossible; there may be warnings."""
        return self.exit_code is ExitCode.DONE


def consent_to(allow: str | Iterable[str], want: model.Topology, max_deletes: str = DEFAULT_THRESHOLD) -> Consent:
    """Return the consent of one selector or of several, never to what the topology protects."""
    selectors = [allow] if isinstance(allow, str) else allow
    return Consent.given(selectors, want.demands.protect, max_deletes=max_deletes)


def report_of(found: report.Report) -> Report:
    """Return the report of an applied plan."""
    outcomes = (Outcome(each.object, str(each.status), each.reason) for each in found.outcomes)
    return Report(tuple(outcomes), found.exit_code)


def verification_of(found: VerifiedTopology) -> Verification:
    """Return the checks of a broker."""
    checks = (Check(each.name, str(each.verdict), each.detail, each.hint) for each in found.checks)
    return Verification(tuple(checks), found.exit_code)
