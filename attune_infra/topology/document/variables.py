"""Variables of a document: `${name}` stands for a value that is given, or for the default of the variable.

Only a document with a section `variables` has them; in any other one, `${name}` is text. The values become scalars
of the document before anything else reads it, so every rule about a name or a number holds for them too.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias, cast

import yaml

from attune_infra.dataclass import dataclass
from attune_infra.topology.document.keys import VARIABLE_KEYS, VARIABLE_NAME, VARIABLE_REFERENCE, VARIABLE_TYPES
from attune_infra.topology.document.nodes import Entry, Nodes, is_null
from attune_infra.topology.document.problems import InvalidDocument
from attune_infra.topology.words import describe

Scalar: TypeAlias = "str | int | float | bool"

SECTION: Final = "variables"

_TAG: Final = "tag:yaml.org,2002:"
_TYPES: Final[Mapping[str, tuple[tuple[type, ...], str, str]]] = {
    "string": ((str,), "a string", f"{_TAG}str"),
    "integer": ((int,), "an integer", f"{_TAG}int"),
    "number": ((int, float), "a number", f"{_TAG}float"),
    "boolean": ((bool,), "true or false", f"{_TAG}bool"),
}
"""By the name of a type: its Python types, its words, and the tag of its scalars."""
_NEUTRAL: Final[Mapping[str, Scalar]] = {"string": "", "integer": 0, "number": 0, "boolean": False}
_ANY_REFERENCE: Final = re.compile(rf"\$(\$?)\{{({VARIABLE_NAME})\}}")
_INTEGER: Final = re.compile(r"[-+]?[0-9]+")
_NUMBER: Final = re.compile(r"[-+]?[0-9]+\.[0-9]+")
_MAX_DIGITS: Final = 100
_BEFORE: Final = re.compile(r"(?:[&!]\S*\s+)*")
"""The anchor and the tag of a scalar."""


@dataclass(frozen=True, slots=True)
class Given:
    """A value that is given for a variable. A text of the command line takes the type of the variable."""

    value: Scalar
    origin: str
    """The option or the file that gives it."""
    is_untyped: bool = False


Values: TypeAlias = Mapping[str, Given]


@dataclass(frozen=True, slots=True)
class _Variable:
    entry: Entry
    type: str
    value: Scalar | None
    """None if nothing gives it a value."""


@dataclass(frozen=True, slots=True)
class Filled:
    """A scalar that held variables, and its value now."""

    node: yaml.ScalarNode
    value: Scalar


def fill(document: Nodes, root: yaml.Node | None, values: Values) -> list[Filled]:
    """Put the values of variables into the nodes of a document; return those that changed, in their order.

    Problems are those of the document: a variable that is not declared, has no value, or one of another type.
    """
    section = _section(root)
    if section is None or is_null(section.value):
        _refuse(document, root, values, {})
        return []
    variables = {
        name: _declared(document, name, entry, values.get(name))
        for name, entry in document.entries(section.value, SECTION).items()
    }
    _refuse(document, section.key, values, variables)
    assert root is not None  # noqa: S101 - it has the section
    return [_filled(document, node, variables) for node in _scalars(root, section.value) if "${" in node.value]


def declared_names(document: Nodes, root: yaml.Node | None) -> list[str]:
    """Return the names of the variables that a document declares."""
    section = _section(root)
    return [] if section is None else list(document.entries(section.value, SECTION))


def read_values(text: str, *, source: str) -> Values:
    """Read a YAML file of values, by the names of variables; raise `InvalidDocument` with all its problems."""
    document = Nodes(text)
    found: dict[str, Given] = {}
    for name, (_, node) in document.entries(document.root(), "the file of values").items():
        before, value = len(document.problems), document.argument(node, f"value {name}")
        if isinstance(value, str | int | float):
            found[name] = Given(value, source)
        elif len(document.problems) == before:
            document.problem(node, f"value {name} must be a text, a number, or true or false")
    if document.problems:
        raise InvalidDocument(source, document.problems)
    return found


def resolved(text: str, values: Values) -> str:
    """Return a document, which has no problem, with values in place of its variables, and without their section.

    Comments and the order of everything else stay.
    """
    document = Nodes(text)
    root = document.root()
    pieces = [_piece(text, each) for each in fill(document, root, values)]
    section = _section(root)
    if section is not None:
        pieces.append(_without(text, cast(yaml.MappingNode, root), section))
    for start, end, words in sorted(pieces, reverse=True):
        text = text[:start] + words + text[end:]
    return text


def _section(root: yaml.Node | None) -> Entry | None:
    if not isinstance(root, yaml.MappingNode):
        return None
    return next((Entry(key, value) for key, value in root.value if key.value == SECTION), None)


def _declared(document: Nodes, name: str, entry: Entry, given: Given | None) -> _Variable:
    """Return a variable: a scalar is its default, and a mapping has its type, its default and a description."""
    if not re.fullmatch(VARIABLE_NAME, name):
        document.problem(entry.key, f"'{name}' is no name of a variable: letters, digits, _ and -, no digit first")
    keys = {"default": entry.value}
    if not isinstance(entry.value, yaml.ScalarNode) or is_null(entry.value):
        keys = document.mapping(entry.value, f"variable {name}", VARIABLE_KEYS)
    node, before = keys.get("default"), len(document.problems)
    default = None if node is None or is_null(node) else document.argument(node, f"variable {name}")
    kind = _type(document, name, keys.get("type"), default)
    if node is not None and default is not None and not _is(kind, default) and len(document.problems) == before:
        document.problem(
            node, f"variable {name} must be {_TYPES[kind][1]}, and its default is {describe(default)}"
        )
        default = _NEUTRAL[kind]  # so that no other problem follows from this one
    document.string(keys.get("description"), "")
    value = cast("Scalar | None", default) if given is None else _typed(document, entry, name, kind, given)
    return _Variable(entry, kind, value)


def _type(document: Nodes, name: str, node: yaml.Node | None, default: object) -> str:
    if node is None:
        return next((kind for kind in _TYPES if default is not None and _is(kind, default)), "string")
    kind = document.string(node, "string")
    if kind not in _TYPES:
        document.problem(node, f"variable {name} has the type '{kind}'; the types are {', '.join(VARIABLE_TYPES)}")
        return "string"
    return kind


def _is(kind: str, value: object) -> bool:
    if isinstance(value, bool) or kind == "boolean":
        return isinstance(value, bool) and kind == "boolean"
    return isinstance(value, _TYPES[kind][0]) and not (isinstance(value, float) and not math.isfinite(value))


def _typed(document: Nodes, entry: Entry, name: str, kind: str, given: Given) -> Scalar:
    """Return a given value in the type of its variable; a text of the command line is read as that type."""
    value: object = given.value
    if given.is_untyped:
        value = _read(kind, str(given.value))
    if _is(kind, value):
        return cast(Scalar, value)
    document.problem(
        entry.key, f"variable {name} must be {_TYPES[kind][1]}, and {given.origin} gives {describe(given.value)}"
    )
    return _NEUTRAL[kind]  # so that no other problem follows from this one


def _read(kind: str, text: str) -> Scalar | None:
    if kind == "string":
        return text
    if kind == "boolean":
        return {"true": True, "false": False}.get(text)
    if len(text) > _MAX_DIGITS:
        return None
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if kind == "number" and _NUMBER.fullmatch(text) else None


def _refuse(document: Nodes, node: yaml.Node | None, values: Values, known: Mapping[str, _Variable]) -> None:
    """Report each given value whose variable the document does not declare."""
    for name, given in values.items():
        if node is not None and name not in known:
            declared = f"it declares {', '.join(known)}" if known else "it has no section `variables`"
            what = f"the document has no variable '{name}'{document.guess(name, known)}"
            document.problem(node, f"{given.origin}: {what}; {declared}")


def _scalars(root: yaml.Node, apart: yaml.Node) -> Iterator[yaml.ScalarNode]:
    """Yield each scalar of a document once, in order, but for those of one node."""
    seen = {id(apart)}
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        match node:
            case yaml.ScalarNode():
                yield node
            case yaml.SequenceNode():
                waiting += reversed(node.value)
            case yaml.MappingNode():
                waiting += reversed([each for pair in node.value for each in pair])


def _filled(document: Nodes, node: yaml.ScalarNode, variables: Mapping[str, _Variable]) -> Filled:
    """Put values into one scalar; a reference alone takes the type of its variable too."""
    alone = re.fullmatch(VARIABLE_REFERENCE, node.value)
    if alone:
        found = _value(document, node, node.value[2:-1], variables)
        kind = variables[node.value[2:-1]].type if node.value[2:-1] in variables else "string"
        value: Scalar = "" if found is None else found
        node.tag, node.value = _TYPES[_kind_of(kind, value)][2], _as_text(value)
        return Filled(node, value)

    def replace(match: re.Match[str]) -> str:
        if match[1]:
            return match[0][1:]
        found = _value(document, node, match[2], variables)
        return "" if found is None else _as_text(found)

    node.tag, node.value = _TYPES["string"][2], _ANY_REFERENCE.sub(replace, node.value)
    return Filled(node, node.value)


def _kind_of(kind: str, value: Scalar) -> str:
    return "integer" if kind == "number" and isinstance(value, int) else kind


def _value(document: Nodes, node: yaml.Node, name: str, variables: Mapping[str, _Variable]) -> Scalar | None:
    variable = variables.get(name)
    if variable is None:
        guess = document.guess(name, variables)
        document.problem(
            node, f"there is no variable '{name}'{guess}; for the text ${{{name}}}, write $${{{name}}}"
        )
        return None
    if variable.value is None:
        document.problem(node, f"variable {name} has no value: give --set {name}=VALUE, or a default")
    return variable.value


def _as_text(value: Scalar) -> str:
    """Return a value as YAML reads it back; of a float with an exponent, YAML 1.1 wants a point."""
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value)
    return text.replace("e", ".0e", 1) if isinstance(value, float) and "." not in text else text


def _as_yaml(value: Scalar) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else _as_text(value)


def _piece(text: str, filled: Filled) -> tuple[int, int, str]:
    """Return the place of a scalar behind its anchor and its tag, and its value as YAML has it."""
    start, end = _start(filled.node), _end(filled.node)
    before = _BEFORE.match(text, start, end)
    is_block = filled.node.style in {"|", ">"}
    return before.end() if before else start, end, _as_yaml(filled.value) + "\n" * is_block


def _without(text: str, root: yaml.MappingNode, section: Entry) -> tuple[int, int, str]:
    """Return the place of the section, and what to put there."""
    if root.flow_style:
        return _start(section.value), _end(section.value), "null"
    end = text.find("\n", _end(section.value))
    return _start(section.key), len(text) if end < 0 else end + 1, ""


def _start(node: yaml.Node) -> int:
    return _index(node.start_mark)


def _end(node: yaml.Node) -> int:
    """Return where the text of a node ends; a block ends with its last scalar, not with the next key."""
    last = node
    while isinstance(last, yaml.CollectionNode) and not last.flow_style and last.value:
        last = last.value[-1][-1] if isinstance(last, yaml.MappingNode) else last.value[-1]
    return _index(last.end_mark)


def _index(mark: Any) -> int:
    return int(mark.index)
