"""`doctor` and the ways to the broker: ports, logins, virtual hosts, clocks."""

from __future__ import annotations

import re
import select
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import urlsplit

import pytest

from attune_infra.broker.http.management import Management
from support.as_a_user import Command
from support.patients import PASSWORD, Patient, as_user, findings, make_user, only_problem, problems
from support.servers import closed_port, serve, serve_silence
from support.under_test import BrokerUnderTest
from support.virtual_host import VirtualHost, create_virtual_host

pytestmark = pytest.mark.xdist_group("doctor")  # they share a broker
JSON = ("doctor", "-o", "json")


def test_nothing_is_found_on_a_sandbox(attune_infra_with_registry: Command, under_test: BrokerUnderTest) -> None:
    """RabbitMQ 4 deprecates the queues of workers; 4.0 does not say if it denies them."""
    result = attune_infra_with_registry(*JSON)

    deprecates = not under_test.is_older_than((4, 0)) and not under_test.denies_transient_queues
    assert (result.code, result.stderr) == (0, "")
    assert result.json["schema"] == "attune-infra/doctor/1"
    assert [found["name"] for found in findings(result)] == ["queue worker.1.executions"] * deprecates
    assert {check["section"] for check in result.json["checks"]} >= {"connections", "alarms", "registry", "limits"}


def test_nothing_is_changed(attune_infra_with_registry: Command) -> None:
    before = attune_infra_with_registry("export").stdout

    attune_infra_with_registry("doctor")

    assert attune_infra_with_registry("export").stdout == before


def test_a_finding_has_its_fix_in_text(attune_infra: Command) -> None:
    result = attune_infra("doctor", "worker", "register")

    assert (result.code, result.stderr) == (2, "")
    assert result.lines == [
        "problem  registry: database: no database is configured, and the command needs one",
        "         fix: give --database-url, or set ATTUNE__DATABASE__URL",
        "1 check: 1 problem",
    ]


def test_a_command_that_asks_no_server_is_wrong_usage(attune_infra: Command) -> None:
    result = attune_infra("doctor", "worker", "regster")

    assert result.code == 64
    assert "did you mean 'worker register'?" in result.stderr


def test_a_port_that_nothing_listens_on(attune_infra: Command, vhost: VirtualHost) -> None:
    port = closed_port()

    found = only_problem(attune_infra(*JSON, "--amqp-url", vhost.amqp_url_through(port), "--timeout", "1"))

    assert (found["section"], found["name"]) == ("connections", f"AMQP at 127.0.0.1:{port}")
    assert f"nothing listens on port {port}" in found["detail"]
    assert "check host and port" in found["fix"]


def test_the_wrong_port(attune_infra: Command, vhost: VirtualHost) -> None:
    port = urlsplit(vhost.management_url).port or 0

    found = only_problem(attune_infra(*JSON, "--amqp-url", vhost.amqp_url_through(port), "--timeout", "1"))

    assert "speaks HTTP, not AMQP" in found["detail"]


def test_the_wrong_management_port_leaves_the_rest_unknown(attune_infra: Command, vhost: VirtualHost) -> None:
    port = urlsplit(vhost.amqp_url).port

    result = attune_infra(*JSON, "--management-url", f"http://127.0.0.1:{port}")

    assert only_problem(result)["section"] == "connections"
    unknown = {found["section"] for found in findings(result) if found["verdict"] == "unknown"}
    assert {"versions", "permissions", "alarms", "limits", "document"} <= unknown


def test_no_answer_at_all_is_a_failure(attune_infra: Command) -> None:
    with serve_silence() as port:
        servers = ("--amqp-url", f"amqp://127.0.0.1:{port}", "--management-url", f"http://127.0.0.1:{port}")
        result = attune_infra("doctor", *servers, "--timeout", "0.2")

    assert result.code == 1
    assert result.lines[-1] == "no server answered, so almost nothing could be checked"


def test_two_brokers(patient: Patient, vhost: VirtualHost) -> None:
    found = only_problem(patient.plain(*JSON, "--management-url", vhost.management_url))

    assert found["name"].startswith("AMQP at")
    assert "are two clusters" in found["detail"]


def test_plain_text_to_a_tls_port(patient: Patient) -> None:
    found = only_problem(patient.plain(*JSON, "--amqp-url", f"amqp://localhost:{patient.amqps}"))

    assert "speaks TLS, not AMQP" in found["detail"]
    assert "write amqps://" in found["fix"]


def test_tls_to_a_plain_port(attune_infra: Command, vhost: VirtualHost) -> None:
    url = vhost.amqp_url.replace("amqp://", "amqps://")

    result = attune_infra(*JSON, "--amqp-url", url)

    found = only_problem(result)
    assert "TLS failed" in found["detail"]
    assert "the port does not speak TLS: write amqp://" in found["fix"]
    assert "TLS" in [each["section"] for each in findings(result) if each["verdict"] == "unknown"]


def test_a_wrong_password(attune_infra: Command, vhost: VirtualHost) -> None:
    result = attune_infra(*JSON, environment=as_user(vhost, "guest", "wrong"))

    assert result.code == 2
    for found in problems(result):
        assert "refused the login of user 'guest'" in found["detail"]
        assert found["run"] == ["rabbitmqctl change_password guest"]
    assert len(problems(result)) == 2


def test_a_missing_virtual_host_can_be_made_with_the_lines(patient: Patient) -> None:
    url = patient.vhost.amqp_url.rpartition("/")[0] + "/no%20such"
    result = patient.plain(*JSON, "--amqp-url", url)
    [found] = [each for each in problems(result) if each["name"].startswith("AMQP")]
    assert "virtual host 'no such'" in found["detail"]

    for line in found["run"]:
        patient.run(line)

    assert patient.plain(*JSON, "--amqp-url", url).code == 0


@contextmanager
def another_time(target: int, ahead: timedelta) -> Iterator[int]:
    """Yield the port of a proxy that changes the dates of the answers."""
    date = re.compile(rb"(?i)(?<=\r\ndate: )[^\r]+")

    def changed(answer: bytes) -> bytes:
        return date.sub(format_datetime(datetime.now(UTC) + ahead, usegmt=True).encode(), answer)

    def forward(client: socket.socket) -> None:
        with socket.create_connection(("127.0.0.1", target)) as server:
            while True:
                for source in select.select([client, server], [], [], 5)[0]:
                    data = source.recv(65_536)
                    if not data:
                        return
                    (server if source is client else client).sendall(data if source is client else changed(data))

    with serve(forward) as port:
        yield port


@pytest.mark.parametrize(("ahead", "words"), [(100, "ahead of"), (-100, "behind")])
def test_another_clock(attune_infra: Command, vhost: VirtualHost, ahead: int, words: str) -> None:
    with another_time(urlsplit(vhost.management_url).port or 0, timedelta(seconds=ahead)) as port:
        found = only_problem(attune_infra(*JSON, "--management-url", f"http://127.0.0.1:{port}"))

    assert found["section"] == "clocks"
    assert f"100 s {words} the clock of this machine" in found["detail"]
    assert found["run"] == ["timedatectl set-ntp true"]


def test_a_user_without_permissions_in_the_virtual_host(patient: Patient, patient_management: Management) -> None:
    patient_management.put("users", "stranger", body={"password": PASSWORD, "tags": "policymaker"})
    stranger = Command(as_user(patient.vhost, "stranger"))
    result = stranger(*JSON, "setup")
    [found] = [each for each in problems(result) if each["name"].startswith("AMQP")]

    patient.run(found["run"][1])

    assert problems(stranger(*JSON, "setup")) == []


def test_a_virtual_host_that_is_closed_to_the_user(patient: Patient, patient_management: Management) -> None:
    with create_virtual_host(patient.vhost, "closed to him") as vhost:
        patient_management.put("users", "outsider", body={"password": PASSWORD, "tags": "management"})
        outsider = Command(as_user(vhost, "outsider"))
        found = only_problem(outsider(*JSON, "diff"))
        assert found["name"] == "virtual host closed to him over HTTP"

        patient.run(found["run"][1])

        assert problems(outsider(*JSON, "diff")) == []


def test_without_the_tag_the_management_api_is_closed(patient: Patient, patient_management: Management) -> None:
    untagged = make_user(patient_management, patient.vhost, "untagged", tags="", may=(".*", ".*", ".*"))
    found = only_problem(untagged(*JSON, "diff"))
    assert "Not management user" in found["detail"]

    patient.run(found["run"][0])

    assert problems(untagged(*JSON, "diff")) == []
