"""Loopback ports: which are free, and whether somebody answers on one."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable
from contextlib import ExitStack
from typing import Final

HOST: Final = "127.0.0.1"

_TAKEN: Final = re.compile(r"eaddrinuse|address already in use|port_already_used", re.IGNORECASE)


def free_ports(count: int) -> tuple[int, ...]:
    """Return that many different ports that are free now; somebody else may still be faster."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for candidate in sockets:
            candidate.bind((HOST, 0))
        return tuple(candidate.getsockname()[1] for candidate in sockets)


def answers(port: int, greeting: bytes = b"", *, within: float = 2.0) -> bool:
    """Say whether a port accepts a connection and, after a greeting, says something back."""
    try:
        with socket.create_connection((HOST, port), timeout=within) as connection:
            if not greeting:
                return True
            connection.sendall(greeting)
            return connection.recv(1) != b""
    except OSError:
        return False


def was_lost(ports: Iterable[int], said: str) -> bool:
    """Say whether a program ended because one of its ports is somebody else's; it may have said so or not."""
    return _TAKEN.search(said) is not None or not all(map(_is_free, ports))


def _is_free(port: int) -> bool:
    with socket.socket() as candidate:
        # As servers do: a connection that was closed a moment ago does not count.
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            candidate.bind((HOST, port))
        except OSError:
            return False
    return True
