"""A dashboard as Grafana's JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from attune_infra.fleet.dashboard import Dashboard, Kind, Panel
from attune_infra.render.data import Data
from attune_infra.render.text import Level, Line

if TYPE_CHECKING:
    from attune_infra.contract.machines import DocumentData

_SOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
_SCHEMA_VERSION: Final = 38
"""The version of Grafana's schema, which Grafana 10 introduced; later ones convert it."""
_NO_UID: Final = re.compile(r"[^A-Za-z0-9_-]+")
_LONGEST_UID: Final = 40


def lines(shown: Dashboard) -> Iterator[Line]:
    return (Line(line, level=Level.PROBLEM) for line in text(shown).splitlines())


def data(shown: Dashboard) -> DocumentData:
    return {"document": _as_data(shown), "text": text(shown), "left_out": []}


def text(shown: Dashboard) -> str:
    """Return the dashboard as JSON, as Grafana imports it."""
    return json.dumps(_as_data(shown), indent=2) + "\n"


def _as_data(shown: Dashboard) -> dict[str, Any]:
    return {
        "title": f"Attune: {shown.document}",
        "uid": f"attune-{_NO_UID.sub('-', shown.document)}"[:_LONGEST_UID],
        "tags": ["attune", "rabbitmq"],
        "timezone": "",
        "schemaVersion": _SCHEMA_VERSION,
        "version": 1,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {
            "list": [_datasource(), _variable("cluster", "Cluster"), _variable("vhost", "Virtual host")]
        },
        "annotations": {"list": []},
        "panels": [_panel(number, panel) for number, panel in enumerate(shown.panels, 1)],
    }


def _datasource() -> Data:
    return {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Prometheus"}


def _variable(name: str, label: str) -> Data:
    """Return a choice among the values of a label, which the scrape configuration sets; `All` needs no label."""
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": _SOURCE,
        "query": {"query": f"label_values(attune_up, {name})", "refId": name},
        "refresh": 2,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
    }


def _panel(number: int, panel: Panel) -> Data:
    is_table = panel.kind is Kind.TABLE
    targets = [
        {
            "refId": f"Q{place}",
            "datasource": _SOURCE,
            "expr": query.expr,
            "legendFormat": query.legend,
            **({"format": "table", "instant": True} if is_table else {}),
        }
        for place, query in enumerate(panel.queries, 1)
    ]
    return {
        "id": number,
        "title": panel.title,
        "description": panel.description,
        "type": str(panel.kind),
        "datasource": _SOURCE,
        "gridPos": {"x": panel.x, "y": panel.y, "w": panel.width, "h": panel.height},
        "fieldConfig": {"defaults": _defaults(panel), "overrides": []},
        "targets": targets,
    }


def _defaults(panel: Panel) -> dict[str, Any]:
    found: dict[str, Any] = {"unit": panel.unit}
    if panel.thresholds is not None:
        (_, lowest), *others = sorted(panel.thresholds.items())
        steps = [{"color": lowest, "value": None}, *({"color": colour, "value": at} for at, colour in others)]
        found["thresholds"] = {"mode": "absolute", "steps": steps}
    if panel.thresholds is not None and panel.kind is Kind.TIME_SERIES:
        found["custom"] = {"thresholdsStyle": {"mode": "line"}}
    if panel.values is not None:
        options = {str(at): {"text": word, "color": colour} for at, (word, colour) in panel.values.items()}
        found["mappings"] = [{"type": "value", "options": options}]
    return found
