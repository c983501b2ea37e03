"""The rights to move messages between queues, and to migrate a queue."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attune_infra.topology.facts.between import Names, ledger_of, own_name
from attune_infra.topology.facts.permissions import (
    Right,
    rights_to_consume,
    rights_to_create,
    rights_to_delete,
    rights_to_publish,
)
from attune_infra.topology.model import Binding, Exchange, Queue, TopologyObject
from attune_infra.topology.permissions.steps import Case


def rights_to_take(source: str, exchanges: Mapping[str, Exchange]) -> Iterator[Right]:
    """Yield the rights to take messages out of a queue, and to keep a ledger."""
    ledger = Queue(name=ledger_of(source))
    yield from rights_to_consume(source)
    yield from rights_to_create(ledger, exchanges)
    yield from rights_to_publish("", ledger.name, exchanges)
    yield from rights_to_consume(ledger.name)


def rights_to_move(case: Case) -> Iterator[Right]:
    """Yield the rights to move messages from the first named queue to the second."""
    if not case.queues:
        return
    source, target = case.queues
    via = Exchange(name=own_name("move", target), type="fanout")
    known = {**case.exchanges, via.name: via}
    yield from rights_to_take(source, case.exchanges)
    yield from rights_to_create(via, known)
    yield from rights_to_create(Binding(source=via.name, destination=target), known)
    yield from rights_to_publish(via.name, "", known)


def rights_after_move(case: Case) -> Iterator[Right]:
    """Yield the rights to remove what a move has made for itself."""
    if case.queues:
        source, target = case.queues
        yield from rights_to_delete(Exchange(name=own_name("move", target)), case.exchanges)
        yield from rights_to_delete(Queue(name=ledger_of(source)), case.exchanges)


def rights_to_migrate(case: Case) -> Iterator[Right]:
    """Yield the rights to migrate queues to what the document wants, under their names."""
    for name in case.queues:
        names, known = Names(name), _with_own(Names(name), case)
        for item in _made(name, case):
            yield from rights_to_create(item, known)
        for source in (name, names.held):
            yield from rights_to_take(source, case.exchanges)
        for exchange in (names.aside, names.back):
            yield from rights_to_publish(exchange, "", known)


def rights_after_migration(case: Case) -> Iterator[Right]:
    """Yield the rights to delete the old queue, and to remove what a migration has made for itself."""
    for name in case.queues:
        known = _with_own(Names(name), case)
        ledgers = (Queue(name=ledger_of(each)) for each in (name, Names(name).held))
        for item in (*_made(name, case), *ledgers):
            is_own = isinstance(item, Binding) and item.source in known.keys() - case.exchanges.keys()
            if not is_own:  # RabbitMQ removes it with its exchange or queue
                yield from rights_to_delete(item, known)


def _with_own(names: Names, case: Case) -> dict[str, Exchange]:
    own = (Exchange(name=name, type="fanout") for name in (names.switch, names.aside, names.back))
    return {**case.exchanges, **{each.name: each for each in own}}


def _made(name: str, case: Case) -> Iterator[TopologyObject]:
    """Yield the objects that a migration makes: those in between, and the wanted queue with its bindings."""
    names = Names(name)
    yield case.want.queues[name]
    yield Queue(name=names.held)
    yield Exchange(name=names.aside, type="fanout")
    yield Exchange(name=names.switch, type="fanout", arguments={"alternate-exchange": names.aside})
    yield Exchange(name=names.back, type="fanout")
    for source, destination in ((names.aside, names.held), (names.switch, name), (names.back, name)):
        yield Binding(source=source, destination=destination)
    for binding in case.want.bindings:
        if (binding.destination_type, binding.destination) == ("queue", name):
            yield binding
            yield Binding(
                source=binding.source,
                destination=names.switch,
                destination_type="exchange",
                routing_key=binding.routing_key,
                arguments=binding.arguments,
            )
