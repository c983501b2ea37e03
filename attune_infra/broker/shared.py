"""Answers that several virtual hosts of a broker share: each is asked once for all of them."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Final

from attune_infra.background import Once

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from attune_infra.broker.http.management import Overview
    from attune_infra.broker.lists import WholeLists
    from attune_infra.broker.wire import Json
    from attune_infra.settings import Settings

_FEWEST: Final = 5
"""Virtual hosts that are worth lists of the whole broker."""
_ITEMS_OF_EACH: Final = 300
"""Listing so many queues with their bindings, or exchanges, costs as much as the requests for one virtual host."""
_OWN_EXCHANGES: Final = 7
"""Exchanges that each virtual host has."""


class Shared:
    """The answers that the virtual hosts of one command share, each for its first reading.

    It serves no command that reads again later: the answers grow old.
    """

    def __init__(self, virtual_hosts: Collection[str]) -> None:
        self._waiting, self._lock = {*virtual_hosts}, Lock()
        self._count = len(self._waiting)
        self.settings: Once[Settings] = Once()
        self.overview: Once[Overview] = Once()
        self.virtual_hosts: Once[Sequence[Json]] = Once()
        self._lists: Once[WholeLists] = Once()

    def begin(self, virtual_host: str) -> bool:
        """Return True for the first connections to one of these virtual hosts, which may use the answers."""
        with self._lock:
            is_first = virtual_host in self._waiting
            self._waiting.discard(virtual_host)
            return is_first

    def lists(self, queues: int, virtual_hosts: int) -> WholeLists | None:
        """Return lists of a broker with so many queues and virtual hosts; None if those of each cost less."""
        items = queues + _OWN_EXCHANGES * virtual_hosts
        if self._count < _FEWEST or items > self._count * _ITEMS_OF_EACH:
            return None
        from attune_infra.broker.lists import WholeLists

        return self._lists(WholeLists)
