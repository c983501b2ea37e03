"""The lists of one virtual host: asked for it alone, or cut from those of the whole broker for many of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeAlias

from attune_infra.background import Once
from attune_infra.broker import answers, wire
from attune_infra.broker.shapes import fault_in
from attune_infra.errors import BrokerError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from attune_infra.broker.http.management import Management
    from attune_infra.broker.shapes import Shape
    from attune_infra.broker.wire import Json
    from attune_infra.topology.model import Binding

_ByHost: TypeAlias = Mapping[str, list[Any]]
_VISIBLE = "visible"


class WholeLists:
    """Lists of the whole broker, each asked once and cut by virtual host.

    RabbitMQ leaves out what the user may not see, and does not say so. But each virtual host has exchanges: where
    those are listed, the other lists have all of it too (asked of 3.10, 4.0 and 4.3, as users with each tag).
    """

    def __init__(self) -> None:
        self._lock, self._asked = Lock(), defaultdict[tuple[str, ...], Once[_ByHost | None]](Once)

    def cut(self, http: Management, kind: str, vhost: str, ask: Callable[[], _ByHost | None]) -> list[Any] | None:
        """Return the items of a virtual host; None if they have to be asked for alone."""
        if not self._shows(http, vhost):
            return None
        found = self.ask_once(kind, ask=ask)
        return None if found is None else found.get(vhost, [])

    def still_show(self, http: Management, vhost: str, kinds: Iterable[str]) -> bool:
        """Return True if a virtual host was visible before lists of these kinds were asked, and after them."""
        return self._shows(http, vhost) and self._shows(http, vhost, *sorted(kinds))

    def _shows(self, http: Management, vhost: str, *after: str) -> bool:
        def ask() -> _ByHost:
            return _by_host(http.get("exchanges", shape=answers.OF_VIRTUAL_HOSTS, columns="vhost"))

        return vhost in (self.ask_once(_VISIBLE, *after, ask=ask) or ())

    def ask_once(self, *what: str, ask: Callable[[], _ByHost | None]) -> _ByHost | None:
        """Return the answer to a question; None if it is refused, as is that about one virtual host then."""

        def try_to() -> _ByHost | None:
            try:
                return ask()
            except BrokerError:
                return None

        with self._lock:
            once = self._asked[what]
        return once(try_to)


class Lists:
    """The lists of one virtual host, each asked for it alone, or cut from one of the whole broker."""

    def __init__(self, http: Management, vhost: str, whole: WholeLists | None = None) -> None:
        self.virtual_host = vhost
        self._http, self._whole = http, whole
        self._kinds_cut: set[str] = set()

    @property
    def are_whole(self) -> bool:
        """True if they come from lists of the whole broker."""
        return self._whole is not None

    def get(self, kind: str, *path: str, shape: Shape, **query: str) -> Sequence[Json]:
        """Return the items of a kind; `path` leads to those of the virtual host, if KIND/VIRTUAL-HOST does not.

        Raise `BrokerError` as requests do.
        """
        found = self._cut(kind, partial(self._ask_for_all, kind, shape, query))
        if found is None:
            found = self._http.get(*(path or (kind, self.virtual_host)), shape=shape, **query)
        return found

    def bindings(self) -> list[Binding]:
        """Return all bindings but those of the default exchange."""
        found = self._cut("bindings", self._ask_for_all_bindings)
        if found is None:
            shape, read = answers.BINDINGS, wire.bindings_from
            found = self._http.get_list("bindings", self.virtual_host, shape=shape, read=read, **wire.BINDINGS)
        return found

    def users(self) -> Sequence[Json]:
        """Return the users of the broker; raise `AccessRefused` if this user is no administrator."""
        ask = partial(self._http.get, "users", shape=answers.USERS)
        found = None if self._whole is None else self._whole.ask_once("users", ask=lambda: {"": ask()})
        return ask() if found is None else found[""]

    def are_complete(self) -> bool:
        """Return False if the virtual host was out of sight while a list of the whole broker was asked."""
        return self._whole is None or self._whole.still_show(self._http, self.virtual_host, self._kinds_cut)

    def _cut(self, kind: str, ask: Callable[[], _ByHost | None]) -> list[Any] | None:
        if self._whole is None:
            return None
        self._kinds_cut.add(kind)
        return self._whole.cut(self._http, kind, self.virtual_host, ask)

    def _ask_for_all(self, kind: str, shape: Shape, query: Mapping[str, str]) -> _ByHost | None:
        items = self._http.get(kind, shape=shape, **_with_host(query))
        return None if fault_in(items, answers.OF_VIRTUAL_HOSTS) else _by_host(items)

    def _ask_for_all_bindings(self) -> _ByHost:
        def read(items: Sequence[Json]) -> list[tuple[str, list[Binding]]]:
            return [(vhost, wire.bindings_from(group)) for vhost, group in _by_host(items).items()]

        found = defaultdict[str, list[Any]](list)
        query, shape = _with_host(wire.BINDINGS), answers.BINDINGS_OF_VIRTUAL_HOSTS
        for vhost, share in self._http.get_list("bindings", shape=shape, read=read, **query):
            found[vhost] += share
        return found


def _with_host(query: Mapping[str, str]) -> dict[str, str]:
    """Return a query that asks for the virtual host of each item too; without columns, all are told."""
    return {**query, "columns": f"vhost,{query['columns']}"} if "columns" in query else dict(query)


def _by_host(items: Iterable[Json]) -> _ByHost:
    found = defaultdict[str, list[Any]](list)
    for item in items:
        found[item["vhost"]].append(item)
    return found
