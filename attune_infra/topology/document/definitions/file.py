"""The members of a definitions JSON: its sections and their objects, its virtual hosts, and what is left out.

`definitions_objects.py` turns the objects into those of a topology.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import field
from json import JSONDecodeError
from typing import Any, Final

from attune_infra.dataclass import dataclass
from attune_infra.topology.document.definitions.choice import ELSEWHERE
from attune_infra.topology.document.definitions.entry import Entry, replace_halves
from attune_infra.topology.document.definitions.json_text import Item, Member, read_with_slips
from attune_infra.topology.document.places import Place
from attune_infra.topology.document.problems import InvalidDocument, Problem
from attune_infra.topology.facts.releases import (
    FIRST_EXPORTING_BINDINGS_WITHOUT_ENDS,
    FIRST_TAKING_BYTE_ORDER_MARKS,
    FIRST_WITH_STRICT_JSON,
)
from attune_infra.topology.model import Version, freeze
from attune_infra.topology.words import describe, mismatch

BYTE_ORDER_MARK: Final = "\ufeff"

_KEYS: Final = {
    "exchanges": {"vhost", "name", "type", "durable", "auto_delete", "internal", "arguments"},
    "queues": {"vhost", "name", "type", "durable", "auto_delete", "exclusive", "arguments"},
    "bindings": {"vhost", "source", "destination", "destination_type", "routing_key", "arguments"},
    "policies": {"vhost", "name", "pattern", "apply-to", "definition", "priority"},
}
"""The sections of a topology, and the keys of their objects that RabbitMQ reads."""

_ABOUT_THE_FILE: Final = {
    "rabbit_version", "rabbitmq_version", "product_name", "product_version", "rabbitmq_definition_format",
    "original_vhost_name", "original_cluster_name", "explanation", "description", "metadata",
    "default_queue_type",
}  # fmt: skip
_BY_ADMINISTRATORS: Final = "an administrator sets them; `import --all` reads them"
_OF_BROKER: Final = "they belong to the whole broker; `import --all` reads them"
_NOT_IN_A_TOPOLOGY: Final = {
    "users": ("users", _OF_BROKER),
    "permissions": ("permissions", _BY_ADMINISTRATORS),
    "topic_permissions": ("topic permissions", _BY_ADMINISTRATORS),
    "vhosts": ("virtual hosts", "`import --all` reads their settings"),
    "global_parameters": ("global parameters", _OF_BROKER),
}
_WITH_PASSWORDS: Final = "their URIs may hold passwords; `import --all` reads them"
_PARAMETERS: Final = {
    "operator_policy": ("operator policies", _BY_ADMINISTRATORS),
    "shovel": ("shovels", _WITH_PASSWORDS),
    "federation-upstream-set": ("federation upstream sets", "`import --all` reads them"),
    "federation-upstream": ("federation upstreams", _WITH_PASSWORDS),
}
_KNOWN: Final = {*_KEYS, *_NOT_IN_A_TOPOLOGY, "parameters", "limits", "rabbit_version", "rabbitmq_version"}


@contextmanager
def readable(source: str) -> Iterator[None]:
    """Raise `InvalidDocument` for a text that is no JSON, even to RabbitMQ 3.10, or is nested too deeply."""
    try:
        yield
    except JSONDecodeError as error:
        problem = Problem(error.lineno, error.colno, f"invalid JSON: {error.msg}")
        raise InvalidDocument(source, [problem]) from error
    except RecursionError as error:
        raise InvalidDocument(source, [Problem(1, 1, "nested too deeply")]) from error


@dataclass(slots=True)
class DefinitionsFile:
    """A definitions JSON. `problems` and `left_out` (kind, name, reason) fill up as it is read."""

    text: str
    members: list[Member]
    problems: list[Problem] = field(default_factory=list)
    left_out: list[tuple[str, str, str]] = field(default_factory=list)
    _lines: list[int] = field(default_factory=list)
    """The offset of each line, once a place was asked for."""

    _named: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def read(cls, text: str) -> DefinitionsFile:
        """Read a file; raise `JSONDecodeError` if it is no JSON, even to RabbitMQ 3.10."""
        plain = text.removeprefix(BYTE_ORDER_MARK)
        members, slips = read_with_slips(plain)
        file = cls(plain, members)
        if plain != text:
            sentence = "the file begins with a byte order mark; RabbitMQ 4.0 refuses the file"
            file.problem(
                0, sentence, taken_since=FIRST_TAKING_BYTE_ORDER_MARKS, taken_before=FIRST_WITH_STRICT_JSON
            )
        for slip in slips:
            sentence = f"{slip.what} is no JSON; RabbitMQ 3.10 reads over it, 4.x refuses the file"
            file.problem(slip.at, sentence, taken_before=FIRST_WITH_STRICT_JSON)
        return file

    def holding(self) -> set[str]:
        """Return the virtual hosts of all exchanges, queues, bindings and policies that name one."""
        names = (each.get("vhost") for section in _KEYS for each in self.objects(section))
        return {name for name in names if isinstance(name, str)}

    def listed(self) -> set[str]:
        """Return the virtual hosts that the file lists or was exported from."""
        names = (*(each.get("name") for each in self.objects("vhosts")), self.value("original_vhost_name"))
        return {name for name in names if isinstance(name, str)}

    def check_members(self) -> None:
        """Report sections that are no lists and members that repeat; leave out those of no topology."""
        seen: set[str] = set()
        for member in self.members:
            if member.name in seen:
                self.problem(member.at, f"duplicate key '{member.name}'")
            elif member.name in _KEYS and member.items is None:
                self.problem(member.at, f"'{member.name}' expects a list, got {describe(member.value)}")
            elif member.name not in _KEYS.keys() | _ABOUT_THE_FILE:
                self.left_out += self._omissions(member)
            seen.add(member.name)
        if not seen & _KNOWN:
            self.problem(0, "the file holds no definitions")

    def entries(self, section: str, vhost: str, what: str) -> Iterator[Entry]:
        """Yield the objects of a section in a virtual host; those that name none are in the only one."""
        several = len(self.holding()) > 1
        for item in self.items(section):
            if not isinstance(item.value, dict):
                self.problem(item.at, f"{what}: {mismatch('an object', item.value)}")
                continue
            entry = Entry(item.value, item.at, self.problem, what)
            for key in item.duplicates:
                entry.problem(f" has the key '{key}' twice; RabbitMQ 3.10 reads the last value, 4.x the first")
            if not entry.is_text():
                entry.problem(
                    " holds half of a surrogate pair, which is no character; RabbitMQ 4.x refuses that",
                    taken_before=FIRST_WITH_STRICT_JSON,
                )
                entry.value = replace_halves(entry.value)
            if several and "vhost" not in entry.value:
                entry.problem(" has no vhost, but this file holds several virtual hosts")
            elif (host := entry.string("vhost", default=vhost)) != vhost:
                self.left_out.append(("other virtual hosts", host, ELSEWHERE))
            else:
                unread = sorted(entry.value.keys() - _KEYS[section])
                self.left_out += [(f"keys of {section}", key, "RabbitMQ does not read them") for key in unread]
                if self._repeats(section, entry):
                    continue
                yield entry

    def _repeats(self, section: str, entry: Entry) -> bool:
        """Return whether an object is equal to an earlier one of its name, which changes nothing."""
        key = (section, str(entry.value.get("name")))
        if section == "bindings" or key not in self._named:
            self._named[key] = entry.value
            return False
        return freeze(self._named[key]) == freeze(entry.value)

    def default_queue_type(self, vhost: str) -> str:
        """Return the type of queues that name none; classic if the file does not tell, or says `undefined`."""
        own = {key: self.value(key) for key in ("default_queue_type", "metadata")}
        listed = (each for each in self.objects("vhosts") if each.get("name") == vhost)
        for about in (own, *listed):
            metadata = about.get("metadata")
            inner = metadata.get("default_queue_type") if isinstance(metadata, dict) else None
            for found in (about.get("default_queue_type"), inner):
                if found in ("classic", "quorum", "stream"):
                    return str(found)
        return "classic"

    def has_loose_ends(self) -> bool:
        """Return whether bindings may end at private queues and internal exchanges, which the file lacks."""
        version = re.match(r"(\d+)\.(\d+)", str(self.value("rabbitmq_version")))
        return version is not None and (int(version[1]), int(version[2])) >= FIRST_EXPORTING_BINDINGS_WITHOUT_ENDS

    def items(self, name: str) -> Iterator[Item]:
        """Yield the items of the first member of a name, as RabbitMQ 4.x reads them."""
        for member in self.members:
            if member.name == name:
                yield from member.items or ()
                return

    def objects(self, name: str) -> Iterator[dict[str, Any]]:
        """Yield those items of a member that are objects."""
        return (item.value for item in self.items(name) if isinstance(item.value, dict))

    def value(self, name: str) -> Any:
        return next((member.value for member in self.members if member.name == name), None)

    def problem(
        self, at: int, what: str, *, taken_since: Version | None = None, taken_before: Version | None = None
    ) -> None:
        """Report a problem, with the releases that load it: see `Problem`."""
        self.problems.append(Problem(*self.place(at)[:2], what, taken_since, taken_before))

    def place(self, at: int) -> Place:
        """Return the line and column of an offset."""
        if not self._lines:
            self._lines = [0, *(found.end() for found in re.finditer("\n", self.text))]
        line = bisect_right(self._lines, at)
        return Place(line, at - self._lines[line - 1] + 1)

    def _omissions(self, member: Member) -> Iterator[tuple[str, str, str]]:
        if member.name == "limits":
            yield from _limits(member.value)
        elif member.name == "parameters":
            for each in self.objects("parameters"):
                yield from _parameter(each)
        elif member.name in _NOT_IN_A_TOPOLOGY:
            kind, why = _NOT_IN_A_TOPOLOGY[member.name]
            for each in self.objects(member.name):
                yield kind, str(each.get("name", each.get("user"))), why
        else:
            yield "unknown keys", member.name, "definitions have no such section"


def _limits(value: object) -> Iterator[tuple[str, str, str]]:
    if isinstance(value, dict):
        for name in value:
            yield "limits", name, _BY_ADMINISTRATORS


def _parameter(value: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    component = str(value.get("component"))
    if component == "vhost-limits":
        yield from _limits(value.get("value"))
    else:
        kind, why = _PARAMETERS.get(
            component, (f"parameters of {component}", "add them to `parameters` of the document")
        )
        yield kind, str(value.get("name")), why
