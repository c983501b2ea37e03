"""A TCP proxy that does harm to its connections at planned bytes; it can be armed again for each command."""

from __future__ import annotations

import select
import selectors
import socket
import struct
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

_PIECE: Final = 65_536
_AT_ONCE: Final = struct.pack("ii", 1, 0)
"""Linger for no time: closing then resets the connection."""
_TICK: Final = 1.0
"""Seconds from byte to byte on a line that drips."""
_IDLE: Final = 0.2
"""Seconds after which a line without traffic looks up."""


class Harm(StrEnum):
    """The harm that a line does to a connection."""

    CUT = "cut"
    RESET = "reset"
    HELD = "held"
    DRIPPING = "dripping"
    SLOW = "slow"


@dataclass
class LineFault:
    """One fault: at this byte of a direction of a connection, which counts from 0."""

    connection: int
    upwards: bool
    """True from the client to the server."""
    after: int
    harm: Harm
    pause: float = 0.0
    """Seconds for which a slow line holds the rest back, once."""
    happened: bool = False

    def __str__(self) -> str:
        direction = "to" if self.upwards else "from"
        return f"{self.harm} at connection {self.connection}, byte {self.after} {direction} the server"


@dataclass
class Passage:
    """The bytes that have passed on one connection, in pieces, upwards and downwards."""

    upwards: list[bytes] = field(default_factory=list)
    downwards: list[bytes] = field(default_factory=list)


class _Way:
    """One direction of a connection."""

    def __init__(
        self, source: socket.socket, sink: socket.socket, faults: list[LineFault], pieces: list[bytes]
    ) -> None:
        self.source, self.sink, self.pieces = source, sink, pieces
        self.faults = sorted(faults, key=lambda fault: fault.after)
        self.passed, self.waiting, self.drips = 0, b"", False
        self.resumes: float | None = None
        """The moment at which waiting bytes go on."""


class Line:
    """A proxy in front of one port of this machine, in a thread of its own."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._lock, self._ends = threading.Lock(), False
        self._ways = dict[socket.socket, _Way]()
        self._faults: Sequence[LineFault] = ()
        self.passages = list[Passage]()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.port: int = self._listener.getsockname()[1]

    def arm(self, faults: Sequence[LineFault] = ()) -> None:
        """End all connections, and plan these faults for the next ones."""
        with self._lock:
            for client in [*self._ways]:
                self._close(client)
            self._faults, self.passages = faults, []

    def _run(self) -> None:
        while not self._ends:
            events = self._selector.select(self._patience())
            with self._lock:
                for key, _ in events:
                    if key.fileobj is self._listener:
                        self._accept()
                    elif isinstance(key.fileobj, socket.socket) and key.fileobj in self._ways:
                        self._read(key.fileobj)
                self._resume()

    def _patience(self) -> float:
        with self._lock:
            moments = [way.resumes for way in self._ways.values() if way.resumes is not None]
        return min([_IDLE, *(max(0.0, moment - time.monotonic()) for moment in moments)])

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        number = len(self.passages)
        self.passages.append(passage := Passage())
        try:
            server = socket.create_connection(("127.0.0.1", self._target), timeout=5)
        except OSError:
            client.close()
            return
        client.settimeout(5)
        for source, sink, upwards in ((client, server, True), (server, client, False)):
            source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            faults = [each for each in self._faults if (each.connection, each.upwards) == (number, upwards)]
            self._ways[source] = _Way(source, sink, faults, passage.upwards if upwards else passage.downwards)
            self._selector.register(source, selectors.EVENT_READ)
        for source in (client, server):
            if source in self._ways:
                self._meet_fault(self._ways[source], b"")

    def _read(self, source: socket.socket) -> None:
        way = self._ways[source]
        try:
            data = source.recv(_PIECE)
        except OSError:
            data = b""
        if not data:
            self._close(source)
            return
        way.pieces.append(data)
        self._meet_fault(way, data)

    def _meet_fault(self, way: _Way, data: bytes) -> None:
        """Pass bytes on as far as the next fault, which then happens."""
        fault = next((each for each in way.faults if not each.happened), None)
        if fault is None or way.passed + len(data) < fault.after:
            self._pass_on(way, data)
            return
        fault.happened = True
        at = fault.after - way.passed
        self._pass_on(way, data[:at])
        way.waiting = data[at:]
        match fault.harm:
            case Harm.CUT:
                self._close(way.source)
            case Harm.RESET:
                for end in (way.source, way.sink):
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
                self._close(way.source)
            case Harm.HELD:
                self._stop(way.source)
                self._stop(way.sink)
            case Harm.DRIPPING:
                way.drips = True
                self._stop(way.source, until=time.monotonic() + _TICK)
            case Harm.SLOW:
                self._stop(way.source, until=time.monotonic() + fault.pause)

    def _pass_on(self, way: _Way, data: bytes) -> None:
        way.passed += len(data)
        try:
            way.sink.sendall(data)
        except OSError:
            self._close(way.source)

    def _stop(self, source: socket.socket, until: float | None = None) -> None:
        """Read no more from one end, until a moment or for ever."""
        if source in self._ways:
            with suppress(KeyError):
                self._selector.unregister(source)
            self._ways[source].resumes = until

    def _resume(self) -> None:
        """Let the bytes go on whose time has come."""
        now = time.monotonic()
        for source, way in [*self._ways.items()]:
            if way.resumes is None or way.resumes > now or source not in self._ways:
                continue
            if way.drips:
                self._drip(way)
                continue
            way.resumes, rest, way.waiting = None, way.waiting, b""
            self._selector.register(source, selectors.EVENT_READ)
            self._meet_fault(way, rest)

    def _drip(self, way: _Way) -> None:
        """Pass the next byte on, if there is one."""
        way.resumes = time.monotonic() + _TICK
        if not way.waiting and select.select([way.source], [], [], 0)[0]:
            try:
                way.waiting = way.source.recv(1)
            except OSError:
                way.waiting = b""
            if not way.waiting:
                self._close(way.source)
                return
        first, way.waiting = way.waiting[:1], way.waiting[1:]
        self._pass_on(way, first)

    def _close(self, end: socket.socket) -> None:
        """Close both ends of a connection."""
        way = self._ways.get(end)
        for each in () if way is None else (way.source, way.sink):
            self._ways.pop(each, None)
            with suppress(KeyError):
                self._selector.unregister(each)
            each.close()

    def close(self) -> None:
        self._ends = True
        self._thread.join()
        self.arm()
        self._selector.close()
        self._listener.close()

    def start(self) -> None:
        self._thread.start()


@contextmanager
def line_to(port: int) -> Iterator[Line]:
    """Yield a line to a port of this machine, which harms nothing until it is armed."""
    line = Line(port)
    line.start()
    try:
        yield line
    finally:
        line.close()
