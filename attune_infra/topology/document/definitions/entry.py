"""One object of a definitions JSON: its values, and a problem for each that is missing or of a wrong type."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import field
from typing import Any, Final, TypeVar

from attune_infra.dataclass import dataclass
from attune_infra.topology.document.judge import judge_with_values
from attune_infra.topology.model import MISSING_KEY, Arguments, TopologyObject, Version
from attune_infra.topology.words import describe

_HALF: Final = re.compile(r"[\ud800-\udfff]")

_Value = TypeVar("_Value", str, bool, int)


@dataclass(slots=True)
class Entry:
    """An object of a section. `report` receives each problem; `what` names the object in its sentence."""

    value: dict[str, Any]
    at: int
    report: Callable[..., None]
    what: str
    is_lost: bool = False
    """True if a value is missing that no default replaces."""

    unread: set[str] = field(default_factory=set)
    """Keys with a problem: they are missing, or their values are of a wrong type."""

    defective: set[str] = field(default_factory=set)
    """Parts of the object that every release refuses."""

    def problem(self, sentence: str, **taken: Version | None) -> None:
        """Report a problem; the name of the object goes before the sentence."""
        self.report(self.at, self.what + sentence, **taken)

    def string(self, key: str, default: str | None = None) -> str:
        return self.get(key, str, "a string", default)

    def boolean(
        self, key: str, default: bool, *, if_missing: str = "", required_before: Version | None = None
    ) -> bool:
        """Return a value; a missing one is a problem for the releases that require it."""
        if required_before is not None and key not in self.value:
            self.problem(f" has no {key}{if_missing}", taken_since=required_before)
        return self.get(key, bool, "true or false", default)

    def integer(self, key: str, default: int | None = None) -> int:
        return self.get(key, int, "an integer", default)

    def routing_key(self) -> str:
        """Return the routing key, in the form that `Binding` describes if it is no text."""
        found = self.string("routing_key", default="")
        if "routing_key" not in self.value:
            self.problem(" has no routing_key")
            return MISSING_KEY
        given = self.value["routing_key"]
        return found if isinstance(given, str) else json.dumps(given)

    def get(self, key: str, kind: type[_Value], words: str, default: _Value | None) -> _Value:
        found = self.value.get(key, default)
        if type(found) is kind:
            return found
        self.unread.add(key)
        if key in self.value:
            self.problem(f": {key} expects {words}, got {describe(found)}")
        else:
            self.problem(f" has no {key}")
        if default is None:
            self.is_lost = True
        return kind() if default is None else default

    def table(self, key: str) -> Arguments:
        """Return arguments; an empty list means none, as it does to RabbitMQ."""
        found = self.value.get(key, {})
        if not isinstance(found, dict):
            if found != []:
                self.problem(f": '{key}' expects an object, got {describe(found)}")
            return {}
        return found

    def name(self, kind: str, others: set[str]) -> str:
        """Return the name, add it to the others, and use it in sentences from now on."""
        name = self.string("name")
        if not isinstance(self.value.get("name"), str):
            return name
        self.what = f"{kind} '{name}'"
        if name in others:
            self.problem(" is declared twice")
        others.add(name)
        return name

    def judge(self, item: TopologyObject, *, from_headers: bool = False) -> None:
        """Report the defects of what this became; the null of JSON is one, void read from a text is none."""
        given = self.value.get("arguments")
        has_null = isinstance(given, dict) and None in given.values()
        for defect in judge_with_values(item, from_headers=from_headers, with_void=not has_null):
            self.defective.add(defect.part)
            if defect.part not in self.unread:
                self.problem(f": {defect.sentence}")

    def is_text(self) -> bool:
        """Return whether UTF-8 can encode every string."""
        try:
            json.dumps(self.value, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            return False
        return True


def replace_halves(value: dict[str, Any]) -> dict[str, Any]:
    """Return an object with U+FFFD for each half of a surrogate pair, as RabbitMQ 3.x reads it."""
    replaced: dict[str, Any] = json.loads(_HALF.sub("\ufffd", json.dumps(value, ensure_ascii=False)))
    return replaced
