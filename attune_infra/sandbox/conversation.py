"""Talk between a client and its supervisor: one JSON object a line, over a socket that ends with either."""

from __future__ import annotations

import json
import socket
from typing import Any, Final

Words = dict[str, Any]

_CHUNK: Final = 65_536


class Conversation:
    """One end of the socket."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._heard = b""
        self.over = False
        """The other end is gone."""

    def fileno(self) -> int:
        return self._connection.fileno()

    def send(self, **words: Any) -> None:
        try:
            self._connection.sendall(json.dumps(words).encode() + b"\n")
        except OSError:
            self.over = True

    def next(self) -> Words | None:
        """Return what was heard and not yet returned; None if there is no whole line yet."""
        line, newline, rest = self._heard.partition(b"\n")
        if not newline:
            return None
        self._heard = rest
        words = json.loads(line)
        return words if isinstance(words, dict) else {}

    def listen(self, *, within: float) -> None:
        """Wait for more to be heard; `TimeoutError` if nothing is."""
        self._connection.settimeout(within)
        try:
            chunk = self._connection.recv(_CHUNK)
        except ConnectionError:
            chunk = b""
        finally:
            self._connection.settimeout(None)
        self._heard += chunk
        self.over = self.over or not chunk

    def wait(self, *, within: float) -> Words | None:
        """Return the next words, waiting for them; None if the other end is gone, `TimeoutError` if silent."""
        while (words := self.next()) is None and not self.over:
            self.listen(within=within)
        return words

    def end(self) -> None:
        """Tell the other end that this one is gone, even if a forked copy of this process lives on."""
        try:
            self._connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        finally:
            self._connection.close()
