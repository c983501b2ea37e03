"""The files for monitoring speak of the metrics that the program has, and the alerts do what they say."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from attune_infra.fleet.inspection import inspect
from attune_infra.fleet.metrics import LastVerify, Measurement
from attune_infra.render.pages.metrics import exposition, samples
from attune_infra.topology.builtin import attune
from support.as_a_user import Command
from support.folders import EXAMPLES, ROOT
from support.measured import SEEN, SIGHTING, known_metrics, measured

FOLDER = EXAMPLES / "monitoring"
MONITORING = (ROOT / "docs/monitoring.md").read_text(encoding="utf-8")
PROMTOOL = shutil.which("promtool")
needs_promtool = pytest.mark.skipif(not PROMTOOL, reason="promtool is not installed (Debian: prometheus)")


def value(name: str, /, **labels: str) -> float:
    [found] = [each["value"] for each in samples(measured()) if (each["name"], each["labels"]) == (name, labels)]
    assert isinstance(found, float)
    return found


def test_each_worker_has_its_series_while_there_is_something_to_say() -> None:
    well = {"worker_id": "1", "name": 'we"ll\n'}
    assert value("attune_worker_queue_messages_ready", **well) == 4
    assert value("attune_worker_queue_messages_unacknowledged", **well) == 2
    assert value("attune_worker_queue_consumers", **well) == 1
    assert value("attune_worker_heartbeat_age_seconds", **well) == 3
    assert value("attune_worker_provisioned", **well) == value("attune_worker_healthy", **well) == 1
    assert value("attune_worker_healthy", worker_id="2", name="") == 0
    ids = {each["labels"].get("worker_id") for each in samples(measured())}
    assert ids == {None, "1", "2"}


def test_the_fleet_has_a_few_more() -> None:
    assert value("attune_up") == 1
    assert value("attune_verify_success") == 0
    assert value("attune_verify_duration_seconds") == 0.5
    assert value("attune_worker_orphaned_queues") == 1
    assert value("attune_workers", status="active") == value("attune_workers", status="unregistered") == 1
    assert value("attune_worker_findings", finding="orphan") == 1
    assert value("attune_worker_findings", finding="backlog") == 0


def test_each_queue_of_the_document_has_its_series() -> None:
    letters = {"queue": "attune.dlx.queue"}
    assert value("attune_queue_messages_ready", **letters) == 5
    assert value("attune_queue_messages_unacknowledged", **letters) == 1
    assert value("attune_queue_oldest_message_age_seconds", **letters) == 100
    assert value("attune_queue_redelivered_total", **letters) == 7
    assert value("attune_dead_letter_messages", **letters) == 6
    assert value("attune_dead_letter_oldest_age_seconds", **letters) == 100
    assert value("attune_queue_consumers", queue="attune.events.queue") == 2
    queues = {each["labels"]["queue"] for each in samples(measured()) if "queue" in each["labels"]}
    assert queues == attune().queues.keys()  # neither workers' queues nor strange ones


def test_what_cannot_be_known_of_a_queue_has_no_sample() -> None:
    of = {
        each["labels"]["queue"] for each in samples(measured()) if each["name"] == "attune_queue_redelivered_total"
    }
    assert of == {"attune.dlx.queue"}
    ages = [each for each in samples(measured()) if each["name"] == "attune_queue_oldest_message_age_seconds"]
    assert len(ages) == 1
    ready = [each for each in samples(measured()) if each["name"] == "attune_queue_messages_ready"]
    assert len(ready) == 2  # of four


def test_the_virtual_host_has_counts() -> None:
    assert value("attune_queues", owner="document") == 4
    assert value("attune_queues", owner="worker") == 2
    assert value("attune_queues_down", owner="undeclared") == 1
    assert value("attune_queues_without_consumers", owner="document") == 3
    assert value("attune_drift_objects", kind="queue", change="undeclared") == 1
    assert value("attune_drift_objects", kind="queue", change="missing") == 0
    assert value("attune_topology_checks", result="failed") == 0
    assert value("attune_topology_verify_success") == 1
    assert value("attune_topology_verify_timestamp_seconds") == 1000
    assert value("attune_certificate_expiry_timestamp_seconds", certificate="amqps") == 2e9


def test_drift_is_counted_by_kind_and_change() -> None:
    [gone, other] = ["attune.events", "attune.notifications"]
    events = attune().exchanges[other]
    have = replace(
        attune(),
        exchanges={k: v for k, v in attune().exchanges.items() if k != gone}
        | {other: replace(events, type="topic")},
        policies={},
    )

    found = inspect(replace(SEEN, sighting=replace(SIGHTING, topology=have)), attune())

    assert {(kind, str(change)): count for (kind, change), count in found.drift.items()} == {
        ("exchange", "missing"): 1,
        ("exchange", "differs"): 1,
        ("policy", "missing"): 1,
    }
    assert not LastVerify(0.0, found.checks).success


def test_a_part_that_is_unavailable_says_only_that() -> None:
    assert [(each["name"], each["value"]) for each in samples(Measurement(None, 2.0))] == [
        ("attune_up", 0.0),
        ("attune_broker_up", 0.0),
        ("attune_registry_up", 0.0),
        ("attune_verify_duration_seconds", 2.0),
    ]


def test_without_a_registry_there_is_none_to_be_up() -> None:
    alone = replace(measured(), fleet=None, has_registry=False, registry_answers=False)

    names = {each["name"]: each["value"] for each in samples(alone)}

    assert names["attune_up"] == 1
    assert "attune_registry_up" not in names
    assert not [name for name in names if name.startswith("attune_worker")]


def test_the_last_verify_outlives_the_broker() -> None:
    gone = replace(measured(), fleet=None, inspection=None)

    names = {each["name"]: each["value"] for each in samples(gone)}

    assert names["attune_up"] == 0
    assert names["attune_topology_verify_timestamp_seconds"] == 1000


@pytest.mark.parametrize("file", ["alerts.yml", "alerts.test.yml", "dashboard.json"])
def test_each_file_names_metrics_that_are_there(file: str) -> None:
    named = set(re.findall(r"\battune_\w+", (FOLDER / file).read_text(encoding="utf-8")))

    assert named
    assert named <= known_metrics()


@pytest.mark.parametrize(("flag", "file"), [("--rules", "alerts.yml"), ("--dashboard", "dashboard.json")])
def test_the_files_are_those_of_the_built_in_document(
    attune_infra_alone: Command, tmp_path: Path, flag: str, file: str
) -> None:
    assert attune_infra_alone("metrics", flag, "--to", str(tmp_path / file)).code == 0

    assert (tmp_path / file).read_text(encoding="utf-8") == (FOLDER / file).read_text(encoding="utf-8")


def test_the_dashboard_shows_all_there_is() -> None:
    dashboard = json.loads((FOLDER / "dashboard.json").read_text(encoding="utf-8"))
    shown = json.dumps([panel["targets"] for panel in dashboard["panels"]])

    assert {name for name in known_metrics() if name not in shown} == set()
    places = [tuple(panel["gridPos"].values()) for panel in dashboard["panels"]]
    assert len(set(places)) == len(places) == len({panel["id"] for panel in dashboard["panels"]})


def test_every_panel_obeys_the_choices() -> None:
    dashboard = json.loads((FOLDER / "dashboard.json").read_text(encoding="utf-8"))

    names = [each["name"] for each in dashboard["templating"]["list"]]
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]

    assert names == ["datasource", "cluster", "vhost"]
    for expression in expressions:
        metrics = re.findall(r"\battune_\w+", expression)
        assert expression.count('{cluster=~"$cluster", vhost=~"$vhost"') == len(metrics) > 0
    titles = {panel["title"]: panel["fieldConfig"]["defaults"] for panel in dashboard["panels"]}
    assert titles["Available"]["mappings"][0]["options"]["0"] == {"text": "unavailable", "color": "red"}
    assert titles["Dead letters"]["thresholds"]["steps"] == [
        {"color": "green", "value": None},
        {"color": "red", "value": 1.0},
    ]


def test_the_page_has_every_metric_with_its_labels() -> None:
    table = MONITORING.partition("| metric |")[2].partition("\n\n")[0].splitlines()[2:]
    cells = [line.split("|") for line in table]
    told = {re.findall(r"`(\w+)`", row[1])[0]: set(re.findall(r"`(\w+)`", row[2])) for row in cells}

    shown = {each["name"]: set(each["labels"]) for each in samples(measured())}

    assert told == shown


def test_the_page_explains_every_alert() -> None:
    headings = re.findall(r"^### (Attune\w+)$", MONITORING, re.MULTILINE)

    known = set(re.findall(r'name="(Attune\w+)"', (ROOT / "attune_infra/fleet/alerts.py").read_text("utf-8")))

    assert sorted(headings) == sorted(known)
    assert set(re.findall(r"`(Attune\w+)`", MONITORING)) <= known


def test_every_finding_is_explained() -> None:
    table = (ROOT / "docs/workers.md").read_text(encoding="utf-8").partition("| finding |")[2].partition("\n\n")[0]
    explained = re.findall(r"`(\w+)`", " ".join(line.split("|")[1] for line in table.splitlines()[2:]))

    known = [each["labels"]["finding"] for each in samples(measured()) if each["name"] == "attune_worker_findings"]

    assert sorted(explained) == sorted(known)


def test_every_alert_is_tested() -> None:
    groups = yaml.safe_load((FOLDER / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    tests = yaml.safe_load((FOLDER / "alerts.test.yml").read_text(encoding="utf-8"))["tests"]

    fired = {case["alertname"] for test in tests for case in test.get("alert_rule_test", ()) if case["exp_alerts"]}

    assert fired == {rule["alert"] for rule in rules}


@needs_promtool
@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "rules", "--lint-fatal", "alerts.yml"),
        ("test", "rules", "alerts.test.yml"),
        ("check", "config", "prometheus.yml"),
    ],
    ids=" ".join,
)
def test_promtool_agrees(arguments: tuple[str, ...]) -> None:
    run = subprocess.run(["promtool", *arguments], check=False, cwd=FOLDER, capture_output=True, text=True)

    assert run.returncode == 0, run.stdout + run.stderr


@needs_promtool
def test_promtool_can_read_what_is_printed() -> None:
    run = subprocess.run(
        ["promtool", "check", "metrics"], check=False, input=exposition(measured()), capture_output=True, text=True
    )

    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
