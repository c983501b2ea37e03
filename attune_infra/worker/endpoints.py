"""Serve health, readiness and metrics over HTTP, in threads that keep no process from ending.

Answers are short texts without secrets: the sentence of an error, which names servers but no passwords.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Iterable, Mapping
from socketserver import TCPServer, ThreadingMixIn
from threading import BoundedSemaphore, Lock, Thread
from time import monotonic
from typing import TYPE_CHECKING, Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from attune_infra.errors import AttuneError, InvalidInput

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Check = Callable[[], str | None]
"""Return the reason for which it is not ready; None if it is."""

_MAX_REQUESTS: Final = 16
"""Requests that are answered at a time. Further connections are closed at once."""
_MAX_IDLE: Final = 10.0
"""Seconds that a client may take to send its request."""
_MAX_AGE: Final = 1.0
"""Seconds for which a check of readiness is kept, so that many probes cost as much as one."""


class Endpoints:
    """The answers at `/healthz`, `/readyz` and, if there is one, at the further paths."""

    def __init__(self, ready: Check, further: Mapping[str, WSGIApplication] | None = None) -> None:
        self._ready, self._further = ready, dict(further or {})
        self._lock = Lock()
        self._kept: tuple[float, str | None] = (-_MAX_AGE, None)

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path in self._further:
            return self._further[path](environ, start)
        if environ["REQUEST_METHOD"] != "GET":
            return _answer(start, "405 Method Not Allowed", "use GET", ("Allow", "GET"))
        if path == "/healthz":
            return _answer(start, "200 OK", "ok")
        if path == "/readyz":
            reason = self._ask()
            return _answer(start, "503 Service Unavailable", reason) if reason else _answer(start, "200 OK", "ok")
        known = ", ".join(("/healthz", "/readyz", *self._further))
        return _answer(start, "404 Not Found", f"there is nothing here; the paths are {known}")

    def _ask(self) -> str | None:
        with self._lock:
            since, reason = self._kept
            if monotonic() - since >= _MAX_AGE:
                reason = _reason(self._ready)
                self._kept = monotonic(), reason
            return reason


def serve(host: str, port: int, answers: WSGIApplication) -> int:
    """Serve until the process ends; return the port. Raise `InvalidInput` if the address cannot be had."""
    try:
        server = _Server.at(host, port)
    except OSError as error:
        hint = "give an address of this machine, and a port that is free"
        raise InvalidInput(f"cannot listen on {host}:{port}: {error.strerror}", hint=hint) from error
    server.set_app(answers)
    Thread(target=server.serve_forever, daemon=True).start()
    return int(server.server_port)


def _reason(check: Check) -> str | None:
    try:
        return check()
    except AttuneError as error:
        return error.sentence


def _answer(start: StartResponse, status: str, text: str, *headers: tuple[str, str]) -> Iterable[bytes]:
    body = f"{text}\n".encode()
    kind = ("Content-Type", "text/plain; charset=utf-8")
    start(status, [kind, ("Content-Length", str(len(body))), ("Cache-Control", "no-store"), *headers])
    return [body]


class _Handler(WSGIRequestHandler):
    timeout = _MAX_IDLE

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 # the name of the overridden one
        """Log no request."""


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    @classmethod
    def at(cls, host: str, port: int) -> _Server:
        [(family, *_), *_] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        kind = type("_Server", (cls,), {"address_family": family})
        server: _Server = kind((host, port), _Handler)
        return server

    def __init__(self, *arguments: Any) -> None:
        self._free = BoundedSemaphore(_MAX_REQUESTS)
        super().__init__(*arguments)

    def server_bind(self) -> None:
        """Bind without looking up the name of the address, which may take long."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])
        self.setup_environ()

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Forget a client that went away in the middle of its request; anything else is a bug."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)
