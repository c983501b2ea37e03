"""Headers exchanges: the bindings that match the headers of a message."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from itertools import chain
from operator import itemgetter
from typing import Final, TypeAlias

from attune_infra.topology.facts.releases import FIRST_WITH_STRICT_NUMBERS, Version
from attune_infra.topology.model import Argument, Arguments, Binding, Message, freeze
from attune_infra.topology.routing.gathered import Gathered, gather, gathered_at

_PRESENT: Final = ("void", None)
"""A stand-in for any value of a header."""
_PLAIN: Final = frozenset({str, bool, int, float})
"""Types whose equal values RabbitMQ takes for equal too, if they have the same type."""


def demands_any(arguments: Arguments) -> bool:
    """Return whether one criterion of a headers binding is enough; without `x-match`, all must be met."""
    return arguments.get("x-match") in ("any", "any-with-x")


def takes_x(arguments: Arguments) -> bool:
    """Return whether names that begin with `x-` count as criteria of a headers binding."""
    return arguments.get("x-match") in ("all-with-x", "any-with-x")


def criteria_of(arguments: Arguments) -> Arguments:
    """Return the criteria of a headers binding; names that begin with `x-` count only if `x-match` says so."""
    with_x = takes_x(arguments)
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


_Values: TypeAlias = tuple[Argument, ...]


class HeadersIndex:
    """Bindings of a headers exchange, found by their criteria.

    Bindings with the same names of arguments are together; there are few such groups. One is looked at if a
    message has its rarest header, or any of its headers if one is enough.
    """

    def __init__(self, bindings: Sequence[Binding], version: Version) -> None:
        together: dict[object, tuple[list[Binding], list[_Values]]] = {}
        for binding in bindings:  # a million: each is looked at once
            arguments = binding.arguments
            names: object = tuple(arguments)
            if "x-match" in arguments:
                names = (names, repr(arguments["x-match"]))
            found = together.get(names)
            if found is None:
                found = together[names] = ([], [])
            found[0].append(binding)
            found[1].append(tuple(arguments.values()))
        groups = [_SameNames(*found, version) for found in together.values()]
        self.takes_x = any(takes_x(group.bindings[0].arguments) for group in groups)
        self._without_criteria = [each for group in groups if group.matches_all for each in group.bindings]
        count = Counter(name for group in groups for name in group.names)
        self._by_name: dict[str, list[_SameNames]] = defaultdict(list)
        for group in groups:
            rarest = sorted(group.names, key=count.__getitem__)
            for name in rarest if group.is_any else rarest[:1]:
                self._by_name[name].append(group)

    def matching(self, message: Message) -> Iterable[Binding]:
        headers = {name: value for name, value in message.headers.items() if name != "BCC"}
        groups = {id(group): group for name in headers for group in self._by_name.get(name, ())}
        return [*self._without_criteria, *chain.from_iterable(each.matching(headers) for each in groups.values())]

    def with_key(self, _: str) -> Collection[Binding]:
        return self._without_criteria


class _SameNames:
    """Bindings whose criteria have the same names, with the values of their arguments.

    One criterion is enough if `is_any`.
    """

    def __init__(self, bindings: Sequence[Binding], values: Sequence[_Values], version: Version) -> None:
        self.bindings, self._values, self._version = bindings, values, version
        arguments = bindings[0].arguments
        criteria = criteria_of(arguments)
        self.names = tuple(criteria)
        self._places = [place for place, name in enumerate(arguments) if name in criteria]
        self.is_any = demands_any(arguments)

    @property
    def matches_all(self) -> bool:
        """True if all messages match."""
        return not (self.names or self.is_any)

    def matching(self, headers: Arguments) -> Iterable[Binding]:
        """Return the bindings that match these headers."""
        if self.is_any:
            return chain.from_iterable(group.matching_any(headers) for group in self._groups)
        if all(name in headers for name in self.names):
            return chain.from_iterable(group.matching_all(headers) for group in self._groups)
        return ()

    @cached_property
    def _groups(self) -> Sequence[_SameTypes]:
        """The same bindings, those with values of the same types together. Made when a message may match."""
        chosen = [list(map(itemgetter(place), self._values)) for place in self._places]
        if all(len(set(map(type, column))) == 1 for column in chosen):
            return [_SameTypes(self.bindings, self._named(chosen), self._version)]
        rows: dict[object, list[int]] = defaultdict(list)
        for row, types in enumerate(zip(*(map(type, column) for column in chosen), strict=True)):
            rows[types].append(row)
        return [
            _SameTypes(
                [self.bindings[row] for row in found],
                self._named([[column[row] for row in found] for column in chosen]),
                self._version,
            )
            for found in rows.values()
        ]

    def _named(self, columns: Sequence[Sequence[Argument]]) -> Mapping[str, Sequence[Argument]]:
        return dict(zip(self.names, columns, strict=True))


class _SameTypes:
    """Bindings whose criteria have the same names and types of values; one without a value takes any value.

    `columns` has the values of each criterion, in the order of the bindings.
    """

    def __init__(
        self, bindings: Sequence[Binding], columns: Mapping[str, Sequence[Argument]], version: Version
    ) -> None:
        self._bindings, self._version = bindings, version
        self._types = {name: type(column[0]) for name, column in columns.items() if column[0] is not None}
        self._valueless = columns.keys() - self._types.keys()
        self._columns = {name: self._comparable(columns[name], of) for name, of in self._types.items()}

    def matching_all(self, headers: Arguments) -> Iterable[Binding]:
        """Return the bindings that match headers, which have all of the names."""
        if not self._types:
            return self._bindings
        return gathered_at(self._by_values, tuple(self._given(name, headers[name]) for name in self._types))

    def matching_any(self, headers: Arguments) -> Iterable[Binding]:
        """Return the bindings of which one criterion matches."""
        if any(name in headers for name in self._valueless):
            return self._bindings
        shared = [name for name in self._types if name in headers]
        found = (gathered_at(self._by_value[name], self._given(name, headers[name])) for name in shared)
        return {id(binding): binding for each in found for binding in each}.values()

    @cached_property
    def _by_values(self) -> Gathered[tuple[object, ...]]:
        """The bindings by their values of all criteria."""
        return gather(zip(*self._columns.values(), strict=True), self._bindings)

    @cached_property
    def _by_value(self) -> Mapping[str, Gathered[object]]:
        """The bindings by the value of each criterion."""
        return {name: gather(column, self._bindings) for name, column in self._columns.items()}

    def _comparable(self, column: Sequence[Argument], of: type) -> Sequence[object]:
        """Return values of a type so that equal ones are those that RabbitMQ takes for equal."""
        return column if of in _PLAIN else [comparable(value, self._version) for value in column]

    def _given(self, name: str, value: Argument) -> object:
        """Return the value of a header as it is in the column of a criterion, if it can be there."""
        if self._types[name] not in _PLAIN:
            return comparable(value, self._version)
        return value if are_alike(type(value), self._types[name], self._version) else _PRESENT


def are_alike(one: type, other: type, version: Version) -> bool:
    """Return whether values of two types may be equal to RabbitMQ; neither is an array or a table."""
    return one is other or (version < FIRST_WITH_STRICT_NUMBERS and {one, other} == {int, float})
