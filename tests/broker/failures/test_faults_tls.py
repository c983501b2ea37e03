"""TLS that fails, with real sockets: the kind, the sentence and the hint of each error."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest

from attune_infra.errors import BrokerUnreachable
from attune_infra.settings import CA_FILE, CERT_FILE, KEY_FILE, Setting
from support.failed_connection import fail_to_connect
from support.servers import ANSWERS, Authority, serve_answer, serve_tls

PROTOCOLS = ("http", "amqp")
CLIENT_CERTIFICATE = "does the broker ask for a client certificate? give --cert-file and --key-file"


class Flaw(NamedTuple):
    """A certificate for a name, which is not valid for a host, and the end of the error."""

    host: str
    name: str
    problem: str
    hint: str
    until: datetime | None = None
    since: datetime | None = None


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("spoken", PROTOCOLS)
def test_tls_to_a_port_without(protocol: str, spoken: str) -> None:
    with serve_answer(ANSWERS[spoken]) as port:
        kind, sentence, hint = fail_to_connect(f"{protocol}s://127.0.0.1:{port}")

    assert kind is BrokerUnreachable
    assert sentence.startswith("TLS failed: ")  # its reason differs between releases of OpenSSL
    assert hint == f"the port does not speak TLS: write {protocol}://, or give the TLS port"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_certificate_of_an_unknown_authority(authority: Authority, protocol: str) -> None:
    with serve_tls(authority.context("127.0.0.1")) as port:
        assert fail_to_connect(f"{protocol}s://127.0.0.1:{port}") == (
            BrokerUnreachable,
            "its certificate cannot be trusted: unable to get local issuer certificate",
            "give the certificate of its authority as --ca-file",
        )


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    "flaw",
    [
        Flaw(
            host="localhost",
            name="broker.example",
            problem="Hostname mismatch, certificate is not valid for 'localhost'",
            hint="connect to a host name that the certificate is valid for",
        ),
        Flaw(
            host="127.0.0.1",
            name="localhost",
            problem="IP address mismatch, certificate is not valid for '127.0.0.1'",
            hint="connect to a host name or address that the certificate is valid for",
        ),
        Flaw(
            host="127.0.0.1",
            name="127.0.0.1",
            until=datetime(2020, 1, 1, tzinfo=UTC),
            problem="certificate has expired",
            hint="have the broker's certificate renewed; is the clock of this machine right?",
        ),
        Flaw(
            host="127.0.0.1",
            name="127.0.0.1",
            since=datetime(2100, 1, 1, tzinfo=UTC),
            until=datetime(2101, 1, 1, tzinfo=UTC),
            problem="certificate is not yet valid",
            hint="is the clock of this machine right? If so, wait, or have the broker's certificate issued anew",
        ),
    ],
)
def test_a_certificate_that_is_not_valid(authority: Authority, protocol: str, flaw: Flaw) -> None:
    with serve_tls(authority.context(flaw.name, since=flaw.since, until=flaw.until)) as port:
        assert fail_to_connect(f"{protocol}s://{flaw.host}:{port}", files={CA_FILE: authority.file}) == (
            BrokerUnreachable,
            f"its certificate cannot be trusted: {flaw.problem}",
            flaw.hint,
        )


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_protocol_that_is_too_old(authority: Authority, protocol: str) -> None:
    context = authority.context("127.0.0.1")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with serve_tls(context) as port:
        kind, sentence, hint = fail_to_connect(f"{protocol}s://127.0.0.1:{port}", files={CA_FILE: authority.file})

    assert kind is BrokerUnreachable
    assert sentence.startswith("TLS failed: ")
    assert hint == "this program speaks TLS 1.2 and 1.3: allow one of them in RabbitMQ's ssl_options.versions"


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_certificate_that_nobody_else_signed(authority: Authority, protocol: str) -> None:
    with serve_tls(authority.context_of_itself()) as port:
        assert fail_to_connect(f"{protocol}s://127.0.0.1:{port}") == (
            BrokerUnreachable,
            "its certificate cannot be trusted: self-signed certificate",
            "give the certificate itself as --ca-file, or have it issued by an authority",
        )


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_server_that_asks_for_a_certificate(authority: Authority, protocol: str) -> None:
    with serve_tls(authority.context("127.0.0.1", asks_for_certificate=True)) as port:
        kind, sentence, hint = fail_to_connect(f"{protocol}s://127.0.0.1:{port}", files={CA_FILE: authority.file})

    assert (kind, hint) == (BrokerUnreachable, CLIENT_CERTIFICATE)
    assert sentence.startswith("TLS failed: ")


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("option", [CA_FILE, CERT_FILE])
def test_a_file_without_a_certificate(
    authority: Authority, protocol: str, option: Setting, tmp_path: Path
) -> None:
    empty = tmp_path / "empty.pem"
    empty.touch()
    with serve_tls(authority.context("127.0.0.1")) as port:
        kind, sentence, hint = fail_to_connect(f"{protocol}s://127.0.0.1:{port}", files={option: empty})

    assert (kind, hint) == (BrokerUnreachable, "check the files given as --ca-file, --cert-file and --key-file")
    assert sentence.startswith("TLS failed: ")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_key_of_another_certificate(authority: Authority, protocol: str) -> None:
    certificate, _ = authority.issue("one")
    _, key = authority.issue("other")
    with serve_tls(authority.context("127.0.0.1")) as port:
        kind, sentence, hint = fail_to_connect(
            f"{protocol}s://127.0.0.1:{port}", files={CERT_FILE: certificate, KEY_FILE: key}
        )

    assert (kind, hint) == (BrokerUnreachable, "check the files given as --ca-file, --cert-file and --key-file")
    assert sentence == "TLS failed: KEY_VALUES_MISMATCH"
