"""Alert rules and dashboards of documents: thresholds from arguments, and what promtool makes of them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from attune_infra.fleet.alerts import Alert, alert_rules, alert_rules_of_several
from attune_infra.fleet.dashboard import WIDTH, dashboard, dashboard_of_several
from attune_infra.fleet.model import Limits
from attune_infra.links import RUNBOOK_URL
from attune_infra.render.pages import alerts as alerts_page
from attune_infra.render.pages import dashboard as dashboard_page
from attune_infra.topology.builtin import attune
from attune_infra.topology.document.parse import parse
from attune_infra.topology.model import Topology
from support.folders import EXAMPLES
from support.measured import known_metrics

PROMTOOL = shutil.which("promtool")
needs_promtool = pytest.mark.skipif(not PROMTOOL, reason="promtool is not installed (Debian: prometheus)")
ODD = 'odd "{{ $x }}\\ ü|queue'
TEXT = f"""
topology: "odd {{{{ 1 }}}}\\nname"
exchanges: {{dlx: {{type: fanout}}}}
queues:
  full: {{arguments: {{x-max-length: 100}}}}
  last: {{arguments: {{x-max-length: 1}}}}
  brief: {{arguments: {{x-message-ttl: 1000, x-expires: 299999}}}}
  letters: {{arguments: {{x-message-ttl: 600000}}, bindings: [{{exchange: dlx}}]}}
  work: {{arguments: {{x-dead-letter-exchange: dlx}}}}
  waits: {{arguments: {{x-message-ttl: 600000, x-dead-letter-exchange: dlx}}}}
  limited: {{type: quorum, arguments: {{x-delivery-limit: 3, x-message-ttl: 600000}}}}
  once: {{type: quorum, arguments: {{x-delivery-limit: 1}}}}
  log: {{type: stream}}
  theirs: {{external: true}}
  leased: {{arguments: {{x-expires: 1000000}}}}
  by.policy: {{}}
  {json.dumps(ODD)}: {{arguments: {{x-max-length: 10, x-overflow: reject-publish}}}}
policies:
  limits: {{pattern: '^by[.]policy$', apply_to: queues, definition: {{max-length: 1000}}}}
"""
SELECTOR = re.compile(r'(attune_queue_\w+)\{queue=("(?:\\.|[^"\\])*")\}')


def documents() -> dict[str, Topology]:
    files = sorted(EXAMPLES.glob("*.yaml"))
    texts = {path.name: path.read_text(encoding="utf-8") for path in files} | {"odd": TEXT}
    return {name: parse(text, source=name) for name, text in texts.items()}


DOCUMENTS = documents()


def of_queues(topology: Topology) -> list[Alert]:
    groups = alert_rules(topology, Limits(), runbook="page").groups
    return [alert for group in groups if group.name == "attune-queues" for alert in group.alerts]


def queue_of(alert: Alert) -> str:
    found = SELECTOR.search(alert.expr)
    assert found
    name = json.loads(found[2])
    assert isinstance(name, str)
    return name


def test_thresholds_come_from_the_arguments() -> None:
    found = {(queue_of(alert), alert.name): (alert.expr, alert.wait) for alert in of_queues(DOCUMENTS["odd"])}

    expected = {
        ("full", "AttuneQueueFull"): ('attune_queue_messages_ready{queue="full"} > 80', 300),
        ("by.policy", "AttuneQueueFull"): ('attune_queue_messages_ready{queue="by.policy"} > 800', 300),
        ("leased", "AttuneQueueExpires"): ('attune_queue_consumers{queue="leased"} == 0', 800),
        ("letters", "AttuneQueueMessagesExpire"): (
            'attune_queue_oldest_message_age_seconds{queue="letters"} > 480',
            0,
        ),
        ("limited", "AttuneQueueRedelivers"): (
            'increase(attune_queue_redelivered_total{queue="limited"}[10m]) >= 3',
            0,
        ),
        ("once", "AttuneQueueRedelivers"): (
            'increase(attune_queue_redelivered_total{queue="once"}[10m]) >= 1',
            0,
        ),
    }
    assert {key: rule for key, rule in found.items() if key in expected} == expected
    thresholds = {"AttuneQueueFull", "AttuneQueueExpires", "AttuneQueueMessagesExpire", "AttuneQueueRedelivers"}
    others = {queue for queue, name in found if name in thresholds} - {queue for queue, _ in expected}
    assert others == {ODD}  # no short life, no queue for one value, and no first message of a quorum queue
    consumed = {queue for queue, name in found if name == "AttuneQueueBacklog"}
    assert consumed == {"full", "last", "brief", "work", "limited", "once", "leased", "by.policy", ODD}


def test_limits_of_workers_are_those_of_the_options() -> None:
    rules = alert_rules(DOCUMENTS["attune-durable-workers.yaml"], Limits(depth=7, heartbeat_age=12.5), runbook="")

    found = {alert.name: alert.expr for group in rules.groups for alert in group.alerts}

    assert found["AttuneWorkerTooDeep"].endswith(" > 7")
    assert found["AttuneWorkerSilent"].endswith(" > 12.5")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_metric_is_one_that_is_produced(name: str) -> None:
    rules = alert_rules(DOCUMENTS[name], Limits(), runbook="page")
    written = [alert.expr for group in rules.groups for alert in group.alerts]
    written += [query.expr for panel in dashboard(DOCUMENTS[name], Limits()).panels for query in panel.queries]

    named = {metric for expr in written for metric in re.findall(r"\battune_\w+", re.sub(r'"[^"]*"', "", expr))}

    assert named <= known_metrics()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_panels_lie_side_by_side(name: str) -> None:
    taken = [
        (x, y)
        for panel in dashboard(DOCUMENTS[name], Limits()).panels
        for x in range(panel.x, panel.x + panel.width)
        for y in range(panel.y, panel.y + panel.height)
    ]

    assert len(taken) == len(set(taken))
    assert max(x for x, _ in taken) < WIDTH
    assert json.loads(dashboard_page.text(dashboard(DOCUMENTS[name], Limits())))["panels"]


def test_a_dashboard_without_workers_has_no_panel_of_them() -> None:
    text = dashboard_page.text(dashboard(DOCUMENTS["odd"], Limits()))

    assert "attune_worker" not in text
    assert 'vhost=~\\"$vhost\\", queue=\\"full\\"} / 100' in text


@needs_promtool
@pytest.mark.parametrize("name", DOCUMENTS)
def test_promtool_finds_each_alert_just_beyond_its_threshold(name: str, tmp_path: Path) -> None:
    rules = alert_rules(DOCUMENTS[name], Limits(), runbook="page")
    (tmp_path / "rules.yml").write_text(alerts_page.text(rules), encoding="utf-8")
    tests = [_unit_test(alert) for alert in of_queues(DOCUMENTS[name])]
    document = {"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": tests}
    (tmp_path / "tests.yml").write_text(yaml.safe_dump(document), encoding="utf-8")

    checked = promtool(tmp_path, "check", "rules", "--lint-fatal", "rules.yml")
    tested = promtool(tmp_path, "test", "rules", "tests.yml")

    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert tested.returncode == 0, tested.stdout + tested.stderr


def promtool(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["promtool", *arguments], check=False, cwd=folder, capture_output=True, text=True)


def _unit_test(alert: Alert) -> dict[str, Any]:
    """Return a test of promtool: at the threshold it is silent, and one beyond it fires."""
    at = alert.wait // 60 + 20
    length = 2 * at
    queue = json.dumps(queue_of(alert), ensure_ascii=False)
    limit = int(found[1]) if (found := re.search(r">=? (\d+)$", alert.expr)) else 0
    ready, consumers = f"attune_queue_messages_ready{{queue={queue}}}", f"attune_queue_consumers{{queue={queue}}}"
    age = f"attune_queue_oldest_message_age_seconds{{queue={queue}}}"
    values = {
        "AttuneQueueFull": {ready: f"{limit}x{at} {limit + 1}x{length}"},
        "AttuneQueueMessagesExpire": {age: f"{limit}x{at} {limit + 1}x{length}"},
        "AttuneQueueExpires": {consumers: f"1x{at} 0x{length}"},
        "AttuneQueueRedelivers": {
            f"attune_queue_redelivered_total{{queue={queue}}}": f"0x{at} 0+{limit}x{length}"
        },
        "AttuneQueueBacklog": {
            ready: f"0x{at} 1x{length}",
            f"attune_queue_consumers{{queue={queue}}}": f"0x{3 * at}",
        },
        "AttuneQueueWithoutConsumers": {consumers: f"1x{at} 0x{length}"},
    }[alert.name]
    fired = f'count(ALERTS{{alertname="{alert.name}", alertstate="firing", queue={queue}}}) or vector(0)'
    return {
        "interval": "1m",
        "input_series": [{"series": series, "values": line} for series, line in values.items()],
        "promql_expr_test": [
            {"expr": fired, "eval_time": f"{at - 1}m", "exp_samples": [{"value": 0}]},
            {"expr": fired, "eval_time": f"{at + alert.wait // 60 + 5}m", "exp_samples": [{"value": 1}]},
        ],
    }


STATED = {'v "{{ $x }}\\ ü': "odd", "a": "odd", "b": "attune-durable-workers.yaml", "c": "minimal.yaml"}
"""Virtual hosts and documents: two of them have queues of the same names."""
SEVERAL = {vhost: DOCUMENTS[name] for vhost, name in STATED.items()}


def test_rules_of_several_virtual_hosts_are_told_apart_by_their_labels() -> None:
    rules = alert_rules_of_several("all", SEVERAL, Limits(), runbook="page")

    assert [each.name for each in rules.groups] == [
        "attune",
        "attune-workers",
        *(f"attune-queues {vhost}" for vhost in SEVERAL),
    ]
    [of_a] = [each.alerts for each in rules.groups if each.name == "attune-queues a"]
    alone = of_queues(DOCUMENTS["odd"])
    assert [each.expr for each in of_a] == [each.expr.replace("{queue=", '{vhost="a", queue=') for each in alone]
    assert {each.labels["vhost"] for each in of_a} == {"a"}
    everything = [alert for group in rules.groups for alert in group.alerts]
    silent = {each.name for each in everything if "{{ $labels.vhost }}" not in each.summary}
    assert silent == {"AttuneUnavailable"}


def test_a_dashboard_of_several_virtual_hosts_names_them_in_its_series() -> None:
    shown = dashboard_of_several("all", SEVERAL, Limits())
    legends = [query.legend for panel in shown.panels for query in panel.queries if query.legend]

    assert all(each.startswith("{{vhost}} ") for each in legends)
    text = dashboard_page.text(shown)
    assert 'vhost=~\\"$vhost\\", vhost=\\"a\\", queue=\\"full\\"} / 100' in text
    assert "attune_worker" in text
    few = dashboard_of_several("all", {"a": DOCUMENTS["odd"], "b": DOCUMENTS["odd"]}, Limits())
    assert "attune_worker" not in dashboard_page.text(few)


@needs_promtool
def test_promtool_takes_rules_of_several_virtual_hosts_and_alerts_for_one(tmp_path: Path) -> None:
    rules = alert_rules_of_several("all", SEVERAL, Limits(), runbook="page")
    (tmp_path / "rules.yml").write_text(alerts_page.text(rules), encoding="utf-8")
    series = {
        f'attune_queue_messages_ready{{vhost="{vhost}",queue="full"}}': f"{depth}x60"
        for vhost, depth in {"a": 100, "other": 100}.items()
    }
    fired = 'count(ALERTS{alertname="AttuneQueueFull", alertstate="firing"})'
    test = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {
                "expr": f"{fired} by (vhost)",
                "eval_time": "30m",
                "exp_samples": [{"labels": '{vhost="a"}', "value": 1}],
            }
        ],
    }
    document = {"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": [test]}
    (tmp_path / "tests.yml").write_text(yaml.safe_dump(document), encoding="utf-8")

    for arguments in (("check", "rules", "--lint-fatal", "rules.yml"), ("test", "rules", "tests.yml")):
        done = promtool(tmp_path, *arguments)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_published_dashboard_is_that_of_the_built_in_document() -> None:
    published = (EXAMPLES / "monitoring/dashboard.json").read_text(encoding="utf-8")

    assert dashboard_page.text(dashboard(attune(), Limits())) == published


def test_the_published_rules_are_those_of_the_built_in_document() -> None:
    published = (EXAMPLES / "monitoring/alerts.yml").read_text(encoding="utf-8")

    assert alerts_page.text(alert_rules(attune(), Limits(), runbook=RUNBOOK_URL)) == published
