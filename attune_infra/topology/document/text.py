"""Texts that hold a topology, and the things left out of them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from attune_infra.dataclass import dataclass
from attune_infra.errors import ExitCode
from attune_infra.topology.model import Queue, Topology, type_without_argument


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Things of one kind, left out for one reason; `kind` is a plural."""

    kind: str
    names: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class Document:
    """A text to keep."""

    text: str
    left_out: tuple[LeftOut, ...] = ()
    is_whole: bool = True
    """False if something could not be looked at, so that the text may lack it."""
    value: Any = None
    """The text as plain values, if it is neither JSON nor a YAML document."""

    def leaving_out(self, more: Iterable[LeftOut]) -> Document:
        """Return the same text, with more things that were left out of it."""
        return replace(self, left_out=(*more, *self.left_out))

    @property
    def exit_code(self) -> ExitCode:
        return ExitCode.DONE if self.is_whole else ExitCode.FAILED

    @property
    def content(self) -> Any:
        """The text as plain values: mappings, lists, strings, numbers, booleans and None."""
        if self.value is not None:
            return self.value
        if self.text.startswith("{"):
            return json.loads(self.text)
        import yaml  # slow to load, and the text alone is enough for most commands

        return yaml.load(self.text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 # both are safe


def group_left_out(found: Iterable[tuple[str, str, str]]) -> tuple[LeftOut, ...]:
    """Group (kind, name, reason) by kind and reason, each name once."""
    names: dict[tuple[str, str], dict[str, None]] = {}
    for kind, name, why in found:
        names.setdefault((kind, why), {})[name] = None
    return tuple(LeftOut(kind, tuple(named), why) for (kind, why), named in names.items())


def make_portable(topology: Topology) -> Topology:
    """Return the same topology for any virtual host, whatever its default queue type.

    A queue keeps the type it names. One without a type gets its virtual host's default, unless that is classic.
    A queue that no default can change, such as a transient one, needs no `classic`.
    """
    queues = {name: _with_type(queue, topology.default_queue_type) for name, queue in topology.queues.items()}
    return replace(topology, queues=queues, default_queue_type="classic")


def _with_type(queue: Queue, default_type: str) -> Queue:
    named = queue.type or type_without_argument(queue, default_type)
    follows_default = type_without_argument(queue, "quorum") == "quorum"
    is_implied = named == "classic" and (queue.type is None or not follows_default)
    return replace(queue, type=None if is_implied else named)
