"""Connections that fail, with real sockets: the kind, the sentence and the hint of each."""

from __future__ import annotations

import socket
import threading

import pytest

from attune_infra.broker.failures import faults
from attune_infra.errors import BrokerUnreachable, NotRabbitMQ
from support.failed_connection import fail_to_connect
from support.servers import ANSWERS, MAX_QUESTION_BYTES, closed_port, serve_answer, serve_silence

PROTOCOLS = ("http", "amqp")
STARTING = "is the broker still starting? `--wait 60` waits for it"


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


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    ("is_address", "reason"),
    [
        (True, "Connection refused"),
        (False, "the URL of the proxy is not valid"),
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
        ("http", b"SSH-2.0-OpenSSH_9.6\r\n", "SSH-2.0-OpenSSH_9.6"),
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

    hint = "`--timeout` gives a slow broker or line more time"
    assert found == (BrokerUnreachable, "its answer did not end within 0.1 s", hint)
