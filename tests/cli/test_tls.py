"""amqps:// and https://, on a broker that wants to see a certificate too."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from attune_infra.settings import AMQP_URL, CA_FILE, CERT_FILE, KEY_FILE, MANAGEMENT_URL
from support.as_a_user import Command
from support.under_test import BrokerUnderTest

pytestmark = pytest.mark.xdist_group("tls")  # they share a broker


@dataclass(frozen=True)
class TlsBroker:
    environment: dict[str, str]
    ca_file: str
    cert_file: str
    key_file: str

    @property
    def options(self) -> tuple[str, ...]:
        return ("--ca-file", self.ca_file, "--cert-file", self.cert_file, "--key-file", self.key_file)


@pytest.fixture(scope="module")
def tls(under_test: BrokerUnderTest) -> Iterator[TlsBroker]:
    amqps, https = free_ports()
    with under_test.folder() as folder:
        make_certificates(folder)
        extra_config = configuration(under_test.path_inside(folder), amqps, https)
        with under_test.sandbox(postgres=False, extra_config=extra_config):
            yield TlsBroker(
                environment={
                    AMQP_URL.variable: f"amqps://guest:guest@localhost:{amqps}",
                    MANAGEMENT_URL.variable: f"https://localhost:{https}",
                },
                ca_file=str(folder / "ca.pem"),
                cert_file=str(folder / "client.pem"),
                key_file=str(folder / "client-key.pem"),
            )


def make_certificates(folder: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    for name in ("server", "client"):
        issued = authority.issue_cert("localhost" if name == "server" else "client@example.org")
        issued.cert_chain_pems[0].write_to_path(folder / f"{name}.pem")
        issued.private_key_pem.write_to_path(folder / f"{name}-key.pem")


def free_ports() -> tuple[int, int]:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        return one.getsockname()[1], other.getsockname()[1]


def configuration(folder: Path, amqps: int, https: int) -> str:
    files = f"""
        {{}}cacertfile = {folder}/ca.pem
        {{}}certfile = {folder}/server.pem
        {{}}keyfile = {folder}/server-key.pem
        {{}}verify = verify_peer
        {{}}fail_if_no_peer_cert = true
    """
    return "\n".join(
        line.strip()
        for line in (
            f"listeners.ssl.1 = 127.0.0.1:{amqps}\nmanagement.ssl.port = {https}\nmanagement.ssl.ip = 127.0.0.1\n"
            + files.replace("{}", "ssl_options.")
            + files.replace("{}", "management.ssl.")
        ).splitlines()
    )


@pytest.mark.parametrize("via", ["amqp", "http"])
def test_with_all_three_files_everything_works(attune_infra_alone: Command, tls: TlsBroker, via: str) -> None:
    result = attune_infra_alone("setup", "--via", via, *tls.options, environment=tls.environment)

    assert (result.code, result.stderr) == (0, "")
    assert attune_infra_alone("verify", *tls.options, environment=tls.environment).code == 0


def test_metrics_tell_when_certificates_expire(attune_infra_alone: Command, tls: TlsBroker) -> None:
    result = attune_infra_alone("metrics", *tls.options, environment=tls.environment)

    series = r'^attune_certificate_expiry_timestamp_seconds\{certificate="(\w+)"\} (\S+)$'
    found = re.findall(series, result.stdout, re.MULTILINE)
    days = {name: (float(until) - time.time()) / 86_400 for name, until in found}
    assert result.code == 0
    assert days.keys() == {"amqps", "https", "client", "authorities"}
    assert all(day > 300 for day in days.values())


def test_a_certificate_that_cannot_be_seen_has_no_time(attune_infra_alone: Command, tls: TlsBroker) -> None:
    away = tls.environment | {AMQP_URL.variable: "amqps://guest:guest@localhost:1"}

    result = attune_infra_alone("metrics", *tls.options, environment=away)

    assert result.code == 0
    assert "no TLS handshake with localhost:1: " in result.stderr
    assert 'certificate="https"' in result.stdout
    assert 'certificate="amqps"' not in result.stdout


def test_the_files_can_come_from_the_environment(attune_infra_alone: Command, tls: TlsBroker) -> None:
    files = {
        CA_FILE.variable: tls.ca_file,
        CERT_FILE.variable: tls.cert_file,
        KEY_FILE.variable: tls.key_file,
    }

    assert attune_infra_alone("diff", environment=tls.environment | files).code in {0, 2}


def test_an_authority_nobody_vouched_for_is_not_trusted(attune_infra_alone: Command, tls: TlsBroker) -> None:
    result = attune_infra_alone("verify", environment=tls.environment)

    assert result.code == 1
    assert result.stdout.count("its certificate cannot be trusted") == 2
    assert result.stdout.count("as --ca-file") == 2


def test_a_name_that_is_not_in_the_certificate_is_not_trusted(attune_infra_alone: Command, tls: TlsBroker) -> None:
    elsewhere = {name: url.replace("localhost", "127.0.0.1") for name, url in tls.environment.items()}

    result = attune_infra_alone("verify", *tls.options, environment=elsewhere)

    assert result.code == 1
    assert result.stdout.count("its certificate cannot be trusted") == 2


def test_a_missing_client_certificate_is_hinted_at(attune_infra_alone: Command, tls: TlsBroker) -> None:
    result = attune_infra_alone("verify", "--ca-file", tls.ca_file, environment=tls.environment)

    assert result.code == 1
    assert result.stdout.count("--cert-file and --key-file") == 2


def test_plain_amqp_to_a_tls_port_is_told_apart(attune_infra_alone: Command, tls: TlsBroker) -> None:
    plain = {name: url.replace("s://", "://", 1) for name, url in tls.environment.items()}

    result = attune_infra_alone("verify", environment=plain)

    assert result.code == 1
    assert "for a TLS port write http://" not in result.stdout
    assert result.stdout.count("for a TLS port write") == 2
