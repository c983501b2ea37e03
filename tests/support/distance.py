"""Servers that are far away: a TCP proxy that delays bytes each way, and counts round trips.

A round trip is a wait for an answer: bytes to a server that were sent after some answer had arrived come one round
trip after that answer, over whichever connection. Requests that are sent before any answer arrives are on the way
at the same time, and count once. So the number is that of the waits behind one another, and needs no clock: it is
too high only if a client takes longer than a delay to send what it could have sent at once.

A new connection costs one more round trip before its first bytes arrive, as TCP does. `round_trips` counts without
these, and `with_connecting` with them.
"""

from __future__ import annotations

import heapq
import selectors
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Final

_PIECE: Final = 1 << 18
_IDLE: Final = 0.1
"""Seconds after which a proxy without traffic looks up."""


@dataclass
class _Turns:
    """The round trips of one way of counting."""

    connecting: int
    """Round trips that a new connection costs."""
    heard: int = 0
    """Those behind the answers that have arrived at the client."""
    asked: dict[socket.socket, int] = field(default_factory=dict)
    """Those behind the last bytes that have arrived at each server."""


@dataclass(order=True)
class _Parcel:
    """Bytes on the way, or the end of a connection."""

    due: float
    number: int
    source: socket.socket = field(compare=False)
    data: bytes = field(compare=False)
    turns: tuple[int, int] = field(compare=False)


class Distance:
    """A proxy in front of ports of this machine, each with a port of its own, in a thread of its own."""

    def __init__(self, targets: Sequence[int], round_trip: float) -> None:
        self._delay = round_trip / 2
        self._selector = selectors.DefaultSelector()
        self._targets = {socket.create_server(("127.0.0.1", 0), backlog=128): target for target in targets}
        self.ports = tuple(int(listener.getsockname()[1]) for listener in self._targets)
        self._peers = dict[socket.socket, socket.socket]()
        self._servers = set[socket.socket]()
        self._opened = dict[socket.socket, float]()
        """The earliest moment at which bytes of a client arrive."""
        self._parcels = list[_Parcel]()
        self._numbers = count()
        self._bare, self._full = _Turns(0), _Turns(1)
        self.connections = 0
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def round_trips(self) -> int:
        return self._bare.heard

    @property
    def with_connecting(self) -> int:
        return self._full.heard

    def reset(self) -> None:
        """Count from 0 for the connections to come."""
        self._bare, self._full, self.connections = _Turns(0), _Turns(1), 0

    def _run(self) -> None:
        for listener in self._targets:
            self._selector.register(listener, selectors.EVENT_READ)
        while not self._ends.is_set():
            for key, _ in self._selector.select(self._patience()):
                if key.fileobj in self._targets:
                    self._accept(key.fileobj)
                elif key.fileobj in self._peers:
                    self._read(key.fileobj)
            self._deliver()
        for each in (*self._targets, *self._peers):
            each.close()
        self._selector.close()

    def _patience(self) -> float:
        return min(_IDLE, max(0.0, self._parcels[0].due - time.monotonic())) if self._parcels else _IDLE

    def _accept(self, listener: socket.socket) -> None:
        client, _ = listener.accept()
        try:
            server = socket.create_connection(("127.0.0.1", self._targets[listener]), timeout=5)
        except OSError:
            client.close()
            return
        self.connections += 1
        for one, other in ((client, server), (server, client)):
            one.settimeout(30)
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._peers[one] = other
            self._selector.register(one, selectors.EVENT_READ)
        self._servers.add(server)
        self._opened[client] = time.monotonic() + 2 * self._delay
        for turns in (self._bare, self._full):
            turns.asked[server] = turns.heard + turns.connecting

    def _read(self, source: socket.socket) -> None:
        try:
            data = source.recv(_PIECE)
        except OSError:
            data = b""
        if not data:
            self._selector.unregister(source)
        began = max(time.monotonic(), self._opened.get(source, 0.0))
        heapq.heappush(
            self._parcels,
            _Parcel(began + self._delay, next(self._numbers), source, data, self._turns_behind(source)),
        )

    def _turns_behind(self, source: socket.socket) -> tuple[int, int]:
        """Return the round trips behind bytes that one end has sent."""
        if source in self._servers:
            return self._bare.asked.get(source, 0), self._full.asked.get(source, 0)
        server = self._peers[source]
        opened = self._full.asked.get(server, 0)
        return self._bare.heard + 1, max(self._full.heard, opened) + 1

    def _deliver(self) -> None:
        while self._parcels and self._parcels[0].due <= time.monotonic():
            parcel = heapq.heappop(self._parcels)
            sink = self._peers.get(parcel.source)
            if sink is None:
                continue
            self._note(parcel, sink)
            try:
                if parcel.data:
                    sink.sendall(parcel.data)
                else:
                    self._close(parcel.source)
            except OSError:
                self._close(parcel.source)

    def _note(self, parcel: _Parcel, sink: socket.socket) -> None:
        for turns, behind in zip((self._bare, self._full), parcel.turns, strict=True):
            if sink in self._servers:
                turns.asked[sink] = behind
            elif parcel.data:
                turns.heard = max(turns.heard, behind)

    def _close(self, end: socket.socket) -> None:
        """Close both ends of a connection."""
        for each in (end, self._peers.get(end)):
            if each is None:
                continue
            self._peers.pop(each, None)
            self._servers.discard(each)
            with suppress(KeyError, ValueError):
                self._selector.unregister(each)
            each.close()

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._ends.set()
        self._thread.join()


@contextmanager
def at_distance(*targets: int, round_trip: float) -> Iterator[Distance]:
    """Yield a proxy in front of ports of this machine, so many seconds away and back."""
    distance = Distance(targets, round_trip)
    distance.start()
    try:
        yield distance
    finally:
        distance.close()
