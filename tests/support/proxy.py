"""A TCP proxy in front of one server or several; it can cut a connection or stop forwarding."""

from __future__ import annotations

import select
import socket
import threading
from contextlib import suppress
from typing import Self


class Proxy:
    """A proxy that forwards each connection to the first of these ports of this machine that accepts it.

    After `cut_after` bytes from the client it closes the connection; after `hold_after` bytes it silently stops
    forwarding in both directions. A `port` of an earlier proxy is taken again; 0 is any.
    """

    def __init__(
        self, *targets: int, cut_after: int | None = None, hold_after: int | None = None, port: int = 0
    ) -> None:
        self._targets, self._cut_after, self._hold_after = targets, cut_after, hold_after
        self._listener = socket.create_server(("127.0.0.1", port))
        self._closing = threading.Event()
        self._threads = [threading.Thread(target=self._accept)]
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0
        self.holds = False
        """True once it has stopped forwarding."""

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()

    def cut(self) -> None:
        """Close all connections, and accept no more."""
        self._closing.set()
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _accept(self) -> None:
        while not self._closing.is_set():
            if select.select([self._listener], [], [], 0.05)[0]:
                client, _ = self._listener.accept()
                self.connections += 1
                thread = threading.Thread(target=self._forward, args=(client,))
                self._threads.append(thread)
                thread.start()

    def _forward(self, client: socket.socket) -> None:
        sent = 0
        with client, suppress(OSError), self._connected() as server:
            while not self._closing.is_set():
                held = self._hold_after is not None and sent >= self._hold_after
                self.holds |= held
                for source in select.select([] if held else [client, server], [], [], 0.05)[0]:
                    data = source.recv(1024)
                    if not data:
                        return
                    (server if source is client else client).sendall(data)
                    sent += len(data) if source is client else 0
                    if self._cut_after is not None and sent >= self._cut_after:
                        return

    def _connected(self) -> socket.socket:
        for target in self._targets[:-1]:
            with suppress(ConnectionRefusedError):
                return socket.create_connection(("127.0.0.1", target))
        return socket.create_connection(("127.0.0.1", self._targets[-1]))
