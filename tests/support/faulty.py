"""Proxies in front of a real broker that answer some requests in its place, or cut a line at any byte."""

from __future__ import annotations

import http.client
import select
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final, TypeAlias
from urllib.parse import urlsplit

_PIECE: Final = 65_536


@dataclass(frozen=True)
class Answer:
    """An answer in the broker's place; the broker gets the request first if it `arrives`.

    Without a status it is the broker's own one. With `cut`, the connection ends after this share of the body. The
    answer is held back until `wait` returns.
    """

    status: int | None = None
    body: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    arrives: bool = False
    cut: float | None = None
    wait: Callable[[], object] = lambda: None


Choose: TypeAlias = Callable[[str, str], "Answer | None"]
"""Choose the answer to a method and a path, in any thread; None for the broker's own."""


@dataclass
class Requests:
    """The requests that a proxy got, each with the status of its answer."""

    seen: list[tuple[str, str, int]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.seen)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: str, choose: Choose) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.address, self.choose, self.requests = address, choose, Requests()

    def handle_error(self, *_: object) -> None:
        """Say nothing: the command went away."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def handle_request(self) -> None:
        sent = self.rfile.read(int(self.headers.get("content-length") or 0))
        answer = self.server.choose(self.command, self.path)
        status, body, headers = 0, b"", dict[str, str]()
        if answer is None or answer.arrives or answer.status is None:
            status, body, headers = self._broker(sent)
        if answer is not None and answer.status is not None:
            status, body, headers = answer.status, answer.body.encode(), dict(answer.headers)
        if answer is not None:
            answer.wait()
        self.server.requests.seen.append((self.command, self.path, status))
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != http.client.NO_CONTENT:
            self.send_header("content-length", str(len(body)))
        self.end_headers()
        if answer is not None and answer.cut is not None:
            self.wfile.write(body[: int(len(body) * answer.cut)])
            self.close_connection = True
        else:
            self.wfile.write(body)

    def _broker(self, sent: bytes) -> tuple[int, bytes, dict[str, str]]:
        headers = {name: self.headers[name] for name in ("authorization", "content-type") if name in self.headers}
        connection = http.client.HTTPConnection(self.server.address, timeout=60)
        connection.request(self.command, self.path, sent or None, headers)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        kept = {name: answer.headers[name] for name in ("content-type", "date") if name in answer.headers}
        return answer.status, body, kept

    do_GET = do_PUT = do_POST = do_DELETE = handle_request  # noqa: N815 - http.server finds them by these names


@contextmanager
def answering_instead(management_url: str, choose: Choose) -> Iterator[tuple[str, Requests]]:
    """Yield the URL of a proxy in front of a management API, and the requests that it has got."""
    with _Server(urlsplit(management_url).netloc, choose) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", server.requests
        finally:
            server.shutdown()
            thread.join()


class Cutter:
    """A TCP proxy that cuts, or holds, one connection after so many bytes of one direction; the others live on.

    `connection` counts from 0. With `holds`, the line stays open, and nothing passes any more.
    """

    def __init__(self, port: int, connection: int, after: int, *, from_client: bool, holds: bool = False) -> None:
        self._target, self._connection, self._after = port, connection, after
        self._from_client, self._holds = from_client, holds
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._ends = threading.Event()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0
        self.has_cut = False

    def __enter__(self) -> Cutter:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _accept(self) -> None:
        while not self._ends.is_set():
            if select.select([self._listener], [], [], 0.02)[0]:
                client, _ = self._listener.accept()
                thread = threading.Thread(target=self._forward, args=(client, self.connections), daemon=True)
                self.connections += 1
                self._threads.append(thread)
                thread.start()

    def _forward(self, client: socket.socket, number: int) -> None:
        passed = 0
        with client, suppress(OSError), socket.create_connection(("127.0.0.1", self._target)) as server:
            while not self._ends.is_set():
                for source in select.select([client, server], [], [], 0.02)[0]:
                    data = source.recv(_PIECE)
                    if not data:
                        return
                    if number == self._connection and (source is client) == self._from_client:
                        data = data[: self._after - passed]
                        passed += len(data)
                    (server if source is client else client).sendall(data)
                    if number == self._connection and passed >= self._after:
                        self.has_cut = True
                        if self._holds:
                            self._ends.wait()
                        return
