"""The decorator `dataclass` of the standard library, whose methods are written at their first call.

A command loads some eighty classes and uses few of them. The standard library compiles six methods for each as
soon as it is loaded, which was a fifth of the time of a short command. Tests hold these methods against its own.
Values that are no fields (`InitVar`) and a repr that ends in a circle are left out.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import MISSING, Field
from functools import partial
from types import MemberDescriptorType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from inspect import Signature

__all__ = ["dataclass"]


class _Unset:
    """Stands for an argument that is not given, whose default a function makes."""

    def __repr__(self) -> str:
        return "<factory>"  # as in signatures of the standard library


_UNSET: Final = _Unset()
_COMPARISONS: Final = {"__eq__": "==", "__lt__": "<", "__le__": "<=", "__gt__": ">", "__ge__": ">="}
_ORDER: Final = ("__lt__", "__le__", "__gt__", "__ge__")
_ASSIGN: Final = "self.{name} = {value}"
_ASSIGN_FROZEN: Final = "_set(self, '{name}', {value})"
_ASSIGN_SLOT: Final = "_set_{name}(self, {value})"
"""The same in two thirds of the time: the slot is not looked for by its name."""


def _decorate(cls: Any, *, eq: bool = True, order: bool = False, frozen: bool = False, **layout: bool) -> Any:
    own = dict(vars(cls))
    if cls.__doc__ is None:
        cls.__doc__ = cls.__name__  # or else the standard library looks for the signature
    made: Any = dataclasses.dataclass(init=False, repr=False, eq=False, **layout)(cls)
    writers = {"__init__": partial(_write_init, made, _ASSIGN_FROZEN if frozen else _ASSIGN)}
    compared = (["__eq__"] if eq else []) + ([*_ORDER] if order else [])
    writers |= {name: partial(_write_comparison, made, name) for name in compared}
    if eq and own.get("__hash__") is None:
        made.__hash__ = None
        if frozen:
            writers["__hash__"] = partial(_write_hash, made)
    for name, write in writers.items():
        if own.get(name) is None:
            setattr(made, name, _written_later(made, name, write))
    for name, method in _shared_methods(frozen=frozen, slots=layout.get("slots", False)):
        if name not in own:
            setattr(made, name, method)
    return made


def _shared_methods(*, frozen: bool, slots: bool) -> Iterator[tuple[str, object]]:
    """Yield the attributes that are the same in all classes."""
    yield "__repr__", _repr
    yield "__signature__", _LateSignature()
    if frozen:
        yield "__setattr__", _refuse_to_assign
        yield "__delattr__", _refuse_to_delete
    if frozen and slots:
        yield "__getstate__", _state
        yield "__setstate__", _restore


def _written_later(cls: Any, name: str, write: Callable[[], Callable[..., Any]]) -> Callable[..., Any]:
    """Return a method that puts the written one in its own place, and calls it."""

    def method(self: object, *args: object, **kwargs: object) -> Any:
        written = write()
        written.__qualname__ = f"{cls.__qualname__}.{name}"
        setattr(cls, name, written)
        return written(self, *args, **kwargs)

    return method


def _compile(head: str, body: list[str], known: dict[str, Any]) -> Callable[..., Any]:
    name = head.partition("(")[0]
    exec("\n  ".join([f"def {head}:", *body]), known)  # noqa: S102 - the text has only names of fields
    return known[name]  # type: ignore[no-any-return] # the function of this text


def _write_init(cls: Any, assign: str) -> Callable[..., Any]:
    parameters, body, annotations = ["self"], list[str](), dict[str, Any]()
    known: dict[str, Any] = {"_set": object.__setattr__, "_unset": _UNSET}
    for each in sorted(dataclasses.fields(cls), key=lambda each: bool(each.kw_only)):
        parameter, value = _given(each, known)
        if each.init:
            if each.kw_only and "*" not in parameters:
                parameters.append("*")
            parameters.append(parameter)
            annotations[each.name] = each.type
        if each.init or parameter != each.name:
            slot = getattr(cls, each.name, None)
            if assign is _ASSIGN_FROZEN and isinstance(slot, MemberDescriptorType):
                known[f"_set_{each.name}"] = slot.__set__
                body.append(_ASSIGN_SLOT.format(name=each.name, value=value))
            else:
                body.append(assign.format(name=each.name, value=value))
    if hasattr(cls, "__post_init__"):
        body.append("self.__post_init__()")
    written = _compile(f"__init__({', '.join(parameters)})", body or ["pass"], known)
    written.__annotations__ = {**annotations, "return": None}
    return written


def _given(field: Field[Any], known: dict[str, Any]) -> tuple[str, str]:
    """Return a parameter with its default, and the value of the field; note the default as known."""
    name, default = field.name, f"_default_of_{field.name}"
    if field.default is not MISSING:
        known[default] = field.default
        return f"{name}={default}", name if field.init else default
    if field.default_factory is not MISSING:
        known[default] = field.default_factory
        made = f"{default}()"
        return f"{name}=_unset", f"{made} if {name} is _unset else {name}" if field.init else made
    return name, name


def _write_comparison(cls: Any, name: str) -> Callable[..., Any]:
    compared = [each.name for each in dataclasses.fields(cls) if each.compare]
    body = ["if other.__class__ is not self.__class__:", "  return NotImplemented"]
    body.append(f"return {_values('self', compared)} {_COMPARISONS[name]} {_values('other', compared)}")
    return _compile(f"{name}(self, other)", body, {})


def _write_hash(cls: Any) -> Callable[..., Any]:
    hashed = (each for each in dataclasses.fields(cls) if (each.compare if each.hash is None else each.hash))
    return _compile("__hash__(self)", [f"return hash({_values('self', [each.name for each in hashed])})"], {})


def _values(of: str, names: list[str]) -> str:
    return f"({''.join(f'{of}.{name}, ' for name in names)})"


def _repr(self: Any) -> str:
    shown = (each.name for each in dataclasses.fields(self) if each.repr)
    return f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"


class _LateSignature:
    """The signature of a class, for `help`, written when somebody asks for it."""

    def __get__(self, instance: object, cls: Any) -> Signature:
        from inspect import signature

        made = signature(_write_init(cls, _ASSIGN))
        return made.replace(parameters=[each for name, each in made.parameters.items() if name != "self"])


def _refuse_to_assign(self: object, name: str, value: object) -> None:  # noqa: ARG001 - as Python calls it
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(self: object, name: str) -> None:  # noqa: ARG001 - as Python calls it
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: Any) -> list[Any]:
    return [getattr(self, each.name) for each in dataclasses.fields(self)]


def _restore(self: Any, state: list[Any]) -> None:
    for each, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, each.name, value)


if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(cls=None, /, **options):
        """Return a class with the methods of `dataclasses.dataclass`, each written at its first call."""
        return (lambda each: _decorate(each, **options)) if cls is None else _decorate(cls, **options)
