"""Refusals of a broker that are certain before the first change: of exchange types, and of what plugins check."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attune_infra.errors import RequestRefused
from attune_infra.topology.diff import Change, Create, Recreate
from attune_infra.topology.facts.exchanges import find_exchange
from attune_infra.topology.facts.plugin_exchanges import binding_problem, plugin_hint
from attune_infra.topology.model import Binding, Exchange, Topology, label
from attune_infra.topology.words import counted


def lacks_type(exchange: Exchange, broker: Topology) -> bool:
    """Return whether a broker has no such type of exchange; False if its types are unknown."""
    return broker.exchange_types is not None and exchange.type not in broker.exchange_types


def check_possible(changes: Iterable[Change], have: Topology, want: Topology) -> None:
    """Raise `RequestRefused`, naming every one, if the broker is certain to refuse any of these changes."""
    refusals = list(_refusals(changes, have, want))
    if refusals:
        sentences = "\n".join(sentence for sentence, _ in refusals)
        hints = "\n".join(dict.fromkeys(hint for _, hint in refusals))
        raise RequestRefused(
            f"RabbitMQ would refuse {counted(len(refusals), 'object')}, so nothing is changed:\n{sentences}",
            hint=hints,
        )


def _refusals(changes: Iterable[Change], have: Topology, want: Topology) -> Iterator[tuple[str, str]]:
    """Yield a sentence and a remedy for each change that the broker would refuse."""
    for change in changes:
        if not isinstance(change, Create | Recreate):
            continue
        item = change.want
        if isinstance(item, Exchange) and lacks_type(item, have):
            yield f"{label(item)}: the broker has no exchange type {item.type}", plugin_hint(item.type)
        elif isinstance(item, Binding):
            source = find_exchange(item.source, want.exchanges) or have.exchanges.get(item.source)
            if source is not None and (problem := binding_problem(item, source)) is not None:
                yield f"{label(item)}: {problem[0]}", problem[1]
