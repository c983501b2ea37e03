"""Connections that fail, with real sockets: the kind, the sentence and the hint of each."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest

from attune_infra.broker import faults
from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.errors import BrokerError, BrokerUnreachable, NotRabbitMQ
from attune_infra.settings import AMQP_URL, CA_FILE, MANAGEMENT_URL, Setting, resolve
from support.servers import MAX_QUESTION_BYTES, Authority, closed_port, serve_answer, serve_silence, serve_tls

PROTOCOLS = ("http", "amqp")
STARTING = "is the broker still starting? `--wait 60` waits for it"
ANSWERS = {
    "http": b"HTTP/1.0 400 Bad Request\r\n\r\n",
    "amqp": b"AMQP\x00\x00\x09\x01",
    "tls": b"\x15\x03\x03\x00\x02\x02\x46",  # an alert
}
CLIENT_CERTIFICATE = "does the broker ask for a client certificate? give --cert-file and --key-file"


def fail_to_connect(
    url: str, *, timeout: float = 5.0, files: dict[Setting, Path] | None = None, way: str = ""
) -> tuple[type[BrokerError], str, str | None]:
    """Connect to a URL; return the kind of the error, its sentence after the address and the way, and its hint."""
    is_amqp = url.startswith("amqp")
    flags = {file: str(path) for file, path in (files or {}).items()}
    settings = resolve({AMQP_URL if is_amqp else MANAGEMENT_URL: url} | flags, {}, timeout=timeout)
    beginning = (
        f"cannot open an AMQP connection to {settings.amqp.netloc}{way}: "
        if is_amqp
        else f"cannot reach the management API at {settings.management.base_url}{way}: "
    )
    with RabbitMQ(settings) as broker:
        connect = broker.check_amqp if is_amqp else broker.check_http
        with pytest.raises(BrokerError) as caught:
            connect()
    assert caught.value.sentence.startswith(beginning)
    return type(caught.value), caught.value.sentence.removeprefix(beginning), caught.value.hint


@pytest.mark.parametrize("scheme", ["http", "https", "amqp", "amqps"])
def test_a_closed_port(scheme: str) -> None:
    port = closed_port()

    assert fail_to_connect(f"{scheme}://127.0.0.1:{port}") == (
        BrokerUnreachable,
        f"nothing listens on port {port}",
        f"check host and port; {STARTING}",
    )


def test_the_second_attempt_of_a_request_decides() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]

    def hang_up_once() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(MAX_QUESTION_BYTES)
            listener.close()

    server = threading.Thread(target=hang_up_once)
    server.start()
    kind, sentence, _ = fail_to_connect(f"http://127.0.0.1:{port}")
    server.join()

    assert (kind, sentence) == (BrokerUnreachable, f"nothing listens on port {port}")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_unknown_host(protocol: str) -> None:
    assert fail_to_connect(f"{protocol}://no-such-host.invalid:1") == (
        BrokerUnreachable,
        "host 'no-such-host.invalid' has no address",
        "check its name",
    )


def test_a_name_that_is_no_host() -> None:
    assert fail_to_connect("http://*:1") == (
        NotRabbitMQ,
        "not a valid address",
        "give --management-url http://HOST:15672",
    )


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    ("is_address", "reason"),
    [
        (True, "Connection refused"),
        (False, "Please check proxy URL. It is malformed and could be missing the host."),
    ],
)
def test_a_proxy_that_fails(monkeypatch: pytest.MonkeyPatch, scheme: str, is_address: bool, reason: str) -> None:
    monkeypatch.setenv(f"{scheme}_proxy", f"http://127.0.0.1:{closed_port()}" if is_address else "http://")

    assert fail_to_connect(f"{scheme}://broker.example:1", way=" through the proxy") == (
        BrokerUnreachable,
        reason,
        "check HTTP_PROXY and HTTPS_PROXY, or exclude the host with NO_PROXY",
    )


@pytest.mark.parametrize(
    ("wanted", "spoken", "hint"),
    [
        ("http", "amqp", "the management API listens on port 15672 by default; 5672 is AMQP"),
        ("amqp", "http", "AMQP listens on port 5672 by default; 15672 is the management API"),
        ("http", "tls", "for a TLS port write https://"),
        ("amqp", "tls", "for a TLS port write amqps://"),
    ],
)
def test_a_port_that_speaks_another_protocol(wanted: str, spoken: str, hint: str) -> None:
    with serve_answer(ANSWERS[spoken]) as port:
        assert fail_to_connect(f"{wanted}://127.0.0.1:{port}") == (
            NotRabbitMQ,
            f"port {port} speaks {spoken.upper()}, not {wanted.upper()}",
            hint,
        )


@pytest.mark.parametrize(
    ("protocol", "answer", "reason"),
    [
        ("http", b"", "Remote end closed connection without response"),
        ("amqp", b"", "Server unexpectedly closed connection"),
        ("amqp", ANSWERS["amqp"], "Server unexpectedly closed connection"),
    ],
)
def test_a_port_that_hangs_up(protocol: str, answer: bytes, reason: str) -> None:
    with serve_answer(answer) as port:
        assert fail_to_connect(f"{protocol}://127.0.0.1:{port}") == (BrokerUnreachable, reason, STARTING)


@pytest.mark.parametrize(
    ("protocol", "reason"), [("http", "no answer within 0.1 s"), ("amqp", "no answer in time")]
)
def test_a_port_that_stays_silent(monkeypatch: pytest.MonkeyPatch, protocol: str, reason: str) -> None:
    monkeypatch.setattr(faults, "_PROBE_SECONDS", 0.1)
    with serve_silence() as port:
        found = fail_to_connect(f"{protocol}://127.0.0.1:{port}", timeout=0.1)

    assert found == (BrokerUnreachable, reason, STARTING)


def test_an_answer_that_stops_in_the_middle() -> None:
    with serve_answer(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", hangs_up=False) as port:
        found = fail_to_connect(f"http://127.0.0.1:{port}", timeout=0.1)

    assert found == (BrokerUnreachable, "no answer in time", STARTING)


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
def test_a_server_that_asks_for_a_certificate(authority: Authority, protocol: str) -> None:
    with serve_tls(authority.context("127.0.0.1", asks_for_certificate=True)) as port:
        kind, sentence, hint = fail_to_connect(f"{protocol}s://127.0.0.1:{port}", files={CA_FILE: authority.file})

    assert (kind, hint) == (BrokerUnreachable, CLIENT_CERTIFICATE)
    assert sentence.startswith("TLS failed: ")
