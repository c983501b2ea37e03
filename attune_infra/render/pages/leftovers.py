"""Leftovers of workers, with the messages and consumers that would be lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

from attune_infra.fleet.leftovers import Leftover, Leftovers
from attune_infra.render.data import Data, sort_data
from attune_infra.render.text import Line
from attune_infra.topology.model import Queue, label
from attune_infra.topology.words import counted


def lines(leftovers: Leftovers) -> Iterator[Line]:
    for item in leftovers.items:
        yield Line(f"- {label(item.object)}: {item.why}{_loss(item)}", "red" if item.used else "")
    yield Line(f"{len(leftovers.items)} to remove" if leftovers.items else "nothing to remove")
    yield Line(f"plan {leftovers.digest}")


def data(leftovers: Leftovers) -> Data:
    found = ({"object": label(each.object), "why": each.why, **asdict(each.loss)} for each in leftovers.items)
    return {"digest": leftovers.digest, "leftovers": sort_data(found)}


def summary(leftovers: Leftovers) -> str:
    """Return the phrase for all of them: `2 queues (4 messages, 1 consumer) and 1 binding`."""
    queues = [item for item in leftovers.items if isinstance(item.object, Queue)]
    bindings = len(leftovers.items) - len(queues)
    messages = sum(item.loss.messages or 0 for item in queues)
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
