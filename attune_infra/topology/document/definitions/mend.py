"""An object of definitions with defects -> the part of it that can still be read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from attune_infra.topology.document.judge import judge_with_values
from attune_infra.topology.model import Binding, Policy, Queue, Structure


def mend(item: Structure, defective: Iterable[str]) -> Structure | None:
    """Return an object without its defective parts, None if it means nothing without them.

    A binding without one of its arguments would route other messages, so it is never mended.
    """
    parts = set(defective)
    if not parts:
        return item
    mended = _without(item, parts)
    return None if mended is None or any(judge_with_values(mended)) else mended


def _without(item: Structure, parts: set[str]) -> Structure | None:
    if isinstance(item, Policy):
        definition = {name: value for name, value in item.definition.items() if name not in parts}
        return replace(item, definition=definition) if parts <= item.definition.keys() else None
    if isinstance(item, Queue) and "type" in parts:
        item, parts = replace(item, type=None), parts - {"type"}
    if isinstance(item, Binding) or not parts <= item.arguments.keys() | {"arguments"}:
        return None
    kept = {name: value for name, value in item.arguments.items() if name not in parts}
    return replace(item, arguments={} if "arguments" in parts else kept)
