"""The decorator whose methods are written late, against the standard library's."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
import re
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any, ClassVar

import pytest

from attune_infra import dataclass as late


def _plain(decorator: Callable[..., Any]) -> Any:
    @decorator
    class Plain:
        name: str
        numbers: list[int] = field(default_factory=list)

    return Plain


def _frozen(decorator: Callable[..., Any]) -> Any:
    @decorator(frozen=True, slots=True, kw_only=True)
    class Frozen:
        """A value."""

        kind: ClassVar[str] = "frozen"
        name: str
        durable: bool = True
        arguments: Mapping[str, int] = field(default_factory=dict, hash=False)
        hidden: str = field(default="", repr=False, compare=False)

    return Frozen


def _ordered(decorator: Callable[..., Any]) -> Any:
    @decorator(frozen=True, slots=True, order=True)
    class Ordered:
        line: int
        text: str = field(default="", kw_only=True)
        size: int = field(init=False, default=3)

        def __repr__(self) -> str:
            return f"line {self.line}"

    return Ordered


def _checked(decorator: Callable[..., Any]) -> Any:
    @decorator(slots=True, eq=False)
    class Checked:
        number: int
        seen: list[int] = field(init=False, default_factory=list)

        def __post_init__(self) -> None:
            self.seen.append(self.number)

    return Checked


def _derived(decorator: Callable[..., Any]) -> Any:
    @decorator(frozen=True, kw_only=True)
    class Derived(_frozen(decorator)):  # type: ignore[misc] # a class that is made here
        more: int = 0

    return Derived


CALLS: tuple[tuple[Callable[..., Any], tuple[tuple[Any, ...], ...], tuple[dict[str, Any], ...]], ...] = (
    (_plain, (("a",), ("a", [1]), ("b",), ()), ({}, {"numbers": [2]}, {"strange": 1})),
    (_frozen, ((), ("a",)), ({"name": "a"}, {"name": "a", "hidden": "x"}, {"name": "b", "durable": False}, {})),
    (_ordered, ((1,), (2,)), ({}, {"text": "b"}, {"size": 4})),
    (_checked, ((1,), ()), ({}, {"seen": []})),
    (_derived, ((),), ({"name": "a"}, {"name": "a", "more": 1})),
)


def _outcome(call: Callable[[], object]) -> object:
    try:
        return call()
    except (TypeError, AttributeError) as error:
        return type(error), re.sub(r"^.*?(\w+\.__init__)", r"\1", str(error))


def _told(found: Any) -> tuple[object, ...]:
    """Return the looks of an instance, or the error in its place."""
    if isinstance(found, tuple):
        return found
    values = tuple(getattr(found, each.name) for each in dataclasses.fields(found))
    looks = repr(found).replace(type(found).__qualname__, "")
    return values, looks, dataclasses.asdict(found), type(found).__match_args__


@pytest.mark.parametrize(("make", "places", "words"), CALLS)
def test_a_class_behaves_like_one_of_the_standard_library(
    make: Callable[..., Any], places: tuple[tuple[Any, ...], ...], words: tuple[dict[str, Any], ...]
) -> None:
    ours, theirs = (
        [_outcome(lambda: kind(*place, **word)) for place in places for word in words]  # noqa: B023 - called at once
        for kind in (make(late.dataclass), make(dataclasses.dataclass))
    )

    assert [_told(each) for each in ours] == [_told(each) for each in theirs]
    for question in ("__eq__", "__lt__", "__ge__"):
        answers = [
            [_outcome(lambda: getattr(one, question)(other)) for one in found for other in found]  # noqa: B023
            for found in (_instances(ours), _instances(theirs))
        ]
        assert [str(each)[:15] for each in answers[0]] == [str(each)[:15] for each in answers[1]]
    for one, other in zip(_instances(ours), _instances(theirs), strict=True):
        assert (type(one).__hash__ is None) == (type(other).__hash__ is None)
        assert make is _checked or _outcome(lambda: hash(one)) == _outcome(lambda: hash(other))  # noqa: B023
        assert _told(dataclasses.replace(one)) == _told(one)


def _instances(found: list[Any]) -> list[Any]:
    return [each for each in found if not isinstance(each, tuple)]


@pytest.mark.parametrize("make", [_plain, _frozen, _ordered, _checked, _derived])
def test_help_shows_the_signature(make: Callable[..., Any]) -> None:
    assert str(inspect.signature(make(late.dataclass))) == str(inspect.signature(make(dataclasses.dataclass)))


@pytest.mark.parametrize("make", [_frozen, _ordered, _derived])
def test_a_frozen_value_refuses_changes(make: Callable[..., Any]) -> None:
    value = make(late.dataclass)(**({"line": 1} if make is _ordered else {"name": "a"}))

    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign to field 'name'"):
        value.name = "b"
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot delete field 'name'"):
        del value.name


@late.dataclass(frozen=True, slots=True)
class Copied:
    """A value that can be found by its name."""

    name: str
    arguments: Mapping[str, int]


def test_a_frozen_value_is_copied() -> None:
    value = Copied("a", {"x": 1})

    assert copy.deepcopy(value) == value == pickle.loads(pickle.dumps(value))  # noqa: S301 - made here
    assert Copied("a", {}) != value


def test_methods_are_written_once_and_then_are_plain_functions() -> None:
    kind = _frozen(late.dataclass)
    before = kind.__init__

    kind(name="a")

    after = kind.__init__
    assert before is not after
    before(kind(name="b"), name="c")
    assert after.__qualname__ == f"{kind.__qualname__}.__init__"
    assert kind(name="a") == kind(name="a")
