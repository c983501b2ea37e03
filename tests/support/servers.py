"""Servers on this machine that are not RabbitMQ."""

from __future__ import annotations

import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

import trustme

MAX_QUESTION_BYTES = 65_536
ANSWERS = {
    "http": b"HTTP/1.0 400 Bad Request\r\n\r\n",
    "amqp": b"AMQP\x00\x00\x09\x01",
    "tls": b"\x15\x03\x03\x00\x02\x02\x46",  # an alert
}
"""First words of servers, by their protocol."""


@contextmanager
def serve(handle: Callable[[socket.socket], None]) -> Iterator[int]:
    """Yield the port of a server that handles each connection and closes it."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                handle(self.request)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def serve_answer(answer: bytes, *, hangs_up: bool = True) -> Iterator[int]:
    """Yield the port of a server that gives every connection the same answer."""

    def handle(connection: socket.socket) -> None:
        connection.recv(MAX_QUESTION_BYTES)
        connection.sendall(answer)
        if not hangs_up:
            connection.recv(MAX_QUESTION_BYTES)

    with serve(handle) as port:
        yield port


@contextmanager
def serve_tls(context: ssl.SSLContext) -> Iterator[int]:
    """Yield the port of a server that ends each connection after the TLS handshake."""

    def handle(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as encrypted:
            encrypted.recv(MAX_QUESTION_BYTES)

    with serve(handle) as port:
        yield port


@contextmanager
def serve_silence() -> Iterator[int]:
    """Yield the port of a server that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def closed_port() -> int:
    """Return a port that nothing listens on."""
    with serve_silence() as port:
        return port


class Authority:
    """A certificate authority, with its certificate as a file."""

    def __init__(self, folder: Path) -> None:
        self._authority = trustme.CA()
        self._folder = folder
        self.file = folder / "ca.pem"
        self._authority.cert_pem.write_to_path(self.file)

    def context(
        self,
        name: str,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        asks_for_certificate: bool = False,
    ) -> ssl.SSLContext:
        """Return the TLS of a server with a certificate for a name."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert(name, not_before=since, not_after=until).configure_cert(context)
        if asks_for_certificate:
            self._authority.configure_trust(context)
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def context_of_itself(self) -> ssl.SSLContext:
        """Return the TLS of a server whose certificate is its own authority."""
        key = self._folder / "ca-key.pem"
        self._authority.private_key_pem.write_to_path(key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.file, key)
        return context

    def issue(self, name: str) -> tuple[Path, Path]:
        """Return the files of a certificate for a name, and of its key."""
        issued = self._authority.issue_cert(name)
        certificate, key = self._folder / f"{name}.pem", self._folder / f"{name}-key.pem"
        issued.cert_chain_pems[0].write_to_path(certificate)
        issued.private_key_pem.write_to_path(key)
        return certificate, key
