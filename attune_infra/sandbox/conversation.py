"""Messages between a client and its supervisor: a JSON object a line, over a socket that ends with either."""

from __future__ import annotations

import json
import socket
from typing import Any, Final

Message = dict[str, Any]

_CHUNK: Final = 65_536


class Conversation:
    """One end of the socket."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._received = b""
        self.over = False
        """True after the other end closed the socket."""

    def fileno(self) -> int:
        return self._connection.fileno()

    def send(self, **message: Any) -> None:
        try:
            self._connection.sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            self.over = True

    def next(self) -> Message | None:
        """Return the next received message; None if there is no complete one yet."""
        line, newline, rest = self._received.partition(b"\n")
        if not newline:
            return None
        self._received = rest
        message = json.loads(line)
        return message if isinstance(message, dict) else {}

    def listen(self, *, within: float) -> None:
        """Wait for data; raise `TimeoutError` if none comes."""
        self._connection.settimeout(within)
        try:
            chunk = self._connection.recv(_CHUNK)
        except ConnectionError:
            chunk = b""
        finally:
            self._connection.settimeout(None)
        self._received += chunk
        if not chunk:
            self.over = True

    def wait(self, *, within: float) -> Message | None:
        """Wait for the next message; return None if the other end is gone, raise `TimeoutError` if none comes."""
        while (message := self.next()) is None and not self.over:
            self.listen(within=within)
        return message

    def end(self) -> None:
        """Close the socket for both ends, even if a forked copy of this process still has it open."""
        try:
            self._connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        finally:
            self._connection.close()
