"""Values -> plain data for JSON, each stamped with its schema and sorted, so that runs can be compared."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, TypeAlias

from attune_infra.interfaces import (
    DeregisteredWorkers,
    Dispatch,
    Enlisted,
    Measurement,
    RegisteredWorker,
    RegistryTable,
    SandboxState,
    SandboxStates,
    SandboxVariables,
)
from attune_infra.render.fleet import fleet_data, leftovers_data
from attune_infra.render.text import Showable
from attune_infra.render.trace_data import trace_data
from attune_infra.topology.check import CheckedText, CheckedTexts
from attune_infra.topology.diff import ABSENT, Change, Create, Delete, Difference, Recreate, Update, Value
from attune_infra.topology.document import Document
from attune_infra.topology.explain import ExplainedPlan
from attune_infra.topology.fleet import Fleet
from attune_infra.topology.leftovers import Leftovers
from attune_infra.topology.lint.finding import Explanation, Finding, Linted, Rule
from attune_infra.topology.model import Binding, TopologyObject
from attune_infra.topology.plan import Plan
from attune_infra.topology.report import Outcome, Provisioned, Report
from attune_infra.topology.trace import Trace
from attune_infra.topology.verify import Check, Verification

Data: TypeAlias = dict[str, Any]


def document(command: str, shown: Showable, exit_code: int) -> str:
    """Return the JSON text of a command's result."""
    stamped = {"schema": f"attune-infra/{command}/1", "exit_code": exit_code, **_data(shown)}
    return json.dumps(stamped, indent=2, sort_keys=True, ensure_ascii=False)


def _data(shown: Showable) -> Data:  # noqa: C901, PLR0912 # a match has a case for each
    match shown:
        case Report():
            return {"objects": _sorted(_outcome(outcome) for outcome in shown.outcomes)}
        case Plan():
            return {
                "digest": shown.digest,
                "changes": _sorted(_change(change) for change in shown.changes),
                "unchanged": _sorted(_named(item) for item in shown.unchanged),
            }
        case ExplainedPlan():
            reasons = [
                {**_named(each.object), "drift": each.drift, "reasons": list(each.reasons)}
                for each in shown.explanations
            ]
            kept = [{**_named(item), "kept_because": why} for item, why in shown.kept]
            return {**_data(shown.plan), "explanations": _sorted(reasons), "kept": _sorted(kept)}
        case Verification():
            return {"checks": _sorted(_check(check) for check in shown.checks)}
        case Provisioned():
            return {
                "workers": sorted(shown.worker_ids),
                "registry_asked": shown.registry_asked,
                "objects": _sorted(_outcome(outcome) for outcome in shown.report.outcomes),
            }
        case RegisteredWorker():
            return {
                "id": shown.id,
                "name": shown.name,
                "created": shown.created.isoformat(),
                "new": shown.new,
            }
        case RegistryTable():
            return {"table": "worker", "new": shown.new}
        case SandboxStates():
            return {"sandboxes": [_sandbox(state) for state in shown.sandboxes]}
        case SandboxVariables():
            return {"variables": dict(shown.variables)}
        case Document():
            left_out = [asdict(each) for each in shown.left_out]
            place = {"document": shown.text} if shown.file is None else {"file": shown.file}
            return {**place, "left_out": _sorted(left_out)}
        case Fleet():
            return fleet_data(shown)
        case Leftovers():
            return {"leftovers": _sorted(leftovers_data(shown))}
        case Enlisted():
            worker = {**_data(shown.worker), "registered": shown.registered}
            return {**_data(shown.provisioned), **worker}
        case DeregisteredWorkers():
            return {"workers": [asdict(each) for each in shown.workers]}
        case Dispatch():
            return asdict(shown)
        case Measurement():
            from attune_infra.render.metrics import samples

            return {"samples": _sorted(samples(shown))}
        case CheckedTexts():
            return {"documents": [_checked(each) for each in shown.texts]}
        case Linted():
            return {
                "source": shown.source,
                "broker_version": ".".join(map(str, shown.version)),
                "findings": [_finding(each) for each in shown.findings],
                "suppressed": [{**_finding(each), "reason": reason} for each, reason in shown.suppressed],
            }
        case Explanation():
            return {"rules": [_rule(rule) for rule in shown.rules]}
        case Trace():
            return trace_data(shown)


def _checked(checked: CheckedText) -> Data:
    if checked.topology is None:
        failure = [] if checked.failure is None else [{"what": checked.failure}]
        return {"file": checked.source, "problems": failure + [asdict(each) for each in checked.problems]}
    topology, workers = checked.topology, checked.topology.workers
    return {
        "file": checked.source,
        "problems": [],
        "topology": topology.name,
        "exchanges": len(topology.exchanges),
        "queues": len(topology.queues),
        "bindings": len(topology.bindings),
        "policies": len(topology.policies),
        "queues_per_worker": len(workers.queues) if workers else 0,
        "routes": len(topology.routes),
    }


def _outcome(outcome: Outcome) -> Data:
    data = {**_named(outcome.object), "status": str(outcome.status)}
    if outcome.reason:
        data["reason"] = outcome.reason
    if outcome.loss:
        data["loss"] = asdict(outcome.loss)
    if outcome.instead:
        data["instead"] = asdict(outcome.instead)
    return data | _differences(outcome.differences)


def _change(change: Change) -> Data:
    match change:
        case Create():
            return {**_named(change.want), "change": "create"}
        case Recreate():
            return {**_named(change.want), "change": "recreate", **_differences(change.differences)}
        case Update():
            return {**_named(change.want), "change": "update", **_differences(change.differences)}
        case Delete():
            return {**_named(change.have), "change": "delete"}


def _check(check: Check) -> Data:
    data: Data = {"name": check.name, "verdict": str(check.verdict)}
    if check.detail:
        data["detail"] = check.detail
    if check.hint:
        data["hint"] = check.hint
    if check.worker_id is not None:
        data["worker_id"] = check.worker_id
    return data | _differences(check.differences)


def _finding(finding: Finding) -> Data:
    place = {"line": finding.place.line, "column": finding.place.column} if finding.place else {}
    return {
        "rule": finding.rule,
        "severity": str(finding.severity),
        "object": finding.object,
        "what": finding.what,
        "remedy": finding.remedy,
        **place,
    }


def _rule(rule: Rule) -> Data:
    return {"code": rule.code, "severity": str(rule.severity), "title": rule.title, "reason": rule.reason}


def _sandbox(state: SandboxState) -> Data:
    servers = [
        {
            "title": server.title,
            "version": server.version,
            "pid": server.pid,
            "ended": server.ended,
            "ports": dict(server.ports),
            "log": str(server.log),
        }
        for server in state.servers
    ]
    return {"name": state.name, "status": state.status, "servers": servers}


def _named(item: TopologyObject) -> Data:
    if isinstance(item, Binding):
        return {
            "kind": "binding",
            "source": item.source,
            "destination": item.destination,
            "destination_type": item.destination_type,
            "routing_key": item.routing_key,
            "arguments": dict(item.arguments),
        }
    return {"kind": type(item).__name__.lower(), "name": item.name}


def _differences(differences: Iterable[Difference]) -> Data:
    found = [
        {"attribute": item.attribute, **_present("have", item.have), **_present("want", item.want)}
        for item in differences
    ]
    return {"differences": found} if found else {}


def _present(key: str, value: Value) -> Data:
    """Return a value under its key; one that is absent is left out, since null is a value too."""
    return {} if value is ABSENT else {key: value}


def _sorted(items: Iterable[Data]) -> list[Data]:
    return sorted(items, key=lambda item: json.dumps(item, sort_keys=True))
