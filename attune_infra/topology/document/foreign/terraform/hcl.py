"""Plain values -> Terraform's language, and its JSON form.

`$` and `%` before a brace begin a template in a text. They are written as escapes of Unicode: `$${` means the
same, but behind another `$` readers disagree.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

from attune_infra.dataclass import dataclass
from attune_infra.topology.model import Argument, Arguments

_TEMPLATE: Final = re.compile(r"[$%](?=\{)")
_ESCAPES: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\"}
_BASIC_PLANE: Final = 0xFFFF


@dataclass(frozen=True, slots=True)
class Reference:
    """An attribute of another resource, which Terraform creates before."""

    address: str


@dataclass(frozen=True, slots=True)
class Encoded:
    """A table as a text of JSON, so that the types of its values survive."""

    table: Arguments


@dataclass(frozen=True, slots=True)
class Blocks:
    """Inner blocks of one name."""

    bodies: tuple[Body, ...]


Value: TypeAlias = "Argument | Arguments | Reference | Encoded | Blocks"
Body: TypeAlias = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource; `imported` is the provider's id of the object that exists already, if it is to be imported."""

    type: str
    name: str
    body: Body
    imported: str | None = None

    @property
    def address(self) -> str:
        return f"{self.type}.{self.name}"

    def lines(self) -> Iterator[str]:
        """Yield the block of the resource, and one that imports it."""
        yield f'resource "{self.type}" "{self.name}" {{'
        yield from _body(self.body, "  ")
        yield "}"
        if self.imported is not None:
            yield ""
            yield "import {"
            yield f"  to = {self.address}"
            yield f"  id = {quoted(self.imported)}"
            yield "}"


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable for a secret text."""

    name: str

    def lines(self) -> Iterator[str]:
        yield f'variable "{self.name}" {{'
        yield from _body(_SECRET_TEXT, "  ")
        yield "}"


_SECRET_TEXT: Final[Body] = {"type": Reference("string"), "sensitive": True}


def as_json(resources: Sequence[Resource], variables: Sequence[Variable] = ()) -> dict[str, Any]:
    """Return the same resources and variables in the JSON form of Terraform's language."""
    found: dict[str, Any] = {"resource": {}}
    if variables:
        found["variable"] = {each.name: {"type": "string", "sensitive": True} for each in variables}
    for each in resources:
        found["resource"].setdefault(each.type, {})[each.name] = _plain(each.body)
    imports = [
        {"to": each.address, "id": _plain(each.imported)} for each in resources if each.imported is not None
    ]
    return {**found, "import": imports} if imports else found


def _plain(value: Any) -> Any:
    match value:
        case str():
            return value.replace("${", "$${").replace("%{", "%%{")
        case Reference():
            return f"${{{value.address}}}"
        case Encoded():
            return _plain(json.dumps(value.table, ensure_ascii=False))
        case Blocks():
            return [_plain(body) for body in value.bodies]
        case list():
            return [_plain(item) for item in value]
        case Mapping():
            return {_plain(name): _plain(item) for name, item in value.items()}
        case _:
            return value


def quoted(text: str) -> str:
    """Return a text as a quoted template without templates."""
    inner = "".join(_escape(character) for character in text)
    return '"' + _TEMPLATE.sub(lambda found: _unicode(found[0]), inner) + '"'


def _escape(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    return character if character.isprintable() else _unicode(character)


def _unicode(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code <= _BASIC_PLANE else f"\\U{code:08x}"


def _body(body: Body, indent: str) -> Iterator[str]:
    """Yield attributes, the signs of those on one line aligned, and then the inner blocks behind empty lines."""
    attributes = {name: value for name, value in body.items() if not isinstance(value, Blocks)}
    width = max((len(name) for name, value in attributes.items() if not _is_table(value)), default=0)
    for name, value in attributes.items():
        start = name if _is_table(value) else f"{name:{width}}"
        yield from _attribute(f"{indent}{start} = ", value, indent)
    blocks = [(name, inner) for name, found in body.items() if isinstance(found, Blocks) for inner in found.bodies]
    for number, (name, inner) in enumerate(blocks):
        if attributes or number:
            yield ""
        yield f"{indent}{name} {{"
        yield from _body(inner, f"{indent}  ")
        yield f"{indent}}}"


def _is_table(value: Value) -> bool:
    return isinstance(value, Encoded | Mapping)


def _attribute(start: str, value: Value, indent: str) -> Iterator[str]:
    match value:
        case Reference():
            yield f"{start}{value.address}"
        case Encoded():
            yield f"{start}jsonencode({{"
            yield from _entries(value.table, f"{indent}  ")
            yield f"{indent}}})"
        case Mapping():
            yield f"{start}{{"
            yield from _entries(value, f"{indent}  ")
            yield f"{indent}}}"
        case Blocks():
            raise TypeError("a block is no attribute")
        case _:
            yield f"{start}{_expression(value)}"


def _entries(values: Arguments, indent: str) -> Iterator[str]:
    names = {name: quoted(name) for name in values}
    width = max(map(len, names.values()), default=0)
    for name, value in values.items():
        yield f"{indent}{names[name]:{width}} = {_expression(value)}"


def _expression(value: Argument) -> str:
    match value:
        case str():
            return quoted(value)
        case list():
            return f"[{', '.join(map(_expression, value))}]"
        case dict():
            inner = ", ".join(f"{quoted(name)} = {_expression(item)}" for name, item in value.items())
            return f"{{{inner}}}"
        case _:
            return json.dumps(value)
