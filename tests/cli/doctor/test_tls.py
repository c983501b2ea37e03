"""`doctor` and TLS, on a broker whose certificates the tests replace."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from attune_infra.broker.doctor.certificates import validity
from attune_infra.settings import AMQP_URL, MANAGEMENT_URL
from support.patients import Patient, findings, issue, only_problem, problems
from support.servers import closed_port

pytestmark = pytest.mark.xdist_group("doctor")  # they share a broker
JSON = ("doctor", "-o", "json", "setup")


def test_nothing_is_found_if_all_is_well(patient: Patient) -> None:
    patient.present()

    result = patient.with_tls(*JSON)

    assert (result.code, findings(result)) == (0, [])
    found = [check for check in result.json["checks"] if check["section"] == "TLS"]
    assert len(found) == 7  # chain, name and days of both ports, and the days of the CA file
    assert sum("valid for 364 days" in check["detail"] for check in found) == 2


def test_an_expired_certificate(patient: Patient) -> None:
    patient.present(days=-1)

    result = patient.with_tls(*JSON)

    day = f"{datetime.now(UTC) + timedelta(days=-1):%Y-%m-%d}"
    found = [check for check in problems(result) if check["section"] == "TLS"]
    assert [check["detail"] for check in found] == [f"it expired on {day}"] * 2
    assert "have it renewed" in found[0]["fix"]
    assert result.code == 2
    patient.present()
    assert problems(patient.with_tls(*JSON)) == []


def test_a_certificate_that_expires_soon_is_a_warning(patient: Patient) -> None:
    patient.present(days=12.5)

    result = patient.with_tls(*JSON)

    assert result.code == 0
    assert [check["verdict"] for check in findings(result)] == ["warning"] * 2
    assert "it expires in 12 days" in findings(result)[0]["detail"]


def test_an_expired_certificate_for_another_host_has_two_findings(patient: Patient) -> None:
    patient.present("elsewhere.example", days=-3)

    result = patient.with_tls(*JSON)

    names = [check["name"] for check in problems(result)]
    assert sum(name.startswith("host name of localhost") for name in names) == 2
    details = [check["detail"] for check in problems(result) if check["section"] == "TLS"]
    assert sum("it expired on" in detail for detail in details) == 2
    assert sum("not valid for" in detail for detail in details) == 2


def test_each_host_has_a_certificate_of_its_own(patient: Patient) -> None:
    """The certificate names one of the hosts: commands use that one, and `doctor` complains of the other."""
    patient.present()
    dead, amqps, https = closed_port(), patient.amqps, patient.https
    several = {
        AMQP_URL.variable: f"amqps://guest:guest@127.0.0.1:{amqps},localhost:{dead},localhost:{amqps}",
        MANAGEMENT_URL.variable: f"https://127.0.0.1:{https},localhost:{https}",
    }

    done = patient.with_tls("verify", "-v", environment=several)
    result = patient.with_tls(*JSON, environment=several)

    assert done.target.endswith(f", host localhost:{https}\n")
    assert done.stderr.count(" was passed over: its certificate cannot be trusted: ") == 2
    assert {check["name"]: check["verdict"] for check in findings(result)} == {
        f"AMQP at 127.0.0.1:{amqps}": "warning",
        f"AMQP at localhost:{dead}": "warning",
        f"HTTP at 127.0.0.1:{https}": "warning",
        f"host name of 127.0.0.1:{amqps}": "problem",
        f"host name of 127.0.0.1:{https}": "problem",
    }


def test_an_authority_that_is_not_trusted(patient: Patient) -> None:
    patient.present(authority=trustme.CA())

    result = patient.with_tls(*JSON)

    found = [check for check in problems(result) if check["section"] == "TLS"]
    assert [check["name"].startswith("chain of localhost") for check in found] == [True] * 2
    assert "as --ca-file" in found[0]["fix"]


def test_the_key_of_another_certificate(patient: Patient) -> None:
    patient.present()
    for name in ("one", "other"):
        issue(patient.authority, patient.folder, name, "client@example.org", days=90)
    files = ("--cert-file", str(patient.folder / "one.pem"), "--key-file", str(patient.folder / "other-key.pem"))

    result = patient.with_tls(*JSON, *files)

    [found] = [check for check in problems(result) if check["section"] == "TLS"]
    assert found["name"].startswith("key of client certificate in ")
    assert found["detail"] == "it is the key of another certificate"
    fitting = (*files[:3], str(patient.folder / "one-key.pem"))
    assert findings(patient.with_tls(*JSON, *fitting)) == []


def test_an_expired_client_certificate(patient: Patient) -> None:
    patient.present()
    issue(patient.authority, patient.folder, "client", "client@example.org", days=-2)
    files = (
        "--cert-file",
        str(patient.folder / "client.pem"),
        "--key-file",
        str(patient.folder / "client-key.pem"),
    )

    found = only_problem(patient.with_tls(*JSON, *files))

    assert found["name"].startswith("certificate 1 of ")
    assert "it expired on" in found["detail"]


def test_a_ca_file_that_holds_no_certificate(patient: Patient, tmp_path: Path) -> None:
    patient.present()
    file = tmp_path / "ca.pem"
    file.write_text("nothing\n", encoding="utf-8")

    result = patient.with_tls(*JSON, "--ca-file", str(file))

    assert f"{file} holds no certificate" in [check["detail"] for check in problems(result)]


@pytest.mark.parametrize("year", [2030, 2049, 2051, 2120])
def test_days_are_read_from_both_forms_of_time(year: int) -> None:
    """X.509 writes years from 2050 on with four digits."""
    until = datetime(year, 5, 6, 7, 8, 9, tzinfo=UTC)
    blob = trustme.CA().issue_cert("localhost", not_after=until).cert_chain_pems[0]

    since, found = validity(ssl.PEM_cert_to_DER_cert(blob.bytes().decode()))

    assert found == until
    assert since < datetime.now(UTC)


@pytest.mark.parametrize("der", [b"", b"\x30", b"\x30\x00", b"\x30\x82\xff\xff", b"no certificate at all"])
def test_other_bytes_are_no_certificate(der: bytes) -> None:
    with pytest.raises(ValueError, match=r"not an X\.509 certificate"):
        validity(der)
