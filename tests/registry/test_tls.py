"""A database over TLS: each way in which it fails has a sentence and what to do.

The embedded PostgreSQL is built without TLS, so a server stands in for it that only answers the request for TLS.
"""

from __future__ import annotations

import socket
import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest

from attune_infra.errors import RegistryError
from attune_infra.registry.workers import connect
from support.servers import MAX_QUESTION_BYTES, Authority, serve


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def fail(tls: ssl.SSLContext | None, options: str) -> RegistryError:
    """Return the error of a connection to a server with this TLS, or with none."""

    def handle(connection: socket.socket) -> None:
        connection.recv(MAX_QUESTION_BYTES)
        connection.sendall(b"N" if tls is None else b"S")
        if tls is not None:
            with tls.wrap_socket(connection, server_side=True) as encrypted:
                encrypted.recv(MAX_QUESTION_BYTES)

    with serve(handle) as port, pytest.raises(RegistryError) as caught:
        connect(f"postgresql://u:s3cret@127.0.0.1:{port}/d?{options}", 5.0)
    assert "s3cret" not in f"{caught.value.sentence} {caught.value.hint}"
    return caught.value


def test_a_certificate_that_is_not_valid(authority: Authority, tmp_path: Path) -> None:
    trusting = f"sslmode=verify-full&sslrootcert={authority.file}"
    (tmp_path / "other").mkdir()
    other = Authority(tmp_path / "other")
    past, future = datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
    for tls in (
        authority.context("127.0.0.1", until=past),
        authority.context("127.0.0.1", since=future, until=datetime(2101, 1, 1, tzinfo=UTC)),
        other.context("127.0.0.1"),
    ):
        error = fail(tls, trusting)
        assert "certificate verify failed" in error.sentence
        assert str(error.hint).startswith(
            "its certificate has expired, is not valid yet, or is of another authority"
        )

    error = fail(authority.context("db.example"), trusting)
    assert 'server certificate for "db.example" does not match host name "127.0.0.1"' in error.sentence
    assert error.hint == "give a host name in the database URL that the certificate is valid for"


def test_a_server_without_tls() -> None:
    error = fail(None, "sslmode=require")

    assert "server does not support SSL, but SSL was required" in error.sentence
    assert error.hint == "switch `ssl` on in postgresql.conf; or, in a network you trust, sslmode=disable"


def test_a_server_that_asks_for_a_certificate(authority: Authority) -> None:
    error = fail(authority.context("127.0.0.1", asks_for_certificate=True), "sslmode=require")

    assert str(error.hint).startswith("add sslcert=FILE and sslkey=FILE to the database URL")


def test_an_authority_that_cannot_be_read(authority: Authority, tmp_path: Path) -> None:
    missing = tmp_path / "missing.pem"
    error = fail(authority.context("127.0.0.1"), f"sslmode=verify-full&sslrootcert={missing}")

    assert f'root certificate file "{missing}" does not exist' in error.sentence
    assert str(error.hint).startswith("add sslrootcert=FILE to the database URL")
