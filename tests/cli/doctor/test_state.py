"""`doctor` and the state of a broker: alarms, plugins, limits, features, nodes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from attune_infra.broker.http.management import Management
from support.as_a_user import Command
from support.patients import Patient, findings, make_user, only_problem, problems
from support.under_test import DENIES_TRANSIENT_QUEUES, BrokerUnderTest
from support.virtual_host import VirtualHost, create_virtual_host

pytestmark = pytest.mark.xdist_group("doctor")  # they share a broker
JSON = ("doctor", "-o", "json")


def write(folder: Path, text: str) -> str:
    file = folder / "topology.yaml"
    file.write_text(text, encoding="utf-8")
    return str(file)


def verdicts(result: Any, section: str) -> list[tuple[str, str]]:
    """Return name and verdict of the checks of a section."""
    return [(each["name"], each["verdict"]) for each in result.json["checks"] if each["section"] == section]


@pytest.mark.parametrize(
    ("line", "resource"),
    [
        ("rabbitmqctl set_vm_memory_high_watermark absolute 1", "memory"),
        ("rabbitmqctl set_disk_free_limit 9000GB", "disk space"),
    ],
)
def test_an_alarm(patient: Patient, line: str, resource: str) -> None:
    patient.run(line)

    found = only_problem(patient.plain(*JSON))

    assert (found["section"], found["name"]) == ("alarms", f"alarm: {resource}")
    assert "blocks all connections that publish" in found["detail"]
    patient.run(*found["run"])
    assert problems(patient.plain(*JSON)) == []


def test_a_plugin_that_is_not_enabled(patient: Patient, tmp_path: Path) -> None:
    topology = ("--topology", write(tmp_path, "exchanges: {hashed: {type: x-consistent-hash}}\n"))

    found = only_problem(patient.plain(*JSON, *topology))

    assert (found["section"], found["name"]) == ("plugins", "exchange type x-consistent-hash")
    assert found["run"] == ["rabbitmq-plugins enable rabbitmq_consistent_hash_exchange"]
    patient.run(*found["run"])
    assert problems(patient.plain(*JSON, *topology)) == []


def test_a_plugin_that_does_not_come_with_rabbitmq(attune_infra: Command, tmp_path: Path) -> None:
    text = "exchanges: {later: {type: x-delayed-message, arguments: {x-delayed-type: direct}}}\n"

    found = only_problem(attune_infra(*JSON, "--topology", write(tmp_path, text)))

    assert found["name"] == "exchange type x-delayed-message"
    assert found["run"] == ["rabbitmq-plugins enable rabbitmq_delayed_message_exchange"]


@pytest.mark.transient_queues
def test_too_few_queues_are_allowed(patient: Patient, patient_management: Management) -> None:
    with create_virtual_host(patient.vhost, "few queues") as vhost:
        patient_management.put("vhost-limits", vhost.name, "max-queues", body={"value": 3})
        patient_management.put("vhost-limits", vhost.name, "max-connections", body={"value": 50})
        command = Command(vhost.environment)

        found = only_problem(command(*JSON, "--worker", "1-2"))

        assert (found["section"], found["name"]) == ("limits", "queues of virtual host few queues")
        assert found["detail"] == "3 are allowed and 0 are there; 6 more are needed"
        patient.run(*found["run"])
        assert problems(command(*JSON, "--worker", "1-2")) == []
        [limits] = patient_management.get("vhost-limits", vhost.name)
        assert limits["value"] == {"max-queues": 6, "max-connections": 50}


@pytest.mark.transient_queues
def test_no_connection_is_allowed_in_the_virtual_host(patient: Patient, patient_management: Management) -> None:
    with create_virtual_host(patient.vhost, "few connections") as vhost:
        patient_management.put("vhost-limits", vhost.name, "max-connections", body={"value": 0})
        command = Command(vhost.environment)

        found = only_problem(command(*JSON))

        assert found["section"] == "connections"
        assert "connection limit (0) is reached" in found["detail"]
        patient.run(*found["run"])
        assert problems(command(*JSON)) == []


@pytest.mark.transient_queues
@pytest.mark.parametrize("limit", ["max-connections", "max-channels"])
def test_the_user_may_not_have_enough(patient: Patient, patient_management: Management, limit: str) -> None:
    user = f"limited {limit}"
    command = make_user(patient_management, patient.vhost, user, tags="administrator", may=(".*", ".*", ".*"))
    patient_management.put("user-limits", user, limit, body={"value": 0})

    found = only_problem(command(*JSON, "setup"))

    assert found["section"] == {"max-connections": "connections", "max-channels": "limits"}[limit]
    patient.run(*found["run"])
    assert problems(command(*JSON, "setup")) == []
    assert command("setup").code == 0
    patient_management.delete("users", user)


def test_a_document_that_this_release_refuses(
    attune_infra: Command, under_test: BrokerUnderTest, tmp_path: Path
) -> None:
    old = under_test.is_older_than((4, 0))
    refused = "apply_to: quorum_queues, definition: {max-length: 5}" if old else "definition: {ha-mode: all}"
    file = write(tmp_path, f"policies: {{p: {{pattern: '^q$', {refused}}}}}\n")

    found = only_problem(attune_infra(*JSON, "--topology", file))

    assert (found["section"], found["name"]) == ("document", "policy p")
    assert "refuses" in found["detail"]


def test_a_document_that_no_release_takes(attune_infra: Command, tmp_path: Path) -> None:
    file = write(tmp_path, "queues: {q: {type: quorum, durable: false}}\n")

    found = only_problem(attune_infra(*JSON, "--topology", file))

    assert (found["section"], found["name"]) == ("document", "file")
    assert "topology.yaml:1" in found["detail"]


def test_statistics_that_are_switched_off(patient: Patient) -> None:
    """As `management.disable_stats = true` in rabbitmq.conf does."""
    off = "application:set_env(rabbitmq_management, disable_management_stats, {})."
    patient.sandbox.rabbitmqctl("eval", off.format("true"))

    result = patient.plain(*JSON, "worker", "verify")

    patient.sandbox.rabbitmqctl("eval", off.format("false"))
    assert ("statistics", "warning") in verdicts(result, "plugins")


@pytest.fixture(scope="module")
def denying(under_test: BrokerUnderTest) -> Iterator[Command]:
    """The command on a broker that denies transient queues."""
    with under_test.sandbox(postgres=False, extra_config=DENIES_TRANSIENT_QUEUES) as sandbox:
        yield Command(VirtualHost("/", sandbox.amqp_url, sandbox.management_url).environment)


@pytest.mark.since((4, 0), "RabbitMQ denies nothing before 4.0")
def test_a_denied_feature(denying: Command, under_test: BrokerUnderTest) -> None:
    """RabbitMQ 4.0 does not tell what it denies, so it is unknown there."""
    result = denying(*JSON)

    if under_test.is_older_than((4, 3)):
        assert ("queue worker.1.executions", "unknown") in verdicts(result, "versions")
    else:
        found = only_problem(result)
        assert (found["section"], found["name"]) == ("document", "queue worker.1.executions")
        assert "--topology examples/attune-durable-workers.yaml" in found["fix"]


@pytest.mark.since((4, 0), "RabbitMQ lists no deprecated features before 3.13")
@pytest.mark.transient_queues
def test_a_deprecated_feature_in_use(patient: Patient, patient_management: Management) -> None:
    patient_management.put("queues", "/", "transient", body={"durable": False})

    result = patient.plain(*JSON, "verify")

    assert result.code == 0
    assert ("transient_nonexcl_queues", "warning") in verdicts(result, "features")
    patient_management.delete("queues", "/", "transient")
    assert ("deprecated features", "ok") in verdicts(patient.plain(*JSON, "verify"), "features")


def test_unknown_is_no_success_if_strict(management: Management, vhost: VirtualHost) -> None:
    command = make_user(management, vhost, "modest", tags="management", may=(".*", ".*", ".*"))
    result = command(*JSON, "diff")

    assert result.code == 0
    assert [each["verdict"] for each in findings(result)].count("unknown") >= 1
    assert command(*JSON, "diff", "--strict").code == 1
    management.delete("users", "modest")
