"""The shape of a page: a module that shows one result of a command, as text and as JSON.

A command imports its page and hands it to `session.finish`, together with the result. mypy checks that the two
belong together, and a command loads no other page.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from attune_infra.errors import ExitCode
    from attune_infra.render.data import Data
    from attune_infra.render.text import Line


class Result(Protocol):
    """A value that a command ends with. Its exit code follows from it."""

    @property
    def exit_code(self) -> ExitCode: ...


R = TypeVar("R", bound=Result)
Shown_contra = TypeVar("Shown_contra", bound=Result, contravariant=True)


class Page(Protocol[Shown_contra]):
    """A module with these two functions."""

    def lines(self, shown: Shown_contra, /) -> Iterable[Line]:
        """Return the text for a person. Names in it may hold any character; `render.text` escapes them."""
        ...

    def data(self, shown: Shown_contra, /) -> Data:
        """Return the keys of the JSON object, without `schema` and `exit_code`."""
        ...
