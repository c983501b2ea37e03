"""The output of `terraform show -json` -> its resources, of a state or of a plan."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import field
from json import JSONDecodeError
from typing import Any, Final, NamedTuple, NoReturn

from attune_infra.dataclass import dataclass
from attune_infra.errors import InvalidInput
from attune_infra.topology.document.places import Place
from attune_infra.topology.document.problems import InvalidDocument, Problem

_SIGN: Final = re.compile(r'\s*\{.*?"(?:format_version|terraform_version)"\s*:', re.DOTALL)
_ADDRESS: Final = re.compile(r'"address"\s*:\s*("(?:[^"\\\n]|\\.)*")')
_MAX_SEARCHED: Final = 10_000
"""Characters in which a sign stands: Terraform writes both members first."""


def looks_like_terraform(text: str) -> bool:
    """Tell what Terraform writes as JSON, even broken, from other texts."""
    return _SIGN.match(text[:_MAX_SEARCHED]) is not None


class Instance(NamedTuple):
    """A resource: its address, its type, and the values of its attributes without those that are null."""

    address: str
    type: str
    is_data: bool
    values: dict[str, Any]


@dataclass(slots=True)
class State:
    """A state or a plan, as Terraform shows it. `problems` fill up as it is read."""

    text: str
    source: str
    content: Mapping[str, Any]
    problems: list[Problem] = field(default_factory=list)
    _lines: list[int] = field(default_factory=list)
    """The offset of each line, once a place was asked for."""
    _offsets: dict[str, int] = field(default_factory=dict)
    """The offset of each address, in the form of JSON."""

    @classmethod
    def read(cls, text: str, source: str) -> State:
        """Read a text; raise `InvalidInput` if it is no JSON, or no output of `terraform show -json`."""
        try:
            content = json.loads(text, parse_constant=_refuse)
            json.dumps(content, ensure_ascii=False).encode()
        except JSONDecodeError as error:
            problem = Problem(error.lineno, error.colno, f"invalid JSON: {error.msg}")
            raise InvalidDocument(source, [problem]) from error
        except RecursionError as error:
            raise InvalidDocument(source, [Problem(1, 1, "nested too deeply")]) from error
        except ValueError as error:
            raise InvalidDocument(source, [Problem(1, 1, "a number or a text is none that JSON has")]) from error
        if isinstance(content, dict) and isinstance(content.get("resources"), list):
            raise InvalidInput(
                f"{source} is a state file of Terraform, whose form is its own",
                hint="give the output of `terraform show -json`",
            )
        return cls(text, source, content if isinstance(content, dict) else {})

    def instances(self) -> Iterator[Instance]:
        """Yield all resources of all modules."""
        shown = self.content.get("values", self.content.get("planned_values"))
        if shown is None:
            self.problem("", "Terraform shows no resources")
        elif isinstance(shown, dict):
            yield from self._of_module(shown.get("root_module"))

    def _of_module(self, module: object) -> Iterator[Instance]:
        if not isinstance(module, dict):
            return
        for each in _list(module.get("resources")):
            values = each.get("values") if isinstance(each, dict) else None
            if not isinstance(values, dict):
                self.problem("", "a resource has no values")
                continue
            given = {name: value for name, value in values.items() if value is not None}
            yield Instance(str(each.get("address")), str(each.get("type")), each.get("mode") == "data", given)
        for child in _list(module.get("child_modules")):
            yield from self._of_module(child)

    def problem(self, address: str, what: str) -> None:
        """Report a problem at the place of a resource."""
        self.problems.append(Problem(*self.place(address)[:2], what))

    def place(self, address: str) -> Place:
        """Return the line and column of a resource; the beginning of the text if it cannot be found."""
        if not self._lines:
            self._lines = [0, *(found.end() for found in re.finditer("\n", self.text))]
            self._offsets = {found[1]: found.start() for found in _ADDRESS.finditer(self.text)}
        at = self._offsets.get(json.dumps(address, ensure_ascii=False), 0)
        line = bisect_right(self._lines, at)
        return Place(line, at - self._lines[line - 1] + 1)


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)
