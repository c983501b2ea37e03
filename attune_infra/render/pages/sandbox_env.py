"""The environment variables that lead to a sandbox, for a shell to evaluate."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote
from typing import TYPE_CHECKING

from attune_infra.interfaces import SandboxVariables
from attune_infra.render.text import Line

if TYPE_CHECKING:
    from attune_infra.contract.machines import VariablesData


def lines(shown: SandboxVariables) -> Iterator[Line]:
    for name, text in sorted(shown.variables.items()):
        yield Line(f"export {name}={quote(text)}")


def data(shown: SandboxVariables) -> VariablesData:
    return {"variables": dict(shown.variables)}
