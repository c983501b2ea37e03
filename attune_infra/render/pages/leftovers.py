"""What is left over of workers, and what would go with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

from attune_infra.fleet.leftovers import Leftover, Leftovers
from attune_infra.render.data import Data, in_order
from attune_infra.render.text import Line
from attune_infra.topology.model import label
from attune_infra.topology.words import counted


def lines(leftovers: Leftovers) -> Iterator[Line]:
    for item in leftovers.items:
        yield Line(f"- {label(item.object)}: {item.why}{_loss(item)}", "red" if item.used else "")
    yield Line(f"{len(leftovers.items)} to remove" if leftovers.items else "nothing to remove")


def data(leftovers: Leftovers) -> Data:
    found = ({"object": label(each.object), "why": each.why, **asdict(each.loss)} for each in leftovers.items)
    return {"leftovers": in_order(found)}


def _loss(item: Leftover) -> str:
    if not item.used:
        return ""
    return f"; {counted(item.loss.messages, 'message')}, {counted(item.loss.consumers, 'consumer')}"
