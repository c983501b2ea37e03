"""HTTP answers that end: each one whole within a time, and none larger than a limit.

The time-outs of requests count from one byte to the next, so a server that sends a byte a second would hold a
command for ever. Here, each wait for bytes gets no more than the time that is left for the whole answer.
"""

from __future__ import annotations

import io
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPResponse
from typing import Any, Final

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError

from attune_infra import deadline

_PIECE: Final = 1 << 18
_MAX_KEPT: Final = 32
"""Connections that are kept for the next requests, as many as are ever asked over at the same time."""
_ADDRESS: Final = re.compile(r"[\d.]+|\[?[0-9a-fA-F:.]*:.*")


class TooLarge(requests.exceptions.RequestException):
    """An answer with more bytes than are allowed."""


class _Time(threading.local):
    end = float("inf")


_TIME: Final = _Time()
"""The moment at which the answer that this thread waits for must have ended."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Bound the time of all that this thread sends and receives in the block, within that of an outer block."""
    outer = _TIME.end
    _TIME.end = min(outer, time.monotonic() + deadline.shorten(seconds))
    try:
        yield
    finally:
        _TIME.end = outer


def is_over() -> bool:
    """Return True if no time is left."""
    return time.monotonic() >= _TIME.end


def time_left() -> float:
    """Return the seconds that are left, never 0, which would mean not to wait at all."""
    return max(_TIME.end - time.monotonic(), 0.001)


def read_whole(response: requests.Response, most: int) -> None:
    """Read the body of a streamed response; raise `TooLarge` if it has more bytes than allowed."""
    pieces, size = list[bytes](), 0
    for piece in response.iter_content(_PIECE):
        size += len(piece)
        if size > most:
            response.close()
            raise TooLarge(f"more than {most} bytes")
        pieces.append(piece)
    response._content = b"".join(pieces)  # noqa: SLF001 - requests has no limit itself


def session() -> requests.Session:
    """Return a session whose answers are bounded by `within`."""
    found = requests.Session()
    for scheme in ("http://", "https://"):
        found.mount(scheme, _Adapter(pool_maxsize=_MAX_KEPT))
    return found


class _Reader(io.RawIOBase):
    """The bytes of a socket, waited for as long as time is left."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket) -> None:
        self._raw, self._socket = raw, sock

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        usual = self._socket.gettimeout()
        left = _TIME.end - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        if usual is None or left < usual:
            self._socket.settimeout(left)
        try:
            return self._raw.readinto(buffer)
        finally:
            self._socket.settimeout(usual)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Answer(HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_Reader(self.fp.detach(), sock), _PIECE)


class _Connection(HTTPConnection):
    response_class = _Answer

    def _new_conn(self) -> socket.socket:
        return _within_time_left(self, super()._new_conn)


class _TlsConnection(HTTPSConnection):
    response_class = _Answer

    def _new_conn(self) -> socket.socket:
        return _within_time_left(self, super()._new_conn)


def _within_time_left(connection: HTTPConnection, connect: Callable[[], socket.socket]) -> socket.socket:
    """Return a connected socket; the TLS handshake that follows gets no more than the time that is left either.

    Each address of a host name is tried, with its share of the time, so that a silent one leaves some to the next.
    """
    name, usual = connection.host, connection.timeout
    addresses = _addresses(name, connection.port)
    try:
        for number, address in enumerate(addresses, 1):
            if len(addresses) > 1:
                connection.host = address
            if isinstance(usual, int | float):
                connection.timeout = min(usual, time_left() / (len(addresses) - number + 1))
            try:
                connected = connect()
                break
            except HTTPError:
                if number == len(addresses):
                    raise
    finally:
        connection.timeout = usual
        if len(addresses) > 1:
            connection.host = name
    if _TIME.end < float("inf"):
        connected.settimeout(time_left())
    return connected


def _addresses(name: str, port: int) -> list[str]:
    """Return the addresses of a host name; the name itself if it has one, or none that can be told here."""
    if _ADDRESS.fullmatch(name):
        return [name]
    try:
        found = [address for *_, address in socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError):
        return [name]
    return [_with_zone(*map(str, address)) for address in found]


def _with_zone(address: str, _port: str, _flow: str = "0", zone: str = "0") -> str:
    """Return an address as it may be looked up; one that is valid on one network has that network's number."""
    return address if zone == "0" else f"{address}%{zone}"


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


_POOLS: Final = {"http": _Pool, "https": _TlsPool}


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = _POOLS
        return manager
