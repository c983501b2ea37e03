"""The files for monitoring speak of the metrics that the program has, and the alerts do what they say."""

from __future__ import annotations

import json
import re
import shutil
import subprocess

import pytest
import yaml

from attune_infra.fleet.health import examine
from attune_infra.fleet.metrics import Measurement
from attune_infra.fleet.model import Depth, Fleet, Limits, Member, Sighting
from attune_infra.render.pages.metrics import exposition, samples
from attune_infra.topology.builtin import attune
from attune_infra.topology.worker import with_workers
from support.folders import EXAMPLES, ROOT

FOLDER = EXAMPLES / "monitoring"
PROMTOOL = shutil.which("promtool")
needs_promtool = pytest.mark.skipif(not PROMTOOL, reason="promtool is not installed (Debian: prometheus)")


def measured() -> Measurement:
    """A look at a fleet with a worker that is well, an orphan, and one that was retired long ago."""
    members = {
        1: Member(id=1, name='we"ll\n', status="active", heartbeat_age=3.0),
        3: Member(id=3, name="retired", status="inactive", heartbeat_age=9e9),
    }
    seen = Sighting(
        topology=with_workers(attune(), [1, 2]),
        depths={"worker.1.executions": Depth(4, 2)},
        consumer_tags={"worker.1.executions": ("worker-1",)},
        members=members,
    )
    return Measurement(examine(seen, attune(), Limits()), 0.5)


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


def test_what_cannot_be_looked_at_says_only_that() -> None:
    assert [(each["name"], each["value"]) for each in samples(Measurement(None, 2.0))] == [
        ("attune_up", 0.0),
        ("attune_verify_duration_seconds", 2.0),
    ]


def test_nothing_is_a_fleet_too() -> None:
    assert "attune_verify_success 1.0\n" in exposition(Measurement(Fleet(()), 0.1))


@pytest.mark.parametrize("file", ["alerts.yml", "alerts.test.yml", "dashboard.json"])
def test_each_file_names_metrics_that_are_there(file: str) -> None:
    known = set(re.findall(r"^# TYPE (\w+) gauge$", exposition(measured()), re.MULTILINE))

    named = set(re.findall(r"\battune_\w+", (FOLDER / file).read_text(encoding="utf-8")))

    assert named
    assert named <= known


def test_the_dashboard_shows_all_there_is() -> None:
    dashboard = json.loads((FOLDER / "dashboard.json").read_text(encoding="utf-8"))
    shown = json.dumps([panel["targets"] for panel in dashboard["panels"]])

    known = set(re.findall(r"^# TYPE (\w+) gauge$", exposition(measured()), re.MULTILINE))

    assert {name for name in known if name not in shown} == set()
    places = [tuple(panel["gridPos"].values()) for panel in dashboard["panels"]]
    assert len(set(places)) == len(places) == len({panel["id"] for panel in dashboard["panels"]})


def test_every_finding_is_explained() -> None:
    table = (ROOT / "docs/workers.md").read_text(encoding="utf-8").partition("| finding |")[2].partition("\n\n")[0]
    explained = re.findall(r"`(\w+)`", " ".join(line.split("|")[1] for line in table.splitlines()[2:]))

    known = [each["labels"]["finding"] for each in samples(measured()) if each["name"] == "attune_worker_findings"]

    assert sorted(explained) == sorted(known)


def test_every_alert_is_tested() -> None:
    rules = yaml.safe_load((FOLDER / "alerts.yml").read_text(encoding="utf-8"))["groups"][0]["rules"]
    tests = yaml.safe_load((FOLDER / "alerts.test.yml").read_text(encoding="utf-8"))["tests"]

    fired = {case["alertname"] for test in tests for case in test.get("alert_rule_test", ()) if case["exp_alerts"]}

    assert fired == {rule["alert"] for rule in rules}


@needs_promtool
@pytest.mark.parametrize("arguments", [("check", "rules", "alerts.yml"), ("test", "rules", "alerts.test.yml")])
def test_promtool_agrees(arguments: tuple[str, ...]) -> None:
    run = subprocess.run(["promtool", *arguments], check=False, cwd=FOLDER, capture_output=True, text=True)

    assert run.returncode == 0, run.stdout + run.stderr


@needs_promtool
def test_promtool_can_read_what_is_printed() -> None:
    run = subprocess.run(
        ["promtool", "check", "metrics"], check=False, input=exposition(measured()), capture_output=True, text=True
    )

    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
