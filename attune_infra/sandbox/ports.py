"""Loopback ports: free ones, and those on which a server answers."""

from __future__ import annotations

import re
import secrets
import socket
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from typing import Final

HOST: Final = "127.0.0.1"

_TAKEN: Final = re.compile(r"eaddrinuse|address already in use|port_already_used", re.IGNORECASE)


_LASTING: Final = range(20_000, 32_768)
"""Ports that no system gives to connections. One of those may be taken while its server is down for a restart."""

_MAX_TRIES: Final = 100


def free_ports(count: int) -> tuple[int, ...]:
    """Return different ports that are free now; another process may still take one before its use."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for candidate in sockets:
            _bind_anywhere(candidate)
        return tuple(candidate.getsockname()[1] for candidate in sockets)


def _bind_anywhere(candidate: socket.socket) -> None:
    for _ in range(_MAX_TRIES):
        with suppress(OSError):
            return candidate.bind((HOST, secrets.choice(_LASTING)))
    return candidate.bind((HOST, 0))


def answers(port: int, greeting: bytes = b"", *, within: float = 2.0) -> bool:
    """Return true if a port accepts a connection and, after a greeting, sends an answer."""
    try:
        with socket.create_connection((HOST, port), timeout=within) as connection:
            if not greeting:
                return True
            connection.sendall(greeting)
            return connection.recv(1) != b""
    except OSError:
        return False


def lost_a_port(ports: Iterable[int], output: str) -> bool:
    """Return true if a program failed because another process has one of its ports, even if it does not say so."""
    return _TAKEN.search(output) is not None or not all(map(_is_free, ports))


def _is_free(port: int) -> bool:
    with socket.socket() as candidate:
        # Servers do the same: the port of a connection that was just closed is free.
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            candidate.bind((HOST, port))
        except OSError:
            return False
    return True
