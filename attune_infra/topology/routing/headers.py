"""Headers exchanges: the bindings that match the headers of a message."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Final

from attune_infra.topology.facts.releases import FIRST_WITH_STRICT_NUMBERS, Version
from attune_infra.topology.model import Argument, Arguments, Binding, Message, freeze

_PRESENT: Final = ("void", None)
"""A stand-in for any value of a header."""


def demands_any(arguments: Arguments) -> bool:
    """Return whether one criterion of a headers binding is enough; without `x-match`, all must be met."""
    return arguments.get("x-match") in ("any", "any-with-x")


def criteria_of(arguments: Arguments) -> Arguments:
    """Return the criteria of a headers binding; names that begin with `x-` count only if `x-match` says so."""
    with_x = arguments.get("x-match") in ("all-with-x", "any-with-x")
    return {
        name: value
        for name, value in arguments.items()
        if name != "x-match" and (with_x or not name.startswith("x-"))
    }


def comparable(value: Argument, version: Version) -> object:
    """Return a stand-in for a header's value: two values have the same one if RabbitMQ takes them for equal.

    Types count: "1" is not 1. But releases before 4.0 take the integer 1 for the float 1.0. In a binding, None
    matches any value. RabbitMQ takes integers inside arrays and tables for equal only if they were sent with the
    same width. The width is unknown here, and assumed to be the same.
    """
    if value is None:
        return _PRESENT
    if version < FIRST_WITH_STRICT_NUMBERS and isinstance(value, int | float) and not isinstance(value, bool):
        return ("number", value)
    return freeze(value)


class HeadersIndex:
    """Bindings of a headers exchange, found by their criteria.

    A binding with `x-match: all` is listed under the rarest of its criteria, one with `any` under each of them.
    """

    def __init__(self, bindings: Sequence[Binding], version: Version) -> None:
        self.version = version
        self.without_criteria: list[Binding] = []
        self.by_criterion: dict[object, list[Binding]] = defaultdict(list)
        criteria = [self._criteria(binding) for binding in bindings]
        count = Counter(criterion for found in criteria for criterion in found)
        for binding, found in zip(bindings, criteria, strict=True):
            if demands_any(binding.arguments):
                places = found
            elif found:
                places = {min(found, key=lambda criterion: count[criterion])}
            else:
                places = set()
                self.without_criteria.append(binding)
            for place in places:
                self.by_criterion[place].append(binding)

    def matching(self, message: Message) -> Iterable[Binding]:
        headers = {name: value for name, value in message.headers.items() if name != "BCC"}
        given = {(name, comparable(value, self.version)) for name, value in headers.items()}
        given |= {(name, _PRESENT) for name in headers}
        candidates = {binding: None for place in given for binding in self.by_criterion.get(place, ())}
        return [
            *self.without_criteria,
            *(
                binding
                for binding in candidates
                if demands_any(binding.arguments) or self._criteria(binding) <= given
            ),
        ]

    def with_key(self, _: str) -> Collection[Binding]:
        return self.without_criteria

    def _criteria(self, binding: Binding) -> set[object]:
        return {(name, comparable(value, self.version)) for name, value in criteria_of(binding.arguments).items()}
