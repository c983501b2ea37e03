"""Alert rules as Prometheus' YAML."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from attune_infra.fleet.alerts import Alert, AlertRules
from attune_infra.render.text import Level, Line
from attune_infra.render.words import visible

if TYPE_CHECKING:
    from attune_infra.contract.machines import DocumentData

_UNITS = (("d", 86_400), ("h", 3600), ("m", 60), ("s", 1))


def lines(rules: AlertRules) -> Iterator[Line]:
    return (Line(line, level=Level.PROBLEM) for line in text(rules).splitlines())


def data(rules: AlertRules) -> DocumentData:
    return {"document": _as_data(rules), "text": text(rules), "left_out": []}


def text(rules: AlertRules) -> str:
    """Return the rules as YAML, as Prometheus loads it."""
    import yaml

    head = f"# Alert rules for the document {visible(rules.document)}, made by `attune-infra metrics --rules`.\n"
    return head + yaml.safe_dump(_as_data(rules), sort_keys=False, width=10_000)


def _as_data(rules: AlertRules) -> dict[str, Any]:
    groups = [
        {"name": group.name, "rules": [_rule(alert, rules.runbook) for alert in group.alerts]}
        for group in rules.groups
    ]
    return {"groups": groups}


def _rule(alert: Alert, runbook: str) -> dict[str, Any]:
    wait = {"for": _duration(alert.wait)} if alert.wait else {}
    return {
        "alert": alert.name,
        "expr": alert.expr,
        **wait,
        "labels": {"severity": alert.severity, **alert.labels},
        "annotations": {
            "summary": alert.summary,
            "description": alert.description,
            "runbook_url": f"{runbook}#{alert.name.lower()}",
        },
    }


def _duration(seconds: int) -> str:
    """Return a time as Prometheus writes it, such as `19h12m`."""
    parts = ""
    for unit, size in _UNITS:
        count, seconds = divmod(seconds, size)
        parts += f"{count}{unit}" if count else ""
    return parts
