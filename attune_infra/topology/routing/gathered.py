"""Bindings by a key, in little time and memory: one that is alone with its key is there itself, not in a list."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TypeAlias, TypeVar

from attune_infra.topology.model import Binding

_K = TypeVar("_K", bound=Hashable)

Gathered: TypeAlias = Mapping[_K, "Binding | list[Binding]"]


def gather(keys: Iterable[_K], bindings: Iterable[Binding]) -> dict[_K, Binding | list[Binding]]:
    """Return bindings by their keys."""
    index: dict[_K, Binding | list[Binding]] = {}
    for key, binding in zip(keys, bindings, strict=True):
        if (found := index.setdefault(key, binding)) is not binding:
            add_another(index, key, found, binding)
    return index


def add_another(
    index: dict[_K, Binding | list[Binding]], key: _K, found: Binding | list[Binding], binding: Binding
) -> None:
    """Add a binding to the one or those that were found at its key."""
    if isinstance(found, list):
        found.append(binding)
    else:
        index[key] = [found, binding]


def gathered_at(index: Gathered[_K], key: _K) -> Sequence[Binding]:
    """Return the bindings of a key."""
    found = index.get(key)
    if found is None:
        return ()
    return found if isinstance(found, list) else (found,)
