"""Leftovers of workers, with the messages and consumers that would be lost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from attune_infra.fleet.leftovers import Leftover, Leftovers
from attune_infra.render.data import sort_data
from attune_infra.render.objects import identify, loss_in_numbers
from attune_infra.render.text import Line
from attune_infra.topology.model import Queue, label
from attune_infra.topology.words import counted

if TYPE_CHECKING:
    from attune_infra.contract.workers import LeftoverData, LeftoversData


def lines(leftovers: Leftovers) -> Iterator[Line]:
    for item in leftovers.items:
        yield Line(f"- {label(item.object)}: {item.why}{_loss(item)}", "red" if item.used else "")
    yield Line(f"{len(leftovers.items)} to remove" if leftovers.items else "nothing to remove")
    yield Line(f"plan {leftovers.digest}")


def data(leftovers: Leftovers) -> LeftoversData:
    found: list[LeftoverData] = [
        {**identify(each.object), "why": each.why, **loss_in_numbers(each.loss)} for each in leftovers.items
    ]
    return {"digest": leftovers.digest, "leftovers": sort_data(found)}


def summary(leftovers: Leftovers) -> str:
    """Return the phrase for all of them: `2 queues (4 messages, 1 consumer) and 1 binding`."""
    queues = [item for item in leftovers.items if isinstance(item.object, Queue)]
    bindings = len(leftovers.items) - len(queues)
    known = [item.loss.messages for item in queues if item.loss.messages is not None]
    messages = sum(known) if len(known) == len(queues) else None
    consumers = sum(item.loss.consumers or 0 for item in queues)
    words = []
    if queues:
        loss = f"({counted(messages, 'message')}, {counted(consumers, 'consumer')})"
        words.append(f"{counted(len(queues), 'queue')} {loss}")
    if bindings:
        words.append(counted(bindings, "binding"))
    return " and ".join(words)


def _loss(item: Leftover) -> str:
    if not item.used:
        return ""
    return f"; {counted(item.loss.messages, 'message')}, {counted(item.loss.consumers, 'consumer')}"
