"""Objects that RabbitMQ deletes along with another one.

An exchange or a queue takes its bindings along. The last binding of a source that is an auto-delete exchange takes
this exchange along, and so on. Queues stay: an auto-delete queue goes with its last consumer. Tried on RabbitMQ
3.10, 4.0 and 4.3.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final, TypeAlias

from attune_infra.topology.model import (
    Binding,
    End,
    Exchange,
    Queue,
    TopologyObject,
    binding_order,
    kind_of,
    odd_key,
)

Companion: TypeAlias = Exchange | Binding
"""An object that RabbitMQ deletes along with another one."""

NULL_KEY: Final = "null"
"""The routing key that RabbitMQ lists for a binding whose key is null."""


def reason_to_keep(item: TopologyObject) -> str | None:
    """Return the reason why no request can delete an object alone, None if one can.

    No path of HTTP leads to a binding without a routing key, and AMQP cannot name one.
    """
    if not isinstance(item, Binding) or item.key_is_text or item.routing_key == NULL_KEY:
        return None
    return f"RabbitMQ holds it {odd_key(item)}: it goes only with its queue or exchange"


class Deletions:
    """The exchanges and bindings of a virtual host, from which objects are deleted one after another."""

    def __init__(self, exchanges: Mapping[str, Exchange], bindings: Iterable[Binding]) -> None:
        self._exchanges = dict(exchanges)
        self._outgoing: defaultdict[str, set[Binding]] = defaultdict(set)
        self._incoming: defaultdict[End, set[Binding]] = defaultdict(set)
        for binding in bindings:
            self._outgoing[binding.source].add(binding)
            self._incoming[binding.destination_type, binding.destination].add(binding)

    def delete(self, item: TopologyObject) -> tuple[Companion, ...]:
        """Delete an object, and return what RabbitMQ deletes along with it."""
        gone: list[Companion] = []
        match item:
            case Binding():
                self._unbind([item], [])
                self._delete_unused([item.source], gone)
            case Exchange() | Queue():
                self._delete_end(item, gone)
            case _:
                pass
        return tuple(sorted(gone, key=_order))

    def has(self, binding: Binding) -> bool:
        """Return whether a binding is not deleted."""
        return binding in self._outgoing.get(binding.source, ())

    def bindings_from(self, exchange: str) -> tuple[Binding, ...]:
        """Return the bindings that an exchange is the source of."""
        return tuple(sorted(self._outgoing.get(exchange, ()), key=binding_order))

    def _delete_end(self, item: Exchange | Queue, gone: list[Companion]) -> None:
        end = (kind_of(item), item.name)
        incoming = [*self._incoming.get(end, ())]
        if isinstance(item, Exchange):
            self._exchanges.pop(item.name, None)
            self._unbind([*self._outgoing.get(item.name, ())], gone)
        self._unbind([binding for binding in incoming if binding in self._incoming[end]], gone)
        self._delete_unused({binding.source for binding in incoming}, gone)

    def _unbind(self, bindings: Iterable[Binding], gone: list[Companion]) -> None:
        for binding in bindings:
            self._outgoing[binding.source].discard(binding)
            self._incoming[binding.destination_type, binding.destination].discard(binding)
            gone.append(binding)

    def _delete_unused(self, names: Iterable[str], gone: list[Companion]) -> None:
        """Delete those auto-delete exchanges of these, which have just lost a binding, that have no other one."""
        for name in sorted(names):
            exchange = self._exchanges.get(name)
            if exchange is not None and exchange.auto_delete and not self._outgoing[name]:
                gone.append(exchange)
                self._delete_end(exchange, gone)


def _order(item: Companion) -> tuple[str, ...]:
    return ("binding", *binding_order(item)) if isinstance(item, Binding) else ("an exchange", item.name)
