"""Values -> lines of text.

A sign at the beginning carries the meaning, and a style only repeats it: `+` made, `~` changed, `!` wrong,
a blank where all is well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from shlex import quote
from typing import Final, TypeAlias

from attune_infra.interfaces import (
    DeregisteredWorkers,
    Dispatch,
    Enlisted,
    Measurement,
    RegisteredWorker,
    RegistryTable,
    SandboxStates,
    SandboxVariables,
)
from attune_infra.render.fleet import fleet_lines, leftover_lines
from attune_infra.render.line import Line
from attune_infra.render.trace import trace_lines
from attune_infra.render.words import attributes, declared, difference, value, visible
from attune_infra.topology.check import CheckedTexts, contents
from attune_infra.topology.diff import Change, Create, Delete, Difference, Recreate, Update
from attune_infra.topology.document import Document
from attune_infra.topology.explain import ExplainedPlan
from attune_infra.topology.fleet import Fleet
from attune_infra.topology.leftovers import Leftovers
from attune_infra.topology.lint.finding import Explanation, Finding, Linted
from attune_infra.topology.lint.severity import Severity
from attune_infra.topology.model import Binding, Queue, label
from attune_infra.topology.plan import Plan
from attune_infra.topology.report import Loss, Outcome, Provisioned, Report, Status
from attune_infra.topology.trace import Trace
from attune_infra.topology.verify import Check, Verdict, Verification
from attune_infra.topology.worker import owner_of

Showable: TypeAlias = (
    Report
    | Plan
    | ExplainedPlan
    | Verification
    | Provisioned
    | RegisteredWorker
    | RegistryTable
    | SandboxStates
    | SandboxVariables
    | Document
    | CheckedTexts
    | Linted
    | Explanation
    | Trace
    | Fleet
    | Leftovers
    | Enlisted
    | DeregisteredWorkers
    | Dispatch
    | Measurement
)
"""What a command can end with."""

_FATES: Final = {Status.RECREATED: "went with the old one", Status.DELETED: "went with it"}
_IN_PLACE: Final = "RabbitMQ cannot change this in place, only delete it and make it anew"


def lines_of(shown: Showable) -> list[Line]:  # noqa: C901, PLR0912 # a match has a case for each
    """Return what a person reads of a value; nothing in it can act on a terminal."""
    match shown:
        case Report():
            lines = _report(shown)
        case Plan():
            lines = _plan(shown)
        case ExplainedPlan():
            lines = _explained(shown)
        case Verification():
            lines = _verification(shown)
        case Provisioned():
            lines = _provisioned(shown)
        case RegisteredWorker():
            lines = iter([Line(f"Worker registered with ID: {shown.id}")])
        case RegistryTable():
            lines = iter([Line("+ table worker: created" if shown.new else "  table worker: unchanged")])
        case SandboxStates():
            lines = _sandboxes(shown)
        case SandboxVariables():
            lines = (Line(f"export {name}={quote(text)}") for name, text in sorted(shown.variables.items()))
        case Document():
            lines = _document(shown)
        case CheckedTexts():
            lines = _checked(shown)
        case Linted():
            lines = _linted(shown)
        case Explanation():
            lines = _explanation(shown)
        case Trace():
            lines = trace_lines(shown)
        case Fleet():
            lines = fleet_lines(shown)
        case Leftovers():
            lines = leftover_lines(shown)
        case Enlisted():
            lines = _enlisted(shown)
        case DeregisteredWorkers():
            lines = (Line(f"~ worker {each.id} ({each.name}): inactive", "yellow") for each in shown.workers)
        case Dispatch():
            lines = _dispatch(shown)
        case Measurement():
            lines = _metrics(shown)
    return [Line(visible(line.text), line.style) for line in lines]


def _document(document: Document) -> Iterator[Line]:
    if document.file is not None:
        yield Line(f"+ {document.file}: written", "green")
        return
    yield from (Line(line) for line in document.text.splitlines())


def _checked(checked: CheckedTexts) -> Iterator[Line]:
    for each in checked.texts:
        if each.topology is not None:
            yield Line(f"{each.source}: ok, {contents(each.topology)}", "green")


def _report(report: Report) -> Iterator[Line]:
    for outcome in report.outcomes:
        yield from _outcome(outcome)
    yield Line(_summary(report))


def _summary(report: Report) -> str:
    counts = report.counts()
    words = ", ".join(f"{counts[status]} {status}" for status in Status if counts[status])
    return f"{len(report.outcomes)} objects: {words}"


_HEADLINES: Final = {
    Status.UNCHANGED: ("  {declared}: unchanged", ""),
    Status.CREATED: ("+ {declared}: created", "green"),
    Status.UPDATED: ("~ {declared}: updated", "yellow"),
    Status.RECREATED: ("~ {declared}: recreated", "yellow"),
    Status.DELETED: ("- {label}: deleted", "red"),
    Status.DIFFERS: ("! {label} exists but differs", "red"),
    Status.KEPT: ("! {label} is kept: {reason}", "red"),
    Status.FAILED: ("! {label} could not be made: {reason}", "red"),
    Status.SKIPPED: ("! {label} skipped: {reason}", "red"),
}


def _outcome(outcome: Outcome) -> Iterator[Line]:
    template, style = _HEADLINES[outcome.status]
    item = outcome.object
    yield Line(template.format(declared=declared(item), label=label(item), reason=outcome.reason), style)
    yield from _differences(outcome.differences)
    if outcome.status is Status.DIFFERS:
        yield Line(f"      {_IN_PLACE}")
    if outcome.loss:
        yield Line(f"      {_loss(outcome.loss)} {_FATES.get(outcome.status, 'would be lost by that')}")
    if outcome.instead and outcome.status is Status.DIFFERS:
        from attune_infra.topology.write import policy_line  # rare, and YAML takes long to load

        yield Line("      this policy has the same effect, if the arguments are left out:")
        yield Line(f"        {policy_line(outcome.instead)}")


def _loss(loss: Loss) -> str:
    counts = ((loss.messages, "messages"), (loss.consumers, "consumers"), (loss.bindings, "bindings"))
    return ", ".join(f"{'an unknown number of' if count is None else count} {name}" for count, name in counts)


def _differences(differences: Iterable[Difference]) -> Iterator[Line]:
    for found in differences:
        yield Line(f"      {difference(found)}")


def _plan(plan: Plan) -> Iterator[Line]:
    for change in plan.changes:
        yield from _change(change)
    if not plan.changes:
        yield Line(f"no differences: all {len(plan.unchanged)} objects are as wanted")
        return
    updates = sum(isinstance(change, Update) for change in plan.changes)
    counts = (
        (len(plan.unchanged), "as wanted"),
        (len(plan.applicable) - updates, "to create"),
        (updates, "to update"),
        (len(plan.recreations), "that cannot be changed in place"),
        (len(plan.deletions), "to delete"),
    )
    yield Line(", ".join(f"{count} {words}" for count, words in counts if count))
    yield Line(f"plan {plan.digest}")


def _change(change: Change) -> Iterator[Line]:
    match change:
        case Create():
            yield Line(f"+ {label(change.want)} is missing", "green")
            for name, wanted in attributes(change.want):
                yield Line(f"      {name}: {value(wanted)}")
        case Update():
            yield Line(f"~ {label(change.want)} differs", "yellow")
            yield from _differences(change.differences)
        case Recreate():
            yield Line(f"! {label(change.want)} exists but differs", "red")
            yield from _differences(change.differences)
            yield Line(f"      {_IN_PLACE}")
        case Delete():
            yield Line(f"- {label(change.have)} is not declared", "red")


def _explained(explained: ExplainedPlan) -> Iterator[Line]:
    yield from _plan(explained.plan)
    for explanation in explained.explanations:
        yield Line(f"{label(explanation.object)} is {'drift' if explanation.drift else 'no drift'}")
        yield from (Line(f"      {reason}") for reason in explanation.reasons)
    for item, why in explained.kept:
        yield Line(f"{label(item)} is not declared, and left alone")
        yield Line(f"      {why}")


_VERDICT_STYLES: Final = {
    Verdict.PASSED: "green",
    Verdict.WARNING: "yellow",
    Verdict.FAILED: "red",
    Verdict.UNKNOWN: "red",
}


def _verification(verification: Verification) -> Iterator[Line]:
    for check in verification.checks:
        yield from _check(check)
    counts = verification.counts()
    words = ", ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict if counts[verdict])
    yield Line(f"{len(verification.checks)} checks: {words}")


def _check(check: Check) -> Iterator[Line]:
    detail = f": {check.detail}" if check.detail else ""
    yield Line(f"{check.verdict:<7}  {check.name}{detail}", _VERDICT_STYLES[check.verdict])
    yield from _differences(check.differences)
    if check.hint and check.verdict is not Verdict.PASSED:
        yield Line(f"         hint: {check.hint}")


def _provisioned(provisioned: Provisioned) -> Iterator[Line]:
    if not provisioned.registry_asked:
        yield Line("  registry not asked: no database is configured")
    shared, own = _by_worker(provisioned)
    for outcome in shared:
        yield from _outcome(outcome)
    for worker_id in provisioned.worker_ids:
        for outcome in own[worker_id]:
            yield from _outcome(outcome)
        if all(outcome.status in {Status.CREATED, Status.UNCHANGED} for outcome in own[worker_id]):
            yield Line(f"  worker {worker_id} provisioned: all of its own was read back as wanted")
        else:
            yield Line(f"! worker {worker_id} is not provisioned", "red")
    if len(provisioned.worker_ids) > 1:
        yield Line(f"{len(provisioned.worker_ids)} workers, {_summary(provisioned.report)}")


def _enlisted(enlisted: Enlisted) -> Iterator[Line]:
    yield from _provisioned(enlisted.provisioned)
    if enlisted.registered:
        yield Line(f"Worker registered with ID: {enlisted.worker.id}")
    else:
        yield Line(f"! worker {enlisted.worker.name} is not registered: all of it was undone", "red")


def _metrics(measurement: Measurement) -> Iterator[Line]:
    from attune_infra.render.metrics import exposition

    yield from map(Line, exposition(measurement).splitlines())


def _dispatch(sent: Dispatch) -> Iterator[Line]:
    if sent.routed:
        yield Line(f"+ message {sent.message_id} is in the queue of worker {sent.worker_id}", "green")
    else:
        yield Line(
            f"! no queue is bound for {sent.routing_key} to exchange {sent.exchange}: nothing was sent", "red"
        )


def _by_worker(provisioned: Provisioned) -> tuple[list[Outcome], dict[int, list[Outcome]]]:
    shared: list[Outcome] = []
    own: dict[int, list[Outcome]] = {worker_id: [] for worker_id in provisioned.worker_ids}
    for outcome in provisioned.report.outcomes:
        match outcome.object:
            case Queue(name=name) | Binding(destination=name):
                worker_id = owner_of(provisioned.workers, name)
                (shared if worker_id is None else own[worker_id]).append(outcome)
            case _:
                shared.append(outcome)
    return shared, own


def _sandboxes(states: SandboxStates) -> Iterator[Line]:
    if not states.sandboxes:
        yield Line("no sandbox is running")
    for sandbox in states.sandboxes:
        yield Line(f"sandbox {sandbox.name}: {sandbox.status}", "" if sandbox.status == "running" else "red")
        for server in sandbox.servers:
            ports = ", ".join(f"{name} {port}" for name, port in sorted(server.ports.items()))
            how = f"process {server.pid}" if server.ended is None else f"{server.ended}; see {server.log}"
            yield Line(f"  {server.title} {server.version}: {how}; ports: {ports}")


_SEVERITY_STYLES: Final = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: ""}


def _linted(linted: Linted) -> Iterator[Line]:
    for finding in linted.findings:
        yield Line(_finding(finding, linted.source), _SEVERITY_STYLES[finding.severity])
        yield Line(f"      {finding.remedy}")
    found, release = linted.counts(), f"RabbitMQ {linted.version[0]}.{linted.version[1]}"
    counts = [*((found[severity], str(severity)) for severity in Severity), (len(linted.suppressed), "suppressed")]
    words = ", ".join(f"{count} {word}" for count, word in counts if count) or "none"
    yield Line(f"findings for {release}: {words}")


def _finding(finding: Finding, source: str) -> str:
    """Return a finding as compilers say it, with the place in front if there is one, so that editors find it."""
    place = f"{source}:{finding.place.line}:{finding.place.column}: " if finding.place else f"{source}: "
    told = f"{finding.severity} {finding.rule} {finding.object}: {finding.what}"
    return f"{place}{told}" if source else told


def _explanation(explanation: Explanation) -> Iterator[Line]:
    for number, rule in enumerate(explanation.rules):
        if number:
            yield Line("")
        yield from (Line(f"## {rule.code}: {rule.title}"), Line(""), Line(f"Severity: {rule.severity}."), Line(""))
        yield from (Line(line) for line in rule.reason.splitlines())
