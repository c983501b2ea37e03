"""A step of a command, and the case that it is made in: from both follow the permissions that it needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from attune_infra.dataclass import dataclass
from attune_infra.topology.facts.permissions import Right, Tag
from attune_infra.topology.model import (
    PARAMETER_GROUP,
    Binding,
    Control,
    Exchange,
    OperatorPolicy,
    Parameter,
    Policy,
    Topology,
    TopologyObject,
)
from attune_infra.topology.permissions.needs import Entry, Need, Over


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """The things that a command deals with: a document, the ids of workers, and undeclared objects to delete."""

    want: Topology
    worker_ids: tuple[int, ...] = ()
    undeclared: tuple[TopologyObject, ...] = ()
    queues: tuple[str, ...] = ()
    """The queues that are named, if their messages are read."""
    dead_letter_exchange: str | None = None
    """The exchange for rejected messages, if it is not that of the topology's queues."""
    tapped: tuple[Binding, ...] = ()
    """The bindings of a tap to its private queue."""

    @property
    def exchanges(self) -> Mapping[str, Exchange]:
        known = {item.name: item for item in self.undeclared if isinstance(item, Exchange)}
        return {**known, **self.want.exchanges}


class Words(NamedTuple):
    """The names on which a step needs each permission, in words; empty for none."""

    configure: str = ""
    write: str = ""
    read: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A part of several commands: the needed tag, and the rights in a case; for people, the rights in words."""

    over: Over = Over.HTTP
    tag: Tag | None = None
    rights: Callable[[Case], Iterable[Right]] = lambda _: ()
    more: Callable[[Case], Tag | None] = lambda _: None
    """The tag that a case needs in place of `tag`, if it needs more."""
    words: Words = Words()  # immutable
    is_rare: bool = False
    """True if the connection is opened only if there are such rights."""

    def needs(self, case: Case) -> Iterator[Need]:
        tag = self.more(case) or self.tag
        if tag is not None:
            yield Need(self.over, tag)
        rights = [Need(self.over, right) for right in self.rights(case)]
        if rights or not self.is_rare:
            yield Need(self.over, Entry())
        yield from rights


def to_look(case: Case) -> Tag | None:
    """Return the tag that reading users, permissions or parameters needs."""
    kinds = case.want.control_kinds - {"limit", "virtual_host"}
    if kinds - PARAMETER_GROUP:
        return Tag.ADMINISTRATOR
    return Tag.POLICYMAKER if kinds else None


def to_set(case: Case) -> Tag | None:
    """Return the tag that setting what only HTTP has needs."""
    kinds = case.want.control_kinds
    if kinds - PARAMETER_GROUP or case.want.operator_policies:
        return Tag.ADMINISTRATOR
    return Tag.POLICYMAKER if kinds or case.want.policies else None


def to_delete(case: Case) -> Tag | None:
    """Return the tag that deleting what only HTTP has needs."""
    if any(isinstance(item, Control | OperatorPolicy) for item in case.undeclared):
        return Tag.ADMINISTRATOR
    return Tag.POLICYMAKER if any(isinstance(item, Policy | Parameter) for item in case.undeclared) else None
