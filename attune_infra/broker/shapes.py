"""Shapes of JSON values, and the first place where a value does not fit. No I/O.

A list of objects is checked key by key, all objects at once: 20,000 values have one type or two. The
place is looked for only if something does not fit.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import chain
from operator import itemgetter
from types import NoneType
from typing import Any, Final, NamedTuple

MAX_NESTING: Final = 50
"""Levels of arrays and objects within arguments, as in a document."""
MAX_DIGITS: Final = 100
"""Digits of an integer within arguments."""
_TOO_LONG: Final = 10**MAX_DIGITS
_INTEGER_END: Final = 2**63
_HARMLESS: Final = frozenset({str, bool, NoneType})
_MAX_SHOWN: Final = 40
_SHARE: Final = 200
"""Items of an array that are checked at once: few enough to stay in the processor's cache."""


class Fault(NamedTuple):
    """A place in a value, such as `[3].arguments`, and the reason why the value does not fit there."""

    place: str
    why: str

    def __str__(self) -> str:
        return f"{self.place or 'it'} {self.why}"


class Shape:
    """A kind of JSON value: its types, and a test for values that have one of these types."""

    def __init__(
        self, words: str, *types: type, test: Callable[[Sequence[Any]], bool] | None = None, strictly: str = ""
    ) -> None:
        self.words, self.types, self._test = words, frozenset(types), test
        self._strictly = strictly or words
        self.looks_inside = test is not None
        """False if nothing but the type of a value matters."""

    def fits(self, values: Sequence[Any]) -> bool:
        """Return True if all these values fit. Each has one of the types."""
        return self._test is None or self._test(values)

    def fault(self, value: Any, place: str) -> Fault | None:
        """Return the first place where a value does not fit; None if it fits."""
        if type(value) not in self.types:
            return Fault(place, f"is {_show(value)}, not {self.words}")
        return self._fault_inside(value, place)

    def _fault_inside(self, value: Any, place: str) -> Fault | None:
        return None if self.fits([value]) else Fault(place, f"is {_show(value)}, not {self._strictly}")


class List(Shape):
    """An array whose items have one shape."""

    def __init__(self, items: Shape) -> None:
        super().__init__("an array", list)
        self._items, self.looks_inside = items, True

    def fits(self, values: Sequence[Any]) -> bool:
        items = values[0] if len(values) == 1 else list(chain.from_iterable(values))
        shares = (items[at : at + _SHARE] for at in range(0, len(items), _SHARE))
        return all(self._items.types.issuperset(map(type, share)) and self._items.fits(share) for share in shares)

    def _fault_inside(self, value: Any, place: str) -> Fault | None:
        faults = (self._items.fault(item, f"{place}[{index}]") for index, item in enumerate(value))
        return next(filter(None, faults), None)


class Object(Shape):
    """An object with these keys, of which the `optional` ones may be missing. Other keys do not matter."""

    def __init__(self, required: Mapping[str, Shape], optional: Mapping[str, Shape] | None = None) -> None:
        super().__init__("an object", dict)
        self._required, self._shapes = required.keys(), {**required, **(optional or {})}
        self.looks_inside = True

    def fits(self, values: Sequence[Any]) -> bool:
        return all(self._fits_in_column(values, key, shape) for key, shape in self._shapes.items())

    def _fits_in_column(self, values: Sequence[Any], key: str, shape: Shape) -> bool:
        """Return True if the values of one key fit, in all these objects."""
        take = itemgetter(key)
        try:
            if not shape.types.issuperset(map(type, map(take, values))):
                return False
        except KeyError:
            holders = [value for value in values if key in value]
            return key not in self._required and self._fits_in_column(holders, key, shape)
        return not shape.looks_inside or shape.fits(list(map(take, values)))

    def _fault_inside(self, value: Any, place: str) -> Fault | None:
        for key, shape in self._shapes.items():
            inner = f"{place}.{key}" if place else key
            if key not in value:
                if key in self._required:
                    return Fault(inner, "is missing")
            elif found := shape.fault(value[key], inner):
                return found
        return None


class Either(Shape):
    """A value of one of several shapes, which have no type in common."""

    def __init__(self, *shapes: Shape) -> None:
        words = " or ".join(shape.words for shape in shapes)
        super().__init__(words, *chain.from_iterable(shape.types for shape in shapes))
        self._shapes = shapes
        self.looks_inside = any(shape.looks_inside for shape in shapes)

    def fits(self, values: Sequence[Any]) -> bool:
        return all(
            shape.fits([value for value in values if type(value) in shape.types])
            for shape in self._shapes
            if shape.looks_inside
        )

    def _fault_inside(self, value: Any, place: str) -> Fault | None:
        return next(shape for shape in self._shapes if type(value) in shape.types).fault(value, place)


class Arguments(Shape):
    """An object with any JSON in it, as far as it can be handled: so deep, and with numbers so long."""

    def __init__(self) -> None:
        super().__init__("an object", dict)
        self.looks_inside = True

    def fits(self, values: Sequence[Any]) -> bool:
        if _HARMLESS.issuperset(map(type, chain.from_iterable(map(dict.values, values)))):
            return True
        level: list[Any] = list(chain.from_iterable(map(dict.values, values)))
        for _ in range(MAX_NESTING):
            types = set(map(type, level))
            if not types.isdisjoint((int, float)) and any(map(_is_too_long, level)):
                return False
            if types.isdisjoint((dict, list)):
                return True
            level = list(chain.from_iterable(_inner(each).values() for each in level))
        return False

    def _fault_inside(self, value: Any, place: str) -> Fault | None:
        level = {place: value}
        for _ in range(MAX_NESTING + 1):
            found = next((where for where, each in level.items() if _is_too_long(each)), None)
            if found is not None:
                return Fault(found, f"is {_show(level[found])}, which is too long")
            level = {
                f"{where}[{key}]" if isinstance(each, list) else f"{where}.{key}": item
                for where, each in level.items()
                for key, item in _inner(each).items()
            }
        return Fault(place, f"is nested more than {MAX_NESTING} levels deep") if level else None


def _inner(value: Any) -> dict[Any, Any]:
    """Return what is in an object or an array, by key or index."""
    match value:
        case dict():
            return value
        case list():
            return dict(enumerate(value))
        case _:
            return {}


def _is_too_long(value: Any) -> bool:
    if type(value) is float:
        return not math.isfinite(value)
    return type(value) is int and abs(value) >= _TOO_LONG


def fault_in(value: Any, shape: Shape) -> Fault | None:
    """Return the first place where a value has not a shape; None if it has."""
    if type(value) in shape.types and shape.fits([value]):
        return None
    return shape.fault(value, "")


def _are_integers(values: Sequence[Any]) -> bool:
    return not values or (max(values) < _INTEGER_END and min(values) >= -_INTEGER_END)


def _are_numbers(values: Sequence[Any]) -> bool:
    return all(-_INTEGER_END <= value < _INTEGER_END for value in values)


def _are_versions(values: Sequence[Any]) -> bool:
    return all(re.match(r"[0-9]{1,4}\.[0-9]{1,4}(?![0-9])", value) for value in values)


def _are_times(values: Sequence[Any]) -> bool:
    try:
        return all(datetime.fromisoformat(value).timestamp() is not None for value in values)
    except (ValueError, OverflowError):
        return False


def _show(value: Any) -> str:
    """Return a value for a sentence: its type, and itself if it is short."""
    match value:
        case None:
            return "null"
        case bool():
            return f"a boolean ({json.dumps(value)})"
        case int() if abs(value) >= 10**_MAX_SHOWN:
            return f"a number of more than {_MAX_SHOWN} digits"
        case int() | float():
            return f"a number ({value})"
        case str():
            shown = json.dumps(value if len(value) <= _MAX_SHOWN else f"{value[:_MAX_SHOWN]}...")
            return f"a string ({shown})"
        case list():
            return "an array" if value else "an empty array"
        case _:
            return "an object" if value else "an empty object"


TEXT: Final = Shape("a string", str)
FLAG: Final = Shape("a boolean", bool)
NULL: Final = Shape("null", NoneType)
INTEGER: Final = Shape("an integer", int, test=_are_integers, strictly="an integer of at most 64 bits")
NUMBER: Final = Shape("a number", int, float, test=_are_numbers, strictly="a number of at most 64 bits")
VERSION: Final = Shape("a version", str, test=_are_versions, strictly="a version such as 4.3.1")
TIME: Final = Shape("a time", str, test=_are_times, strictly="a time such as 2026-01-31T12:00:00")
ARGUMENTS: Final = Arguments()
EMPTY_LIST: Final = Shape("an empty array", list, test=lambda values: not any(values))
ANYTHING: Final = Shape("anything", bool, int, float, str, list, dict, NoneType)
