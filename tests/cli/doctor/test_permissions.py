"""`doctor` and the rights of a user: read by an administrator, tried by anyone else; the lines grant them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from attune_infra.broker.http.management import Management
from support.as_a_user import Command
from support.patients import Patient, findings, make_user, only_problem, problems
from support.virtual_host import VirtualHost, create_virtual_host

pytestmark = pytest.mark.xdist_group("doctor")  # they share a broker
JSON = ("doctor", "-o", "json")
LEAST = {"configure": r"^attune\.", "write": r"^attune\.", "read": r"^attune\."}


@dataclass(frozen=True)
class Ward:
    """A virtual host of the patient, and a user whose rights a test takes away."""

    patient: Patient
    vhost: VirtualHost
    management: Management
    user: str = "ann b"

    def command(self, tags: str, **changes: str) -> Command:
        rights = LEAST | changes
        may = (rights["configure"], rights["write"], rights["read"])
        return make_user(self.management, self.vhost, self.user, tags=tags, may=may)


@pytest.fixture
def ward(patient: Patient, patient_management: Management) -> Iterator[Ward]:
    with create_virtual_host(patient.vhost, "a ward") as vhost:
        yield Ward(patient, vhost, patient_management)


@pytest.mark.parametrize("tags", ["administrator", "monitoring,policymaker"])
def test_a_user_with_the_least_rights_lacks_nothing(ward: Ward, tags: str) -> None:
    result = ward.command(tags)(*JSON, "setup")

    assert (result.code, problems(result)) == (0, [])
    sections = {found["section"] for found in findings(result)}
    assert sections <= {"permissions", "features"}  # topics and, on 3.10, feature flags are for administrators
    assert ward.command(tags)("setup").code == 0


@pytest.mark.parametrize(
    ("tags", "access", "lacking", "words"),
    [
        ("administrator", "read", r"^attune\.[a-z]+$", "read permission on queue attune.events.queue"),
        ("policymaker", "configure", r"^attune\.[de]", "configure permission on exchange attune.notifications"),
        ("policymaker", "write", r"^attune\.[ndx]", "write permission on queue attune.events.queue"),
        ("policymaker", "write", r"queue$", "write permission on exchange attune.dlx"),
        (
            "policymaker",
            "read",
            r"^attune\.events$|queue$|dlx|not",
            "read permission on exchange attune.executions",
        ),
        ("policymaker", "read", r"^attune\.[a-z]+$", "read permission on queue attune.events.queue"),
    ],
)
def test_a_right_that_is_lacking(ward: Ward, tags: str, access: str, lacking: str, words: str) -> None:
    command = ward.command(tags, **{access: lacking})

    found = only_problem(command(*JSON, "setup"))

    assert (found["section"], found["name"]) == ("permissions", "user ann b over AMQP")
    kind, _, name = words.partition(" permission on ")
    assert f"{kind} permission on " in found["detail"]
    assert name in found["detail"]
    [line] = found["run"]
    ward.patient.run(line)
    assert problems(command(*JSON, "setup")) == []
    assert command("setup").code == 0


def test_a_policy_needs_a_tag(ward: Ward) -> None:
    command = ward.command("management")

    found = only_problem(command(*JSON, "setup"))

    assert found["detail"] == "it lacks the tag policymaker"
    ward.patient.run(*found["run"])
    assert problems(command(*JSON, "setup")) == []
    assert problems(command(*JSON, "verify")) == []


def test_only_the_needs_of_the_command_count(ward: Ward) -> None:
    command = ward.command("management", configure="", write="", read="")

    assert problems(command(*JSON, "diff")) == []
    assert problems(command(*JSON, "verify")) == []
    assert len(problems(command(*JSON, "setup"))) == 2


def test_a_worker_needs_no_tag(ward: Ward) -> None:
    command = ward.command(
        "", configure=r"^worker\.1\.", write=r"^(worker\.1\.|attune\.dlx$)", read=r"^worker\.1\."
    )

    result = command(*JSON, "worker", "run")

    found = next(each for each in problems(result) if each["section"] == "permissions")
    assert found["detail"] == "it lacks read permission on exchange attune.executions"
    ward.patient.run(*found["run"])
    assert {each["section"] for each in problems(command(*JSON, "worker", "run"))} == {"registry"}


def test_trying_changes_nothing(ward: Ward) -> None:
    """Neither where nothing is, nor beside a queue that is about to expire, with a message in it."""
    command = ward.command("policymaker")
    assert command(*JSON, "setup").code == 0
    assert ward.management.get("queues", ward.vhost.name) == []
    assert command("setup").code == 0
    ward.management.post(
        "exchanges",
        ward.vhost.name,
        "attune.events",
        "publish",
        body={"properties": {}, "routing_key": "k", "payload": "x", "payload_encoding": "string"},
    )
    before = command("export").stdout

    for _ in range(2):
        assert command(*JSON, "setup").code == 0

    assert command("export").stdout == before
    assert arrived_first_time(ward)


def arrived_first_time(ward: Ward) -> bool:
    """Return whether the message in the queue was never delivered before."""
    connection = ward.vhost.client()
    message = connection.channel().basic_get("attune.events.queue", no_ack=True)
    connection.close()
    return not message.delivery_info["redelivered"]


def test_topic_permissions_are_read(ward: Ward) -> None:
    command = ward.command("administrator")
    topic = {"type": "topic", "durable": True}
    ward.management.put("exchanges", ward.vhost.name, "attune.events", body=topic)  # 4.3 asks for it
    body = {"exchange": "attune.events", "write": ".*", "read": "^a$"}
    ward.management.put("topic-permissions", ward.vhost.name, ward.user, body=body)

    found = only_problem(command(*JSON, "setup"))

    assert "read permission on exchange attune.events with routing key '#'" in found["detail"]
    ward.patient.run(*found["run"])
    assert problems(command(*JSON, "setup")) == []
